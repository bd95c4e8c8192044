"""Tuner killed with all its processes, and run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Executes the component on artifacts that are there, as a launcher would.
CHILD = """
import json, sys
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx_automl.components.tuner.executor import Executor

def artifact(kind, uri, splits=None):
    made = kind()
    made.uri = uri
    if splits:
        made.split_names = json.dumps(splits)
    return [made]

given = json.loads(sys.argv[1])
inputs = {
    "examples": artifact(standard_artifacts.Examples, given["examples"], ["train", "eval"]),
    "transform_graph": artifact(standard_artifacts.TransformGraph, given["graph"]),
}
outputs = {
    "best_hyperparameters": artifact(standard_artifacts.HyperParameters, given["output"] + "/best"),
    "tuner_results": artifact(standard_artifacts.TunerResults, given["output"] + "/results"),
    "best_model": artifact(standard_artifacts.Model, given["output"] + "/model"),
}
context = base_beam_executor.BaseBeamExecutor.Context(
    beam_pipeline_args=[], tmp_dir=given["output"] + "/tmp", unique_id="1", stateful_working_dir=given["state"] + "/1"
)
Executor(context).Do(inputs, outputs, {"task": given["task"], "search": given["search"]})
"""


@pytest.fixture
def start(people, tmp_path):
    """A function that starts the component in a process group of its own."""
    from tfx_automl.components.tuner.options import SearchOptions

    def start(name: str, workers: int) -> subprocess.Popen:
        search = SearchOptions(max_epochs=9, max_trials=9, workers=workers)
        given = {
            "examples": str(people.Transform.uris["transformed_examples"]),
            "graph": str(people.Transform.uris["transform_graph"]),
            "task": people.task.to_json(),
            "search": search.to_json(),
            "state": str(tmp_path / name / "state"),
            "output": str(tmp_path / name / "output"),
        }
        (tmp_path / name / "output" / "tmp").mkdir(parents=True, exist_ok=True)
        return subprocess.Popen([sys.executable, "-c", CHILD, json.dumps(given)], start_new_session=True)

    return start


def _epochs(folder: Path) -> int:
    ledgers = list(folder.glob("state/searches/*/ledger.jsonl"))
    return ledgers[0].read_text().count('"event": "epoch"') if ledgers else 0


def _results(folder: Path) -> dict:
    return json.loads((folder / "output" / "results" / "trials.json").read_text())


def _facts(found: dict) -> list[tuple]:
    """What must not depend on whether the search was killed."""
    return [(t["values"], t["status"], t["epochs"], t["levels"], t["metrics"]) for t in found["trials"]]


def test_killed_search_goes_on_to_the_same_result(start, tmp_path):
    straight = start("straight", 1)
    assert straight.wait(120) == 0
    expected = _results(tmp_path / "straight")
    known = 0
    for epochs in (4, 12):
        process = start("killed", 1)
        while _epochs(tmp_path / "killed") < epochs:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        known = _epochs(tmp_path / "killed")
    assert start("killed", 1).wait(120) == 0
    found = _results(tmp_path / "killed")
    assert known >= 12
    assert _facts(found) == _facts(expected)
    assert (found["best_trial_id"], found["stop_reason"]) == (expected["best_trial_id"], expected["stop_reason"])
    # Every epoch was told once: none was trained again after it had been noted.
    assert _epochs(tmp_path / "killed") == expected["total_epochs"] == 21
