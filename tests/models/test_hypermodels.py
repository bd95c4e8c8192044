"""Hypermodels of KerasTuner: what they search, what they see, and that they continue exactly."""

import re
import shutil

import numpy as np
import pytest

from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.hypermodel import HyperModel, hyperparameters_of
from tfx_automl.models.inputs import Image, InputSpec
from tfx_automl.models.keras_objectives import compiled_objectives
from tfx_automl.models.keras_session import KerasSession
from tfx_automl.models.keras_trainable import KerasTrainable, save_model
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.tracing import trace
from tfx_automl.models.views import view_of
from tfx_automl.search.job import Job, run_job

pytestmark = pytest.mark.slow  # TensorFlow builds and trains in most of them

MLP = {"kind": "mlp", "layers": 1, "units_0": 8, "dropout": True, "rate": 0.4, "norm": "batch", "momentum": 0.9}
CONDITIONAL = {**MLP, "learning_rate": 0.01}
BATCHES = {"units": 16, "learning_rate": 0.01, "batch_size": 32, "shuffle": True}


def _hypermodel(name: str) -> HyperModel:
    return HyperModel(f"hypermodels_for_tests:{name}")


def _points(space, count=60):
    return [space.sample(np.random.default_rng(seed)) for seed in range(count)]


def test_conditions_loops_and_branches_are_found_without_training(make_data, monkeypatch):
    import keras

    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it trains"))
    traced = trace(_hypermodel("conditional"), make_data())
    assert set(traced.metrics) == {"val_accuracy", "val_auc", "val_loss"}
    by_kind = {kind: [p for p in _points(traced.space) if p["kind"] == kind] for kind in ("mlp", "wide")}
    assert {*MLP, "learning_rate", "units_1", "units_2"} == set().union(*by_kind["mlp"])
    assert {p["units_0"] for p in by_kind["wide"]} == {64, 128}
    assert all(p["units_0"] <= 8 for p in by_kind["mlp"])
    assert not {"layers", "units_1", "dropout", "rate"} & set().union(*by_kind["wide"])
    assert all(("rate" in p) == p["dropout"] for p in by_kind["mlp"])


def test_hyperparameters_of_a_fit_are_found_without_training(make_data, monkeypatch):
    import keras

    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it trains"))
    traced = trace(_hypermodel("BatchSize"), make_data())
    assert {parameter.name for parameter in traced.space.parameters} == set(BATCHES)
    own = trace(_hypermodel("OwnLoop"), make_data("regression"))
    assert {parameter.name for parameter in own.space.parameters} == {"units", "learning_rate"}
    assert own.metrics is None


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("breaks", "binary", r"breaks: building it with {'n': 1} failed: ValueError: no such thing as 1 layers"),
        ("nothing", "regression", r"nothing has no hyperparameters"),
        ("uncompiled", "regression", r"uncompiled: the model that it builds is not compiled"),
        ("missing", "binary", r"the module hypermodels_for_tests has no 'missing'"),
        ("not_a_model", "binary", r"expected a keras_tuner.HyperModel or a function build\(hp\), got 5"),
        ("unknown_input", "binary", r"inputs height_xf, .* blocks numeric, categorical and the features a_xf, b_xf"),
        ("wrong_shape", "binary", r"numeric has the shape \['rows', 5\], the data has \['rows', 3\]"),
        ("lab", "binary", r"numeric has the shape \['rows', 28, 28\]"),
        ("dense_labels", "multiclass", r"cannot be evaluated .* the loss has to be a sparse one"),
        ("OwnEpochs", "image", r"multiple values for keyword argument 'epochs'"),
    ],
)
def test_mistakes_of_a_hypermodel_are_told_at_once(make_data, name, kind, message):
    data = make_data("multiclass", image=True, shape=(28, 28, 1)) if kind == "image" else make_data(kind)
    with pytest.raises(ModelError, match=message):
        trace(_hypermodel(name), data)


def test_module_that_does_not_exist_is_told():
    with pytest.raises(ModelError, match=r"no\.such:thing: importing it failed: ModuleNotFoundError"):
        HyperModel("no.such:thing")
    assert HyperModel("hypermodels_for_tests.lab").source == _hypermodel("conditional").source


def _run(trainable, job, epochs=99):
    curve = []

    def tell(_, record):
        curve.append(record)
        return len(curve) < epochs

    return run_job(trainable, job, "0", tell), curve


