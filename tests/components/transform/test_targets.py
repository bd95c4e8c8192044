"""Target statistics: smoothed means by value for everybody else, and from the other folds for training rows."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from tfx_automl.components.transform.targets import out_of_fold
from tfx_automl.models.data import open_data
from tfx_automl.models.task import TaskSpec

ROWS, VALUES = 4000, 60


def _expected(frame: pd.DataFrame, prior: float) -> np.ndarray:
    """The mean of each row's value in the other folds, by pandas."""
    fold = np.arange(len(frame)) % 5
    made = np.zeros(len(frame))
    for number in range(5):
        groups = frame[fold != number].groupby("value")["label"]
        means = (groups.sum() + 20 * prior) / (groups.count() + 20)
        made[fold == number] = frame["value"][fold == number].map(means).fillna(prior)
    return made


def test_out_of_fold_is_as_pandas_has_it():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"value": random.integers(0, 500, 1000), "label": random.normal(size=1000)})
    made = out_of_fold(frame["value"].to_numpy(), frame["label"].to_numpy(), 500, 0.25)
    np.testing.assert_allclose(made, _expected(frame, 0.25), atol=1e-12)


def test_a_random_label_does_not_leak():
    random = np.random.default_rng(1)
    index, label = random.integers(0, 2000, 20_000), random.integers(0, 2, 20_000)
    made = out_of_fold(index, label, 2000, label.mean())
    assert roc_auc_score(label, made) == pytest.approx(0.5, abs=0.02)
    # Not even in a way that is not monotone; what the whole split says, own label included, gives it away.
    tree = DecisionTreeClassifier(max_leaf_nodes=20, random_state=0)
    half = np.arange(20_000) < 10_000
    fitted = tree.fit(made[half, None], label[half]).predict_proba(made[~half, None])[:, 1]
    assert roc_auc_score(label[~half], fitted) == pytest.approx(0.5, abs=0.02)
    sums = np.bincount(index, label, 2000) / np.maximum(np.bincount(index, minlength=2000), 1)
    assert roc_auc_score(label, sums[index]) > 0.6


def _table() -> pa.Table:
    random = np.random.default_rng(2)
    value = random.integers(0, VALUES, ROWS)
    label = random.random(ROWS) < 0.2 + 0.6 * (value % 3 == 0)
    city = [None if n % 50 == 0 else f"c{v}" for n, v in enumerate(value)]
    few = [f"f{v % 20}" for v in value]
    return pa.table({"city": city, "few": few, "label": [["n", "y"][int(item)] for item in label]})


@pytest.fixture(scope="module")
def run(transform_tables):
    task = TaskSpec("binary", "label", ("n", "y"))
    return transform_tables({"train": _table(), "eval": _table().slice(0, 100)}, task)


@pytest.fixture(scope="module")
def arrays(run):
    return open_data(run.folder / "arrays")


def _labels() -> np.ndarray:
    return np.array(_table()["label"].to_pylist()) == "y"


def test_only_where_there_are_many_values(run):
    assert run.plan["city"].outputs == ("city_xf", "city_target_xf")
    assert run.plan["few"].outputs == ("few_xf",)
    assert "mean label of each value" in run.plan["city"].reason


def test_the_others_get_the_means_of_the_whole_train_split(run, arrays):
    frame = pd.DataFrame({"value": _table()["city"].to_pylist(), "label": _labels()}).fillna("")
    prior = frame["label"].mean()
    groups = frame.groupby("value")["label"]
    means = frame["value"].map((groups.sum() + 20 * prior) / (groups.count() + 20)).to_numpy()
    expected = (means - prior) / means.std()
    column = arrays.inputs.numeric.index("city_target_xf")
    np.testing.assert_allclose(arrays.split("eval").numeric[:, column], expected[:100], atol=1e-5)
    np.testing.assert_allclose(run.values["eval"]["city_target_xf"], expected[:100], atol=1e-5)


def test_training_rows_get_those_of_the_other_folds(run, arrays):
    frame = pd.DataFrame({"value": _table()["city"].to_pylist(), "label": _labels()}).fillna("")
    prior, std = (run.plan["city"].parameters[key] for key in ("target_mean", "target_std"))
    column = arrays.inputs.numeric.index("city_target_xf")
    expected = (_expected(frame, prior) - prior) / std
    np.testing.assert_allclose(arrays.split("train").numeric[:, column], expected, atol=1e-5)


@pytest.mark.slow
def test_regression_and_hash_buckets(transform_tables):
    random = np.random.default_rng(3)
    value = random.integers(0, 1200, 12_000)
    label = value % 7 + random.normal(size=12_000)
    table = pa.table({"zip": [f"z{v}" for v in value], "label": label})
    run = transform_tables({"train": table, "eval": table.slice(0, 50)}, TaskSpec("regression", "label"))
    assert run.plan["zip"].kind == "hashed"
    index = run.values["train"]["zip_xf"]
    target = np.asarray(label, np.float32).astype(float)
    sums, counts = np.bincount(index, target, 301), np.bincount(index, minlength=301)
    means = ((sums + 20 * target.mean()) / (counts + 20))[index]
    expected = (means - target.mean()) / means.std()
    np.testing.assert_allclose(run.values["eval"]["zip_target_xf"], expected[:50], atol=1e-4)


@pytest.mark.slow
def test_none_for_many_classes_nor_beside_a_column_of_that_name(transform_tables):
    table = _table().append_column("city_target", pa.array([n % 7 * 0.5 for n in range(ROWS)]))
    run = transform_tables({"train": table}, TaskSpec("binary", "label", ("n", "y")))
    assert run.plan["city"].outputs == ("city_xf",)
    classes = pa.array([["a", "b", "c"][n % 3] for n in range(ROWS)])
    table = _table().set_column(2, "label", classes)
    run = transform_tables({"train": table}, TaskSpec("multiclass", "label", ("a", "b", "c")))
    assert run.plan["city"].outputs == ("city_xf",)
