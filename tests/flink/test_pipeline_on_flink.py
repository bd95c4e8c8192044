"""The whole demo pipeline on a real Flink, started by `make test-flink`: what it makes is what one process makes."""

import json
import os
import signal
import threading
import time
import urllib.request
from typing import Any

import apache_beam as beam
import pytest
from flink_for_tests import NEEDS_FLINK, OPTIONS, beam_arguments, task_managers
from processes_for_tests import wait_for
from runs_for_tests import assert_same_results, run_small_demo

from tfx_automl.pipelines.flink_jobs import job_name, jobs_that_run, no_job_left
from tfx_automl.pipelines.job import StageFailedError

pytestmark = NEEDS_FLINK

SLOTS = 2
JOBS_OF_EXAMPLE_GEN = 2  # one finds types, one writes


def _ask(path: str) -> Any:
    with urllib.request.urlopen(f"http://{OPTIONS['flink_rest']}/{path}", timeout=30) as answer:
        return json.load(answer)


def _all_jobs(name: str) -> list[dict[str, Any]]:
    return [job for job in _ask("jobs/overview")["jobs"] if job["name"] == name]


def _works_on_both(name: str) -> bool:
    """Whether the job of StatisticsGen has tasks that run on both TaskManagers, each of which has one slot."""
    if len(_all_jobs(name)) <= JOBS_OF_EXAMPLE_GEN:
        return False
    return any(
        vertex["tasks"]["RUNNING"] == SLOTS
        for job in jobs_that_run(OPTIONS["flink_rest"], name)
        for vertex in _ask(f"jobs/{job}")["vertices"]
    )


def _kill_a_task_manager(name: str, killed: list[int]) -> None:
    wait_for(lambda: _works_on_both(name))
    killed.append(task_managers()[0])
    os.kill(killed[0], signal.SIGKILL)


def test_lost_task_manager_then_the_same_as_in_one_process(tmp_path, capfd):
    output, killed = tmp_path / "flink", []
    killer = threading.Thread(target=_kill_a_task_manager, args=(job_name(str(output)), killed))
    killer.start()
    with pytest.raises(StageFailedError) as caught:
        run_small_demo(output, runner="beam", **OPTIONS)
    killer.join()
    assert killed, "the TaskManager was killed during the job"
    said = capfd.readouterr().out
    assert "StatisticsGen: FAILED" in said
    assert "Beam's job failed: " in str(caught.value) and "TaskManager" in str(caught.value)
    assert jobs_that_run(OPTIONS["flink_rest"], job_name(str(output))) == []

    finished = run_small_demo(output, runner="beam", **OPTIONS)  # on the TaskManager that was started again, too
    assert finished.summary["cached"] == ["ExampleGen"]
    assert killed[0] not in task_managers()
    assert "(tfma)" in capfd.readouterr().out
    assert_same_results(finished, run_small_demo(tmp_path / "direct"))


def _submit(name: str) -> None:
    """Sends a job that goes on by itself, as a client does that is killed after that."""
    pipeline = beam.Pipeline(argv=beam_arguments(name))
    _ = pipeline | beam.Create([600]) | beam.Map(lambda seconds: time.sleep(seconds))
    pipeline.run()
    wait_for(lambda: jobs_that_run(OPTIONS["flink_rest"], name) != [])


def test_job_of_a_client_that_is_gone_is_cancelled(tmp_path, capsys):
    name, other = job_name(str(tmp_path)), job_name(str(tmp_path / "of-somebody-else"))
    _submit(name)
    with no_job_left(OPTIONS["flink_rest"], other):
        assert len(jobs_that_run(OPTIONS["flink_rest"], name)) == 1, "another run's jobs are not ours to cancel"
    with no_job_left(OPTIONS["flink_rest"], name):
        assert jobs_that_run(OPTIONS["flink_rest"], name) == []
    assert [job["state"] for job in _all_jobs(name)] == ["CANCELED"]
    assert f"Cancelled 1 job(s) {name} in Flink that an earlier run had left." in capsys.readouterr().out


def test_job_of_an_interrupted_client_is_cancelled(tmp_path, capsys):
    name = job_name(str(tmp_path))
    with pytest.raises(KeyboardInterrupt), no_job_left(OPTIONS["flink_rest"], name):
        _submit(name)
        raise KeyboardInterrupt
    assert [job["state"] for job in _all_jobs(name)] == ["CANCELED"]
    assert f"Cancelled 1 job(s) {name} of this run in Flink." in capsys.readouterr().out
