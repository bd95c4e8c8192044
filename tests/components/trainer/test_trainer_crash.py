"""Trainer killed, and run again; and run twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "trainer_for_tests.py"
EPOCHS = 40


@pytest.fixture
def start(people, inputs, tmp_path):
    """A function that starts the component in a process group of its own."""
    from tfx_automl.components.trainer.options import TrainOptions

    def start(name: str, **options) -> subprocess.Popen:
        options = TrainOptions(**{"max_epochs": EPOCHS, "patience": EPOCHS, **options})
        properties = {"task": people.task.to_json(), **options.to_properties()}
        given = {"folder": str(tmp_path / name), "name": "output", "inputs": inputs, "properties": properties}
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), json.dumps(given)], start_new_session=True, stdout=subprocess.PIPE, text=True
        )

    return start


def _last_saved(folder: Path) -> int:
    names = [path.name.removeprefix("epoch-") for path in folder.glob("state/trainings/*/epoch-*")]
    return max(map(int, names), default=0)


def _weights(folder: Path) -> list[np.ndarray]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / "output" / "model" / "Format-Serving"))
    return [weight.numpy() for weight in loaded.weights]


def _history(folder: Path) -> list[dict]:
    return json.loads((folder / "output" / "run" / "history.json").read_text())


def _assert_same(first: Path, second: Path) -> None:
    assert _history(first) == _history(second)
    for one, other in zip(_weights(first), _weights(second), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", ["retrain", "continue"])
def test_killed_training_goes_on_to_the_same_model(start, tmp_path, mode):
    straight = start("straight", mode=mode)
    assert straight.communicate(timeout=180) and straight.returncode == 0
    first = _history(tmp_path / "straight")[0]["epoch"]
    for epochs in (first + 3, first + 15):
        process = start("killed", mode=mode)
        while _last_saved(tmp_path / "killed") < epochs:
            assert process.poll() is None
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    known = _last_saved(tmp_path / "killed")
    again = start("killed", mode=mode)
    shown, _ = again.communicate(timeout=180)
    assert again.returncode == 0
    # Less than an epoch is lost: the first that is trained again is the one after the last that was saved.
    assert f"goes on after epoch {known} of a training that was interrupted" in shown
    lines = [line for line in shown.splitlines() if line.startswith("  epoch ")]
    assert lines[0].startswith(f"  epoch {known + 1}/")
    _assert_same(tmp_path / "straight", tmp_path / "killed")
    assert list((tmp_path / "killed" / "state").rglob("*")) == []


def test_same_seed_same_model_in_another_process_bit_for_bit(start, tmp_path):
    for name in ("one", "two"):
        process = start(name, max_epochs=8)
        assert process.communicate(timeout=180) and process.returncode == 0
    _assert_same(tmp_path / "one", tmp_path / "two")
    other = start("other", max_epochs=8, seed=1)
    assert other.communicate(timeout=180) and other.returncode == 0
    assert _history(tmp_path / "one") != _history(tmp_path / "other")
