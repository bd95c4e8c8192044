"""Weights of training rows: the formula, that they follow their rows, and that they count as copies of rows would."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables_for_tests import TREES

from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.data import Arrays, TrainingData, joined, open_data
from tfx_automl.models.families import start_model
from tfx_automl.models.feeding import WEIGHT, Feed
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.losses import class_weights, loss_function
from tfx_automl.models.model import Workplace
from tfx_automl.models.reduction import learn_reduction
from tfx_automl.models.reweighing import RowWeights, count_cells, weights_of, without_weights
from tfx_automl.models.reweighing_cells import cells_of, effective_rows
from tfx_automl.models.slice_codes import WeighedBy, add_codes, open_values

SEX = GroupSpec((("age",), ("sex",)), 1, ("sex",))
LINEAR = {"family": "linear", "learning_rate": 0.02, "weight_decay": 1e-3, "batch_size": 32, "numeric_pieces": 0}
# The ten applicants of Kamiran and Calders' example (their table 2): 0 is a woman, 1 is hired.
APPLICANTS = np.repeat([[0, 1], [0, 0], [1, 1], [1, 0]], [2, 3, 4, 1], axis=0)


def weigh(data: TrainingData, groups: dict[str, Any], folder: Path | None = None) -> TrainingData:
    """Adds a group by which rows are weighed."""
    codes = {name: np.asarray(values, np.int32) for name, values in groups.items()}
    other = np.zeros(len(codes["eval"]), np.int32)
    return add_codes(
        data, SEX, np.stack([other, codes["eval"]], axis=1), folder, WeighedBy([("f",), ("m",), ("x",)], codes)
    )


@pytest.fixture
def weighed(make_data: Callable[..., TrainingData]) -> Callable[..., TrainingData]:
    """A function from the kind of a task to data whose label goes with a group, of three."""

    def make(kind: str = "binary", **options: Any) -> TrainingData:
        data, rng = make_data(kind, **options), np.random.default_rng(3)
        groups = {}
        for name in ("train", "eval"):
            label = data.split(name).label
            groups[name] = np.where(rng.random(len(label)) < 0.3, rng.integers(0, 3, len(label)), label > 0)
        return weigh(data, groups)

    return make


def rates(group: np.ndarray, label: np.ndarray, weight: np.ndarray, classes: int) -> np.ndarray:
    """Returns the weighed share of every class in every group, shape [groups, classes]."""
    sums = np.bincount(group * classes + label, weight, (int(group.max()) + 1) * classes).reshape(-1, classes)
    return sums / sums.sum(axis=1, keepdims=True)


def test_weights_of_the_paper(make_data: Callable[..., TrainingData]) -> None:
    data = make_data()
    rows = data.split("train").take(np.arange(10))
    data = weigh(data, {name: np.zeros(len(data.split(name))) for name in ("train", "eval")})
    group, label = APPLICANTS.T.astype(np.int32)
    found = weights_of(data.with_splits(train=replace(rows, group=group, label=label)))
    assert found is not None
    np.testing.assert_array_equal(found.rows, [[3, 2], [1, 4]])
    np.testing.assert_allclose(found.table, [[2 / 3, 1.5], [2, 0.75]])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=60))
def test_label_is_independent_of_the_group_among_weighed_rows(pairs: list[tuple[int, int]]) -> None:
    """Once every group has every label; nothing else about groups and labels changes."""
    everything = [(group, label) for group in range(4) for label in range(3)]
    group, label = np.array(pairs + everything).T
    found = RowWeights(count_cells(group, label, 3))
    nothing = np.zeros((len(label), 0))
    rows = Arrays(nothing, nothing, nothing, label, group)
    weight = found.of(rows)
    assert weight.sum() == pytest.approx(len(label))
    assert (weight > 0).all()
    share = np.bincount(label, minlength=3) / len(label)
    np.testing.assert_allclose(rates(group, label, weight, 3), np.tile(share, (4, 1)))
    for values in (group, label):
        np.testing.assert_allclose(np.bincount(values, weight), np.bincount(values))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=30))
def test_weight_is_what_the_definition_says(pairs: list[tuple[int, int]]) -> None:
    table = RowWeights(count_cells(*np.array(pairs).T, classes=2)).table
    for group, label in set(pairs):
        of_group = np.mean([a == group for a, _ in pairs])
        of_label = np.mean([y == label for _, y in pairs])
        of_both = np.mean([pair == (group, label) for pair in pairs])
        assert table[group, label] == pytest.approx(of_group * of_label / of_both)
    empty = {(a, y) for a in range(len(table)) for y in range(2)} - set(pairs)
    assert all(table[cell] == 0 for cell in empty)


def test_stored_beside_the_arrays(make_data: Callable[..., TrainingData], tmp_path: Path) -> None:
    plain = make_data()
    groups = {name: np.arange(len(plain.split(name))) % 3 for name in ("train", "eval")}
    (tmp_path / "own").mkdir()
    data = weigh(plain, groups, tmp_path / "own")
    again = open_data(tmp_path / "own")
    assert again.folder == plain.folder and again.groups == data.groups == SEX
    for name in ("train", "eval"):
        np.testing.assert_array_equal(again.split(name).group, groups[name])
        np.testing.assert_array_equal(again.split(name).label, plain.split(name).label)
    assert again.split("test").group is None
    assert plain.split("train").group is None and without_weights(data).split("train").group is None
    assert open_values(data) == [("f",), ("m",), ("x",)] and open_values(plain) == []
    (tmp_path / "other").mkdir()
    other = weigh(plain, {**groups, "train": groups["train"][::-1]}, tmp_path / "other")
    assert len({plain.fingerprint, data.fingerprint, other.fingerprint}) == 3


def test_without_weights_the_groups_are_written_as_before() -> None:
    assert GroupSpec((("sex",),), 7).to_json() == '{"sensitive": [["sex"]], "min_slice_size": 7}'
    assert GroupSpec.from_json(SEX.to_json()) == SEX


@pytest.mark.parametrize("reweigh", ["sex", ("race",), ("sex", "age")])
def test_group_must_be_a_sensitive_one(reweigh: Any) -> None:
    with pytest.raises(ConfigError, match=r"one of the sensitive groups, which are \('age',\), \('sex',\); got"):
        GroupSpec.of([["age"], ["sex"]], 1, reweigh)


def test_cells_for_people(weighed: Callable[..., TrainingData]) -> None:
    data = weighed()
    cells, train = cells_of(data), data.split("train")
    assert [(cell.values, cell.label) for cell in cells] == [((a,), y) for a in "fmx" for y in ("no", "yes")]
    assert sum(cell.rows for cell in cells) == len(train)
    weight = weights_of(data).of(train)
    for number, cell in enumerate(cells):
        mine = (train.group == number // 2) & (train.label == number % 2)
        assert cell.rows == mine.sum()
        assert weight[mine] == pytest.approx(cell.weight)
    assert effective_rows(cells) == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert effective_rows(cells) < len(train)
    assert cells_of(without_weights(data)) == [] and effective_rows([]) == 0.0


@pytest.mark.parametrize("resident", [2**30, 5000 * 26])
def test_feed_hands_every_row_its_weight(make_data: Callable[..., TrainingData], resident: int) -> None:
    """Of rows in memory, and of those that come window by window."""
    data = make_data(rows=12_000)
    rng = np.random.default_rng(0)
    data = weigh(data, {name: rng.integers(0, 2, len(data.split(name))) for name in ("train", "eval")})
    feed, train = Feed(data, resident), data.split("train")
    assert feed.streams == (resident < 2**30)
    expected = dict(zip(train.numeric[:, 0].tolist(), weights_of(data).of(train).tolist(), strict=True))
    seen = 0
    for window in feed.windows(64, 1.0, rng):
        values = np.asarray(window.columns["numeric"])[:, 0].tolist()
        np.testing.assert_allclose(window.columns[WEIGHT], [expected[value] for value in values], rtol=1e-6)
        seen += window.order.size
    assert seen > 11_000
    assert WEIGHT not in next(Feed(without_weights(data), resident).windows(64, 1.0, rng)).columns


def test_weights_of_folds_are_those_of_their_rows(weighed: Callable[..., TrainingData]) -> None:
    place = Workplace(weighed(), folds=3)
    pool, fold = place.pool
    assert pool.group is not None
    for number, one in enumerate(place.of_folds):
        rows = one.data.split("train")
        np.testing.assert_array_equal(rows.group, pool.group[fold != number])
        weight = weights_of(one.data).of(rows)
        share = np.bincount(rows.label) / len(rows)
        np.testing.assert_allclose(rates(rows.group, rows.label, weight, 2), np.tile(share, (3, 1)))
    tables = [weights_of(one.data).table for one in place.of_folds]
    assert not np.allclose(tables[0], tables[1])


def test_rows_of_train_and_eval_together(weighed: Callable[..., TrainingData]) -> None:
    data = weighed()
    both = joined(data.split("train"), data.split("eval"))
    weight = weights_of(data.with_splits(train=both)).of(both)
    assert weight.sum() == pytest.approx(800)
    share = np.bincount(both.label) / len(both)
    np.testing.assert_allclose(rates(both.group, both.label, weight, 2), np.tile(share, (3, 1)))


def test_fewer_columns_keep_the_group(weighed: Callable[..., TrainingData]) -> None:
    data = weighed()
    rows = data.split("train")
    reduced = learn_reduction("mutual_information", 0.5, data).arrays(rows)
    assert reduced.numeric.shape[1] < rows.numeric.shape[1]
    np.testing.assert_array_equal(reduced.group, rows.group)


def test_rows_of_no_known_group_are_refused(weighed: Callable[..., TrainingData]) -> None:
    data = weighed()
    lost = replace(data.split("train"), group=None)
    with pytest.raises(ModelError, match=r"weighed by .'sex',., but the training rows have no such group"):
        weights_of(data.with_splits(train=lost))
    with pytest.raises(ModelError, match="nothing says which one each is in"):
        weights_of(data).of(lost)


def copied(data: TrainingData) -> TrainingData:
    """Returns the data with as many copies of each training row as its weight says, times 12, and no weights."""
    train = data.split("train")
    copies = 12 * weights_of(data).of(train)
    assert np.allclose(copies, copies.round()) and len(set(copies.round())) > 2
    rows = np.repeat(np.arange(len(train)), copies.round().astype(int))
    return without_weights(data).with_splits(train=replace(train.take(rows), group=None))


@pytest.fixture
def countable(make_data: Callable[..., TrainingData]) -> Callable[..., TrainingData]:
    """A function that makes data whose weights are twelfths: as many rows of each cell as the paper's, times 40."""

    def make(**options: Any) -> TrainingData:
        data = make_data(rows=400, **options)
        group, label = np.repeat(APPLICANTS, 40, axis=0).T.astype(np.int32)
        train = data.split("train")
        # The label still follows from the features: rows are put in the order of their score.
        order = np.argsort(2 * train.numeric[:, 0] - train.numeric[:, 1] + np.random.default_rng(0).normal(size=400))
        label_of = np.sort(label)
        group_of = np.concatenate([group[label == 0], group[label == 1]])
        rows = replace(train.take(order), label=label_of, numeric=train.numeric[order].round(1), group=group_of)
        data = weigh(data, {"train": group_of, "eval": np.zeros(200)})
        return data.with_splits(train=rows)

    return make


