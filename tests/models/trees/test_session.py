"""Trees in training: shares of the rows, checkpoints, what is measured, export."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tables_for_tests import TREES, make_table

from tfx_automl.errors import ModelError
from tfx_automl.models.families import FAMILIES, start_model
from tfx_automl.models.feeding import columns_of, subset
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.model import Workplace
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.trees.session import rounds_per_epoch


def _grown(data, epochs: int = 2, workplace: Workplace | None = None, **values):
    model = start_model({**TREES, **values}, 3, workplace or Workplace(data))
    for _ in range(epochs):
        model.train_epoch()
    return model


def test_an_epoch_is_about_the_same_work_for_any_number_of_classes():
    assert [rounds_per_epoch(trees) for trees in (1, 3, 12, 24, 100, 240, 1000)] == [20, 20, 20, 10, 2, 1, 1]
    assert [rounds_per_epoch(3, steps) for steps in (1, 7, 99)] == [1, 7, 20]
    data = make_table("binary", rows=300, test_rows=10)
    assert len(_grown(data, 2, Workplace(data, steps=3)).booster.rounds) == 6


def test_many_classes_have_smaller_trees():
    few = make_table("multiclass", rows=300, test_rows=10)
    many = replace(few, task=TaskSpec("multiclass", "y", tuple(map(str, range(200)))))
    leaves = {p.name: p for data in (few, many) for p in FAMILIES["boosted_trees"].parameters(data)}
    assert leaves["max_leaf_nodes"].max == 31
    assert max(FAMILIES["boosted_trees"].defaults(many), key=lambda p: p["max_leaf_nodes"])["max_leaf_nodes"] == 31


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_a_larger_share_of_the_rows_goes_on_from_the_smaller_one(kind):
    """What is kept of the training rows is made anew: growing goes on as with nothing kept at all."""
    data = make_table(kind, test_rows=500)
    model = _grown(data, 0)
    for share in (0.3, 0.3, 1.0, 1.0):
        record = model.train_epoch(share)
        rows = subset(3000, share)
        kept = model.booster.estimator.raw
        made = model.booster.predict(model.booster.estimator.binned.train[rows])
        np.testing.assert_allclose(kept, made, rtol=0, atol=1e-12)
    train = metrics_of(data.task, data.split("train").label, model.predict(data.split("train")))
    scale = data.target_std**2 if kind == "regression" else 1
    assert record.metrics["loss"] == pytest.approx(train["loss"] / scale, rel=1e-5)
    evaluation = data.split("eval")
    found = metrics_of(data.task, evaluation.label, model.predict(evaluation))
    assert record.metrics["val_loss"] == pytest.approx(found["loss"], rel=1e-6)


def test_a_share_may_lack_a_class():
    data = make_table("multiclass", rows=200, test_rows=50)
    train = data.split("train")
    label = train.label.copy()
    label[subset(200, 0.2)] = 0
    label[label == 3] = 2  # nor has any row the last class
    changed = data.with_splits(train=type(train)(train.numeric, train.categorical, train.image, label))
    model = _grown(changed, 0, min_samples_leaf=2)
    model.train_epoch(0.2)
    model.train_epoch()
    assert model.predict(changed.split("test")).shape == (50, 4)


@pytest.mark.slow
def test_a_checkpoint_goes_on_in_another_process(make_data, tmp_path):
    data = make_data("multiclass")
    values = {**TREES, "min_samples_leaf": 5}
    straight, first = (start_model(values, 5, Workplace(data)) for _ in range(2))
    for model, epochs in ((straight, 3), (first, 2)):
        for _ in range(epochs):
            model.train_epoch()
    first.save(tmp_path / "checkpoint")
    code = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from tfx_automl.models.data import open_data; from tfx_automl.models.families import start_model;"
        "from tfx_automl.models.model import Workplace; folder, checkpoint, out = sys.argv[1:];"
        f"data = open_data(Path(folder)); model = start_model({values!r}, 5, Workplace(data));"
        "model.load(Path(checkpoint)); model.train_epoch(); np.save(out, model.predict(data.split('test')))"
    )
    arguments = [str(data.folder), str(tmp_path / "checkpoint"), str(tmp_path / "out.npy")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), straight.predict(data.split("test")))


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    binary, multiclass = (make_table(kind, rows=300, test_rows=10) for kind in ("binary", "multiclass"))
    with pytest.raises(ModelError, match=r"holds no checkpoint checkpoint\.npz"):
        _grown(binary, 0).load(tmp_path)
    _grown(binary, 1).save(tmp_path)
    with pytest.raises(ModelError, match="another model: 1 trees per round, not 4"):
        _grown(multiclass, 0).load(tmp_path)
    network = {p.name: p.sample(np.random.default_rng(0)) for p in FAMILIES["mlp"].parameters(binary)}
    start_model({**network, "family": "mlp"}, 0, Workplace(binary)).save(tmp_path)
    with pytest.raises(ModelError, match="another model: 0 trees per round, not 1"):
        _grown(binary, 0).load(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.npz"]


def test_training_goes_on_after_a_snapshot_is_put_back():
    data = make_table("binary", rows=500, test_rows=100)
    model = _grown(data, 1)
    snapshot = model.snapshot()
    first = model.train_epoch()
    model.restore(snapshot)
    again = model.train_epoch()
    assert len(model.booster.rounds) == 40
    assert again.metrics["val_loss"] == pytest.approx(first.metrics["val_loss"], rel=0.1)
    fresh = _grown(data, 0)
    fresh.restore(fresh.snapshot())
    assert len(fresh.booster.rounds) == 0
    np.testing.assert_array_equal(fresh.predict(data.split("test")), 0.5)


def test_sizes_and_latency():
    data = make_table("binary", rows=500, test_rows=100)
    model = _grown(data, 1, Workplace(data, measures=("latency_ms",)))
    metrics = model.records[-1].metrics
    leaves = sum(tree.get_n_leaf_nodes() for (tree,) in model.booster.rounds)
    assert metrics["parameters"] == 2 * leaves - 20
    assert metrics["model_bytes"] == sum(v.numpy().nbytes for v in model.graph().variables)
    assert 0 < metrics["latency_ms"] < 1000
    assert "latency_ms" not in _grown(data, 1).records[-1].metrics


CHANGES = {
    "learning_rate": 0.2,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 90,
    "l2_regularization": 10.0,
    "max_features": 0.3,
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_hyperparameter_counts(name):
    data = make_table("binary", rows=500, test_rows=100)
    plain, other = (_grown(data, 1, **v).predict(data.split("test")) for v in ({}, {name: CHANGES[name]}))
    assert not np.allclose(plain, other, atol=1e-3)


def _module(model, arrays):
    import tensorflow as tf

    graph, columns = model.graph(), columns_of(arrays, slice(None))
    module = tf.Module()
    module.weights = list(graph.variables)
    specs = [tf.TensorSpec([None, values.shape[1]], values.dtype, name=name) for name, values in columns.items()]
    names = tuple(columns)
    module.predict = tf.function(
        lambda *values: graph.predict(dict(zip(names, values, strict=True))), input_signature=specs, autograph=False
    )
    return module, columns


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_a_saved_model_predicts_the_same(kind, tmp_path):
    import tensorflow as tf

    data = make_table(kind, rows=1000, test_rows=1000, wide=300)
    model = _grown(data, 1, target="log")
    module, columns = _module(model, data.split("test"))
    tf.saved_model.save(module, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    expected = model.predict(data.split("test"))
    found = loaded.predict(*columns.values()).numpy().reshape(expected.shape)
    np.testing.assert_allclose(found / np.abs(expected).max(), expected / np.abs(expected).max(), atol=1e-6)
    assert loaded.predict(*(values[:0] for values in columns.values())).shape[0] == 0


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_tensorflow_lite_predicts_the_same_with_its_own_operations(kind):
    import tensorflow as tf

    data = make_table(kind, rows=1000, test_rows=1000, wide=300)
    model = _grown(data, 1, target="log")
    module, columns = _module(model, data.split("test"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.predict.get_concrete_function()], module)
    assert converter.target_spec.supported_ops == {tf.lite.OpsSet.TFLITE_BUILTINS}
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    (found,) = interpreter.get_signature_runner()(**columns).values()
    expected = model.predict(data.split("test"))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.reshape(expected.shape) / scale, expected / scale, atol=1e-6)
