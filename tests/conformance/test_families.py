"""What every model family must do, whatever it is; a new one is tested by being in `FAMILIES`."""

import numpy as np
import pytest

from tfx_automl.models.families import FAMILIES, FAMILY, space_of, start_model
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.model import Workplace
from tfx_automl.search.space import Space

IMAGES = ("dense", "cnn")
ENOUGH = {"binary": ("auc", 0.9), "multiclass": ("accuracy", 0.75), "regression": ("r2", 0.8)}


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


@pytest.fixture
def data_of(make_data):
    """A function that makes data for a family."""
    return lambda family, kind="binary": make_data(kind, image=family.name in IMAGES)


def _first_point(family, data) -> dict:
    """Its own best guess, or any point."""
    space = space_of([family], data)
    points = family.defaults(data) or [space.sample(np.random.default_rng(3))]
    return {**points[0], FAMILY: family.name}


def _predictions(model, arrays):
    return np.asarray(model.predict(arrays))


def test_points_and_defaults_are_in_the_space(family, data_of):
    data = data_of(family)
    space = space_of([family], data)
    assert space.sample(np.random.default_rng(0))[FAMILY] == family.name
    for point in family.defaults(data):
        assert space.contains({**point, FAMILY: family.name})
    assert Space.from_config(space.to_config()).to_config() == space.to_config()


@pytest.mark.parametrize("kind", ENOUGH)
def test_it_learns(family, data_of, kind):
    data = data_of(family, kind)
    model = start_model(_first_point(family, data), 0, Workplace(data))
    for _ in range(12):
        record = model.train_epoch()
    assert {"loss", "val_loss", "parameters", "model_bytes"} <= set(record.metrics)
    metric, bound = ENOUGH[kind]
    test = data.split("test")
    assert metrics_of(data.task, test.label, model.predict(test))[metric] > bound
    assert metrics_of(data.task, data.split("eval").label, model.predict(data.split("eval")))["loss"] == pytest.approx(
        record.metrics["val_loss"], abs=1e-6
    )


def test_any_point_trains(family, data_of):
    data = data_of(family, "multiclass")
    space, rng = space_of([family], data), np.random.default_rng(1)
    for _ in range(3):
        model = start_model(space.sample(rng), 0, Workplace(data))
        model.train_epoch()
        prediction = _predictions(model, data.split("test"))
        assert prediction.shape == (200, 3)
        np.testing.assert_allclose(prediction.sum(axis=1), 1, atol=1e-5)


def test_same_seed_same_model(family, data_of):
    data = data_of(family)
    predictions = []
    for _ in range(2):
        model = start_model(_first_point(family, data), 7, Workplace(data))
        model.train_epoch()
        predictions.append(_predictions(model, data.split("test")))
    np.testing.assert_array_equal(*predictions)


@pytest.mark.parametrize("kind", ENOUGH)
def test_continued_from_a_checkpoint_is_trained_straight(family, data_of, kind, tmp_path):
    data = data_of(family, kind)
    point = _first_point(family, data)
    straight, first = (start_model(point, 5, Workplace(data)) for _ in range(2))
    for _ in range(4):
        straight.train_epoch()
    for _ in range(2):
        first.train_epoch()
    first.save(tmp_path / "checkpoint")
    second = start_model(point, 5, Workplace(data))
    second.load(tmp_path / "checkpoint")
    assert (second.epoch, second.records) == (2, first.records)
    for _ in range(2):
        second.train_epoch()
    np.testing.assert_allclose(
        _predictions(second, data.split("test")), _predictions(straight, data.split("test")), rtol=1e-5, atol=1e-6
    )


def test_snapshot_is_put_back(family, data_of):
    data = data_of(family)
    model = start_model(_first_point(family, data), 0, Workplace(data))
    model.train_epoch()
    before, snapshot = _predictions(model, data.split("test")), model.snapshot()
    for _ in range(2):
        model.train_epoch()
    assert not np.array_equal(before, _predictions(model, data.split("test")))
    model.restore(snapshot)
    np.testing.assert_array_equal(before, _predictions(model, data.split("test")))


@pytest.mark.parametrize("kind", ENOUGH)
def test_graph_predicts_the_same(family, data_of, kind):
    from tfx_automl.models.feeding import columns_of

    data = data_of(family, kind)
    model = start_model(_first_point(family, data), 0, Workplace(data))
    for _ in range(3):
        model.train_epoch()
    test = data.split("test")
    graph = model.graph().predict(columns_of(test, slice(None))).numpy()
    expected = _predictions(model, test)
    assert graph.shape == (200, 3 if kind == "multiclass" else 1)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(graph.reshape(expected.shape) / scale, expected / scale, atol=1e-6)


def test_it_learns_from_weights(family, data_of):
    """Rows that count less change what is learned; a model that took no notice of weights would be the same."""
    from tfx_automl.models.groups import GroupSpec
    from tfx_automl.models.reweighing import without_weights
    from tfx_automl.models.slice_codes import WeighedBy, add_codes

    data, rng = data_of(family), np.random.default_rng(0)
    group = {name: (data.split(name).label ^ (rng.random(len(data.split(name))) < 0.2)) for name in ("train", "eval")}
    codes = {name: values.astype(np.int32) for name, values in group.items()}
    spec = GroupSpec((("sex",),), 1, ("sex",))
    data = add_codes(data, spec, codes["eval"][:, None], weighed=WeighedBy([("f",), ("m",)], codes))
    models = [start_model(_first_point(family, each), 0, Workplace(each)) for each in (data, without_weights(data))]
    for model in models:
        model.train_epoch()
    weighed, plain = (_predictions(model, data.split("test")) for model in models)
    assert np.abs(weighed - plain).max() > 1e-3