def test_weighed_trees_are_those_of_copied_rows(countable: Callable[..., TrainingData]) -> None:
    """Sums of gradients are twelve times as large; so the trees are the same, where nothing else is beside the sums.

    Such as a penalty, a bound on rows, or scikit-learn's smoothing of categories.
    """
    data = countable()
    rows = data.split("train")
    data = data.with_splits(train=replace(rows, categorical=np.zeros_like(rows.categorical)))
    values = {**TREES, "max_leaf_nodes": 8, "min_samples_leaf": 1, "l2_regularization": 0.0, "max_features": 1.0}
    models = [start_model(values, 0, Workplace(each)) for each in (data, copied(data), without_weights(data))]
    for model in models:
        model.train_epoch()
    weighed, copies, plain = (model.predict(data.split("test")) for model in models)
    np.testing.assert_allclose(weighed, copies, atol=1e-5)
    assert np.abs(weighed - plain).max() > 0.05


def test_weighed_loss_is_that_of_copied_rows(countable: Callable[..., TrainingData]) -> None:
    data = countable()
    train, weight = data.split("train"), weights_of(data).of(data.split("train")).astype(np.float32)
    output = np.random.default_rng(0).normal(size=(400, 1)).astype(np.float32)
    rows = np.repeat(np.arange(400), (12 * weight).round().astype(int))
    for values in ({}, {"class_weight": "balanced"}):
        loss = loss_function(values, data, None)
        copies = float(loss(train.label[rows], output[rows]))
        assert float(loss(train.label, output, weight)) == pytest.approx(copies, rel=1e-5)
        assert abs(float(loss(train.label, output)) - copies) > 1e-3


