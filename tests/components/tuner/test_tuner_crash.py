"""Tuner killed with all its processes, and run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tuner_for_tests import mlp_search

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "tuner_for_tests.py"


@pytest.fixture
def start(people, artifacts, tmp_path):
    """A function that starts the component in a process group of its own."""

    def start(name: str, workers: int) -> subprocess.Popen:
        search = mlp_search(max_epochs=9, max_trials=9, workers=workers)
        properties = {"task": people.task.to_json(), "search": search.to_json()}
        (tmp_path / name).mkdir(exist_ok=True)
        given = {"folder": str(tmp_path / name), "name": "output", **artifacts, "properties": properties}
        return subprocess.Popen([sys.executable, str(SCRIPT), json.dumps(given)], start_new_session=True)

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
