"""The whole demo pipeline on a real Flink, started by `make test-flink`: what it makes is what one process makes."""

import json
import os
import signal
import threading
import urllib.request
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from flink_for_tests import NEEDS_FLINK, OPTIONS, beam_arguments, task_managers, wait_for

from tfx_automl.pipelines.datasets import demo_config
from tfx_automl.pipelines.finished import FinishedRun
from tfx_automl.pipelines.flink_jobs import job_name, jobs_that_run, no_job_left
from tfx_automl.pipelines.job import StageFailedError, run_job

pytestmark = NEEDS_FLINK

SPLITS = ("train", "eval", "test")
SMALL = {"families": "linear", "algorithm": "random", "max_trials": 2, "max_epochs": 1, "folds": 1, "workers": 2}
SMALL |= {"replicates": 50, "materialize": "yes"}
SAME = ("task", "label", "notes", "rows", "anomalies", "features", "best_hyperparameters", "trainer", "blessed")
ABOUT_THE_SAME = ("test_metrics", "baseline_metrics", "slices", "gaps", "gap_intervals", "worst_slice")
SLOTS = 2
JOBS_OF_EXAMPLE_GEN = 2  # one finds types, one writes


def _run(output: Path, **options: Any) -> FinishedRun:
    run_job(demo_config("diabetes", None, {**SMALL, "output": str(output), **options}))
    return FinishedRun.at(str(output))


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
    killer = threading.Thread(target=_kill_a_task_manager, args=(job_name(output), killed))
    killer.start()
    with pytest.raises(StageFailedError) as caught:
        _run(output, runner="beam", **OPTIONS)
    killer.join()
    assert killed, "the TaskManager was killed during the job"
    said = capfd.readouterr().out
    assert "StatisticsGen: FAILED" in said
    assert "TaskManager" in str(caught.value) or "Connection" in str(caught.value)
    assert jobs_that_run(OPTIONS["flink_rest"], job_name(output)) == []

    finished = _run(output, runner="beam", **OPTIONS)  # on the TaskManager that was started again, too
    assert finished.summary["cached"] == ["ExampleGen"]
    assert killed[0] not in task_managers()
    assert "(tfma)" in capfd.readouterr().out
    expected = _run(tmp_path / "direct")
    for key in SAME:
        assert finished.summary[key] == expected.summary[key], key
    for key in ABOUT_THE_SAME:
        _assert_close(finished.summary[key], expected.summary[key], key)
    assert len(finished.summary["reasons"]) == len(expected.summary["reasons"])
    _assert_same_trials(finished, expected)
    _assert_same_data(finished, expected)
    _assert_same_statistics(finished, expected)


def _assert_close(found: Any, expected: Any, where: str) -> None:
    """Compares numbers to 1e-6, which is what the two engines of the Evaluator promise, and all else exactly."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key in expected:
            _assert_close(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, pair in enumerate(zip(found, expected, strict=True)):
            _assert_close(*pair, f"{where}[{index}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-6, nan_ok=True), where
    else:
        assert found == expected, where


def _assert_same_trials(found: FinishedRun, expected: FinishedRun) -> None:
    one, other = (
        [(trial["values"], trial["score"], trial["epochs"]) for trial in run.summary["trials"]["table"]]
        for run in (found, expected)
    )
    assert one == other
    assert found.summary["trials"]["ranking"] == expected.summary["trials"]["ranking"]


def _assert_same_data(found: FinishedRun, expected: FinishedRun) -> None:
    """Raw rows, what the transform graph makes of them on Beam, and the arrays that models train on."""
    for component, key in (("ExampleGen", "examples"), ("Transform", "transformed_examples")):
        for split in SPLITS:
            one, other = (_records(run.artifact(component, key) / f"Split-{split}") for run in (found, expected))
            assert len(other) > 0 and one == other, (component, split)
    folders = [run.artifact("Transform", "training_data") for run in (found, expected)]
    names = [sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npy")) for folder in folders]
    assert names[0] == names[1] != []
    for name in names[0]:
        np.testing.assert_array_equal(*(np.load(folder / name) for folder in folders))


def _records(folder: Path) -> list[bytes]:
    files = sorted(str(path) for path in folder.iterdir())
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def _assert_same_statistics(found: FinishedRun, expected: FinishedRun) -> None:
    for split in SPLITS:
        one, other = (
            tfdv.load_stats_binary(str(run.artifact("StatisticsGen", "statistics") / f"Split-{split}/FeatureStats.pb"))
            for run in (found, expected)
        )
        assert one.datasets[0].num_examples == other.datasets[0].num_examples > 0
        parts = [sorted(stats.datasets[0].features, key=lambda f: str(f.path)) for stats in (one, other)]
        for feature, reference in zip(*parts, strict=True):
            _assert_close(_plain(feature), _plain(reference), f"{split} {reference.path}")
    schemas = [(run.artifact("SchemaGen", "schema") / "schema.pbtxt").read_text() for run in (found, expected)]
    assert schemas[0] == schemas[1]


def _plain(message: Any) -> Any:
    from google.protobuf import json_format

    return json_format.MessageToDict(message)


def _sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)


def _submit(name: str) -> None:
    """Sends a job that goes on by itself, as a client does that is killed after that."""
    pipeline = beam.Pipeline(argv=beam_arguments(name))
    _ = pipeline | beam.Create([600]) | beam.Map(_sleep)
    pipeline.run()
    wait_for(lambda: jobs_that_run(OPTIONS["flink_rest"], name) != [])


def test_job_of_a_client_that_is_gone_is_cancelled(tmp_path, capsys):
    name, other = job_name(tmp_path), job_name(tmp_path / "of-somebody-else")
    _submit(name)
    with no_job_left(OPTIONS["flink_rest"], other):
        assert len(jobs_that_run(OPTIONS["flink_rest"], name)) == 1, "another run's jobs are not ours to cancel"
    with no_job_left(OPTIONS["flink_rest"], name):
        assert jobs_that_run(OPTIONS["flink_rest"], name) == []
    assert [job["state"] for job in _all_jobs(name)] == ["CANCELED"]
    assert f"Cancelled 1 job(s) {name} in Flink that an earlier run had left." in capsys.readouterr().out


def test_job_of_an_interrupted_client_is_cancelled(tmp_path, capsys):
    name = job_name(tmp_path)
    with pytest.raises(KeyboardInterrupt), no_job_left(OPTIONS["flink_rest"], name):
        _submit(name)
        raise KeyboardInterrupt
    assert [job["state"] for job in _all_jobs(name)] == ["CANCELED"]
    assert f"Cancelled 1 job(s) {name} of this run in Flink." in capsys.readouterr().out