def test_weighed_network_is_that_of_copied_rows(countable: Callable[..., TrainingData]) -> None:
    """With all rows in every batch, up to rounding."""
    data = countable()
    sizes = [len(each.split("train")) for each in (data, copied(data))]
    models = [
        start_model({**LINEAR, "batch_size": size}, 0, Workplace(each))
        for each, size in zip((data, copied(data), without_weights(data)), (*sizes, sizes[0]), strict=True)
    ]
    for model in models:
        model.train_epoch()
    weighed, copies, plain = (model.predict(data.split("test")) for model in models)
    np.testing.assert_allclose(weighed, copies, atol=1e-4)
    assert np.abs(weighed - plain).max() > 0.01


def test_balanced_classes_and_weights_multiply(weighed: Callable[..., TrainingData]) -> None:
    """The label stays independent of the group, and classes get the same sum."""
    data = weighed("multiclass")
    train = data.split("train")
    weight = weights_of(data).of(train)
    both = weight * class_weights(train.label, 3)[train.label]
    np.testing.assert_allclose(np.bincount(train.label, both), len(train) / 3, rtol=1e-5)
    np.testing.assert_allclose(rates(train.group, train.label, both, 3)[:2], 1 / 3, rtol=1e-5)
    model = start_model({**TREES, "class_weight": "balanced"}, 0, Workplace(data))
    np.testing.assert_allclose(model._weight, both, rtol=1e-6)