def test_promoted_trial_equals_one_that_was_never_interrupted(make_data, tmp_path):
    """With dropout, batch normalisation, layers with names, and another model that is built in between."""
    worker = _worker("conditional", make_data())
    straight = _train(worker, CONDITIONAL, 0, 5, tmp_path / "straight")
    first = _train(worker, CONDITIONAL, 0, 3, tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    worker.start(Job(1, {**CONDITIONAL, "units_0": 4}, 0, 1, 5, str(tmp_path / "other")))
    here = [*first, *_train(worker, CONDITIONAL, 3, 5, tmp_path / "here")]
    there = [*first, *_train(_worker("conditional", make_data()), CONDITIONAL, 3, 5, tmp_path / "there")]
    for curve in (here, there):
        for one, other in zip(curve, straight, strict=True):
            assert one == pytest.approx(other, abs=1e-6)
    assert straight[-1]["val_auc"] > 0.8 and straight[-1]["parameters"] > 20
    with np.load(tmp_path / "straight/checkpoint.npz") as one, np.load(tmp_path / "there/checkpoint.npz") as other:
        assert len(one.files) > 10
        for key in set(one.files) - {"records"}:  # they have seconds
            np.testing.assert_allclose(one[key], other[key], atol=1e-6)


def test_fit_of_its_own_continues_as_exactly(make_data, tmp_path):
    worker = _worker("BatchSize", make_data())
    first = _train(worker, BATCHES, 0, 1, tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    here = _train(worker, BATCHES, 1, 3, tmp_path / "here")
    there = _train(_worker("BatchSize", make_data()), BATCHES, 1, 3, tmp_path / "there")
    assert here[0] == pytest.approx(there[0], abs=1e-6) and here[1] == pytest.approx(there[1], abs=1e-6)
    assert here[1]["val_loss"] < first[0]["val_loss"]


def _worker(name, data):
    return KerasTrainable(f"hypermodels_for_tests:{name}", str(data.folder), 2**30, ("val_auc",))


def _train(worker, values, start, stop, folder):
    result, curve = _run(worker, Job(0, values, start, stop, 5, str(folder)))
    assert result.status == "completed", result.error
    return [record.metrics for record in curve]


def test_own_loop_gives_the_objective(make_data, tmp_path):
    data = make_data("regression")
    trainable = KerasTrainable("hypermodels_for_tests:OwnLoop", str(data.folder), 2**30, ("val_mse", "latency_ms"))
    result, curve = _run(trainable, Job(0, {"units": 4, "learning_rate": 1e-6}, 0, 3, 1, str(tmp_path / "t")))
    assert result.status == "completed", result.error
    scores = [record.metrics["val_mse"] for record in curve]
    assert scores == sorted(scores, reverse=True) and scores[2] < scores[0]
    assert 0 < curve[0].metrics["latency_ms"] < 1000


@pytest.mark.parametrize(
    ("name", "values", "measures", "message"),
    [
        ("diverges", {"learning_rate": 1e31}, (), r"loss became (nan|inf) in epoch 1"),
        ("late", {"n": 5, "x": 0.0}, (), r"late: the hyperparameters late first appeared in this trial"),
        ("late", {"n": 1, "x": 0.0}, ("val_auc",), r"but the search needs val_auc"),
    ],
)
def test_trials_that_fail(make_data, tmp_path, name, values, measures, message):
    folder = str(make_data("regression").folder)
    trainable = KerasTrainable(f"hypermodels_for_tests:{name}", folder, 2**30, measures)
    result, curve = _run(trainable, Job(0, values, 0, 2, 1, str(tmp_path / "t")))
    assert (result.status, curve) == ("failed", [])
    assert re.search(message, result.error)


def test_rows_beyond_the_memory_of_a_worker_are_refused(make_data):
    with pytest.raises(ModelError, match=r"training rows have 0 MiB, but a worker may hold 0 MiB"):
        KerasTrainable("hypermodels_for_tests:lab", str(make_data().folder), 100)


def test_a_share_of_the_rows_is_always_the_same_one(make_data, monkeypatch):
    seen = []
    monkeypatch.setattr(HyperModel, "fit", lambda *given, **_: seen.append(given[3:]) or {"val_loss": 1.0})
    session = KerasSession(_hypermodel("late"), {"n": 1, "x": 0.0}, make_data("regression"), 3)
    for share in (0.5, 0.5, 1.0):
        session.train_epoch(share)
    (half, labels), (again, _), (full, _) = seen
    np.testing.assert_array_equal(half, again)
    assert half.shape == (300, 3) and labels.shape == (300, 1) and full.shape == (600, 3)
    assert {*map(tuple, half)} < {*map(tuple, full)}


def test_the_lab_trains_as_it_is(make_data, tmp_path, capsys):
    """Pixels come as they are in the files, in the shape of the model's input; labels as class indices."""
    data = make_data("multiclass", image=True, shape=(28, 28, 1))
    traced = trace(_hypermodel("lab"), data)
    assert [parameter.name for parameter in traced.space.parameters] == ["units", "learning_rate"]
    assert str(traced.view) == "image (uint8 0 to 255) [rows, 28, 28]"
    assert "pixels are 0 to 255, and no layer of the model rescales them" in capsys.readouterr().out
    trainable = KerasTrainable("hypermodels_for_tests:lab", str(data.folder), 2**30, ("val_accuracy",))
    result, curve = _run(trainable, Job(0, {"units": 32, "learning_rate": 1e-3}, 0, 1, 1, str(tmp_path / "t")))
    assert result.status == "completed", result.error
    assert curve[0].metrics["val_accuracy"] > 0.5  # of three classes
    assert set(curve[0].metrics) == {"accuracy", "loss", "val_accuracy", "val_loss", "parameters", "model_bytes"}
    pixels = view_of(_hypermodel("lab").build(hyperparameters_of({})), data.inputs).of(data.split("eval"))
    assert (pixels.dtype, pixels.shape, pixels.max()) == (np.uint8, (200, 28, 28), 120)


def test_compiled_model_stays_as_it_was_compiled(make_data, tmp_path):
    import keras

    data = make_data()
    session = KerasSession(_hypermodel("conditional"), CONDITIONAL, data, 1)
    assert session.model.steps_per_execution > 1
    session.train_epoch()
    session.save(tmp_path / "best")
    save_model(_hypermodel("conditional"), CONDITIONAL, data, tmp_path / "best")
    loaded = keras.saving.load_model(tmp_path / "best" / "model.keras")
    assert loaded.steps_per_execution == 1
    arrays = data.split("eval")
    row = {"numeric": arrays.numeric[:50], "c_xf": arrays.categorical[:50, :1]}
    np.testing.assert_allclose(loaded.predict(row, verbose=0), session.model.predict(row, verbose=0), atol=1e-6)
    overriding = KerasSession(_hypermodel("BatchSize"), BATCHES, data, 1)
    assert overriding.model.steps_per_execution == 1


@pytest.mark.parametrize(
    ("shape", "channels", "expected"),
    [
        ((12,), 1, (12,)),
        ((3, 4), 1, (3, 4)),
        ((3, 4, 1), 1, (3, 4, 1)),
        ((36,), 3, (36,)),
        ((None, None, 3), 3, (3, 4, 3)),
    ],
)
def test_images_come_in_the_rank_of_the_input(shape, channels, expected):
    import keras

    for name in (None, "image", "image_xf"):
        pixels = keras.Input(shape, name=name)
        model = keras.Model(pixels, keras.layers.Identity()(pixels))
        view = view_of(model, InputSpec(image=Image("image_xf", 3, 4, channels)))
        assert view.columns[name or ""].shape == expected


def test_models_without_declared_inputs():
    import keras

    class Called(keras.Model):
        def call(self, x):
            return x

    model, called = keras.Sequential([keras.layers.Dense(1)]), Called()
    image = view_of(model, InputSpec(image=Image("image_xf", 3, 4, 1))).columns[""]
    assert (image.shape, image.dtype) == ((3, 4, 1), "float32")
    assert view_of(model, InputSpec(("a_xf", "b_xf"))).columns[""].shape == (2,)
    table = InputSpec(("a_xf",), (("c_xf", 3),))
    assert set(view_of(called, table).columns) == {"numeric", "categorical"}
    assert set(view_of(model, table).columns) == {""}
    assert set(view_of(called, InputSpec((), (("c_xf", 3),))).columns) == {"categorical"}


def test_features_by_name(make_data):
    import keras

    a, e = keras.Input((1,), name="a_xf"), keras.Input((), dtype="int32", name="e_xf")
    model = keras.Model({"a_xf": a, "e_xf": e}, {"a": keras.layers.Dense(1)(a), "e": keras.layers.Identity()(e)})
    data = make_data()
    taken = view_of(model, data.inputs).of(data.split("eval"))
    np.testing.assert_array_equal(taken["a_xf"], data.split("eval").numeric[:, :1])
    np.testing.assert_array_equal(taken["e_xf"], data.split("eval").categorical[:, 1])


def test_objectives():
    task = TaskSpec("binary", "y", ("no", "yes"))
    known = ("val_accuracy", "val_loss")
    assert compiled_objectives(known, task).metrics == ("val_loss",)
    assert compiled_objectives((*known, "val_auc"), task).first.direction == "max"
    found = compiled_objectives(known, task, "accuracy,parameters", ["latency_ms<=2", "val_loss<=1"])
    assert found.metrics == ("val_accuracy", "parameters", "latency_ms", "val_loss")
    assert compiled_objectives(None, task, "my_metric:max").metrics == ("val_my_metric",)
    with pytest.raises(ConfigError, match=r"no metric 'val_auc'; it has val_accuracy, val_loss, parameters"):
        compiled_objectives(known, task, "val_auc")
