"""The whole demo pipeline on a real Spark, started by `make test-spark`: what it makes is what one process makes."""

import json
import os
import signal
import threading
import urllib.request

import pytest
from processes_for_tests import processes_of, wait_for
from runs_for_tests import assert_same_results, run_small_demo

OPTIONS = json.loads(os.environ.get("TFX_AUTOML_SPARK", "null"))
STATE = "http://10.0.0.1:8080/json/"
WORKERS = 2
JOBS_OF_EXAMPLE_GEN = 2  # one finds types, one writes

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(OPTIONS is None, reason="needs a Spark: make test-spark starts one and runs this"),
]


def _executors() -> list[int]:
    return processes_of("java", "org.apache.spark.executor.CoarseGrainedExecutorBackend")


def _jobs_that_ended() -> int:
    with urllib.request.urlopen(STATE, timeout=30) as answer:
        return len(json.load(answer)["completedapps"])


def _statistics_on_both() -> bool:
    """Whether the job of StatisticsGen has an executor and a Python worker at either worker of Spark."""
    python_workers = processes_of("python", "SdkHarness")
    return _jobs_that_ended() == JOBS_OF_EXAMPLE_GEN and len(_executors()) == len(python_workers) == WORKERS


def _kill_an_executor(killed: list[int]) -> None:
    wait_for(_statistics_on_both)
    killed.append(_executors()[0])
    os.kill(killed[0], signal.SIGKILL)


def test_lost_executor_and_yet_the_same_as_in_one_process(tmp_path, capfd):
    """Spark starts another executor, and does again what the lost one had not finished."""
    killed: list[int] = []
    killer = threading.Thread(target=_kill_an_executor, args=(killed,))
    killer.start()
    found = run_small_demo(tmp_path / "spark", runner="beam", **OPTIONS)
    killer.join()
    assert killed, "an executor was killed during the job"
    assert "(tfma)" in capfd.readouterr().out
    assert _jobs_that_ended() > JOBS_OF_EXAMPLE_GEN + 1
    assert_same_results(found, run_small_demo(tmp_path / "direct"))
