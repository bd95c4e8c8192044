"""One model trained by two devices, and by two processes: the same as by one."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tfx_automl.errors import ModelError
from tfx_automl.models.distribution import is_chief, make_strategy

TESTS = Path(__file__).parents[2]


def test_without_distribution_there_is_no_strategy():
    assert make_strategy("none") is None
    assert is_chief(None)


def test_workers_need_a_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ModelError, match="TF_CONFIG must name the cluster"):
        make_strategy("multi_worker")


def test_only_networks_are_distributed(monkeypatch):
    from tfx_automl.models import families

    class Other(families.Family):
        name = "other"

        def suits(self, inputs):
            return True

        def parameters(self, data):
            return ()

        def start(self, values, seed, workplace):
            raise NotImplementedError

    monkeypatch.setitem(families.FAMILIES, "other", Other())
    families.check_distributable("mlp")
    with pytest.raises(ModelError, match="the model family 'other' is no network"):
        families.check_distributable("other")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_two_devices_train_the_model_of_one(tmp_path, kind):
    done = subprocess.run(
        [sys.executable, str(TESTS / "distribution_for_tests.py"), str(tmp_path), kind],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == 2
    assert found["moved"] > 0.05
    assert found["apart"] < 1e-5
    assert found["replicas_apart"] == 0
    np.testing.assert_allclose(*found["losses"], rtol=1e-5)
    assert found["loaded"]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture
def without_dropout(inputs, tmp_path) -> str:
    """The folder of the small pipeline's best hyperparameters, without dropout."""
    content = json.loads((Path(inputs["hyperparameters"]) / "best_hyperparameters.txt").read_text())
    content["values"]["dropout"] = 0.0
    (tmp_path / "hyperparameters").mkdir()
    (tmp_path / "hyperparameters" / "best_hyperparameters.txt").write_text(json.dumps(content))
    return str(tmp_path / "hyperparameters")


@pytest.mark.slow
def test_two_processes_train_the_model_of_one_and_the_chief_writes_it(
    people, inputs, without_dropout, execute, tmp_path
):
    import tensorflow as tf

    from tfx_automl.components.trainer.options import TrainOptions

    alone = execute("alone", {"hyperparameters": without_dropout}, max_epochs=3, patience=3)
    options = TrainOptions(max_epochs=3, patience=3, distribution="multi_worker")
    properties = {"task": people.task.to_json(), **options.to_properties()}
    workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    processes = []
    for index in range(2):
        # Each has outputs of its own, to see who writes; on a cluster they would be the same.
        given = {"folder": str(tmp_path / "shared"), "name": f"worker-{index}", "properties": properties}
        given["inputs"] = {**inputs, "hyperparameters": without_dropout}
        cluster = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        processes.append(
            subprocess.Popen(
                [sys.executable, str(TESTS / "trainer_for_tests.py"), json.dumps(given)],
                env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
            )
        )
    try:
        assert [process.wait(300) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    chief, other = (tmp_path / "shared" / f"worker-{index}" for index in range(2))
    assert not other.exists()
    assert json.loads((chief / "model" / "model_card.json").read_text())["distribution"] == "multi_worker"
    history = json.loads((chief / "run" / "history.json").read_text())
    for entry, expected in zip(history, alone.history, strict=True):
        assert entry == pytest.approx(expected, rel=1e-4, abs=1e-5)
    found, expected = (
        [w.numpy() for w in tf.saved_model.load(str(model / "Format-Serving")).weights if w.dtype.is_floating]
        for model in (chief / "model", alone.model)
    )
    for one, another in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, another, rtol=0, atol=1e-5)
