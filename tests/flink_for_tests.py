"""What tests need to know of the Flink that `make test-flink` has started; nothing where there is none."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes_for_tests import descendants

from tfx_automl.pipelines.config import RunConfig

OPTIONS = json.loads(os.environ.get("TFX_AUTOML_FLINK", "null"))
NEEDS_FLINK = [
    pytest.mark.flink,
    pytest.mark.slow,
    pytest.mark.skipif(OPTIONS is None, reason="needs a Flink: make test-flink starts one and runs this"),
]


def beam_arguments(job_name: str = "tests") -> list[str]:
    """Beam's own arguments, by which pipelines run on that Flink."""
    config = RunConfig.from_mapping({"data": "-", "label": "-", "output": "-", **(OPTIONS or {})})
    return config.beam_arguments(job_name)


def task_managers() -> list[int]:
    """The process identifiers of the TaskManagers; with Flink, the tests are in its process namespace."""
    return sorted(pid for pid in descendants(1) if _is_task_manager(pid))


def _is_task_manager(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile
        return False
    return words[0] == b"java" and b"org.apache.flink.runtime.taskexecutor.TaskManagerRunner" in words


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Waits until something holds, and fails if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this did not happen in time"
        time.sleep(0.1)
