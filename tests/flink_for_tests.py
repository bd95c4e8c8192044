"""What tests need to know of the Flink that `make test-flink` has started; nothing where there is none."""

import json
import os

import pytest
from processes_for_tests import processes_of

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
    return processes_of("java", "org.apache.flink.runtime.taskexecutor.TaskManagerRunner")
