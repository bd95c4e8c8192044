"""Predictions are scikit-learn's, to 1e-6 of their scale: of ours as it grows, and of the exported operations."""

import numpy as np
import pandas as pd
import pytest
from tables_for_tests import TREES, make_table

from tfx_automl.models.compiled import compile_prediction
from tfx_automl.models.data import Arrays
from tfx_automl.models.families import start_model
from tfx_automl.models.feeding import columns_of
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.losses import class_weights
from tfx_automl.models.model import Workplace

TOLERANCE = 1e-6
EPOCHS = 5


def _grown(data, epochs: int = EPOCHS, **values):
    model = start_model({**TREES, **values}, 3, Workplace(data))
    for _ in range(epochs):
        model.train_epoch()
    return model


def _plain(data, inputs, rounds: int, **arguments):
    """scikit-learn's own estimator, fitted at once."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if data.task.kind == "regression" else HistGradientBoostingClassifier
    values = {name: value for name, value in TREES.items() if name != "family"}
    return kind(
        **values,
        **arguments,
        max_iter=rounds,
        early_stopping=False,
        random_state=3,
        categorical_features=inputs.is_set,
    )


def _expected(data, estimator, matrix, back=None):
    if data.task.kind == "regression":
        return back(estimator.predict(matrix))
    probability = estimator.predict_proba(matrix)
    return probability[:, 1] if data.task.kind == "binary" else probability


def _exported(model, arrays):
    return compile_prediction(model.graph().predict, model.data)(columns_of(arrays, slice(None))).numpy()


def _assert_equal(model, arrays, expected):
    graph = _exported(model, arrays)
    scale = np.abs(expected).max()
    for found in (model.predict(arrays), graph.reshape(expected.shape)):
        np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("wide", [0, 400])
def test_equals_one_fit_of_scikit_learn(kind, wide):
    """10,000 rows with missing values, and categories that no training row has; a wide category is ordered."""
    data = make_table(kind, wide=wide)
    train, test = data.split("train"), data.split("test")
    model = _grown(data, target="log")
    inputs = model.booster.estimator.binned.inputs
    assert (len(inputs.sets), len(inputs.numbers), len(inputs.ordered)) == (3, 3, int(wide > 0))
    matrix = inputs.matrix(test)
    assert np.isnan(matrix).any(axis=0).sum() >= 4
    label, back = train.label, None
    if kind == "regression":
        logarithm = np.log1p(train.label.astype(float))
        label = (logarithm - logarithm.mean()) / logarithm.std()

        def back(output):
            return np.expm1(output * logarithm.std() + logarithm.mean())

    plain = _plain(data, inputs, 20 * EPOCHS).fit(inputs.matrix(train), label)
    _assert_equal(model, test, _expected(data, plain, matrix, back))


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_growing_is_exact(kind):
    """Five times 20 rounds give, bit for bit, what 100 rounds at once do."""
    data = make_table(kind, test_rows=1000)
    model = _grown(data)
    inputs = model.booster.estimator.binned.inputs
    train, matrix = data.split("train"), inputs.matrix(data.split("test"))
    plain = _plain(data, inputs, 20 * EPOCHS).fit(inputs.matrix(train), train.label)
    raw = plain.decision_function(matrix).reshape(len(matrix), -1)
    np.testing.assert_array_equal(model.booster.predict(model.booster.estimator.binned.bins(data.split("test"))), raw)
    np.testing.assert_array_equal(model.booster.estimator.decision_function(matrix).reshape(raw.shape), raw)


def test_balanced_classes_weigh_rows():
    data = make_table("multiclass", test_rows=1000)
    model = _grown(data, epochs=2, class_weight="balanced")
    inputs = model.booster.estimator.binned.inputs
    train, test = data.split("train"), data.split("test")
    weight = class_weights(train.label, 4).astype(np.float64)[train.label]
    plain = _plain(data, inputs, 40).fit(inputs.matrix(train), train.label, weight)
    _assert_equal(model, test, plain.predict_proba(inputs.matrix(test)))
    assert not np.allclose(model.predict(test), _grown(data, epochs=2).predict(test), atol=1e-3)


def test_a_large_target_keeps_its_precision():
    """A float32 cannot hold the logarithm of a large target to 1e-6 of the target; the graph does not need it to."""
    data = make_table("regression", rows=1000, test_rows=1000)
    splits = {
        name: Arrays(**{**vars(data.split(name)), "label": data.split(name).label * 1e12}) for name in data.splits
    }
    data = data.with_splits(**splits)
    model = _grown(data, target="log")
    expected = model.predict(data.split("test")).astype(float)
    found = _exported(model, data.split("test"))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=5e-7)


def test_equals_scikit_learn_on_adult(shared_data):
    """Census rows, prepared directly: the last thousands have countries and jobs that the first ones lack."""
    table = pd.read_csv(shared_data("adult-train.csv"), header=None, skipinitialspace=True, na_values="?")
    data = _adult(table.iloc[:4000], table.iloc[-10_000:])
    model = _grown(data)
    inputs = model.booster.estimator.binned.inputs
    train, test = data.split("train"), data.split("test")
    unseen = np.isnan(inputs.matrix(test)[:, inputs.is_set]).sum(axis=0)
    assert unseen.any()
    plain = _plain(data, inputs, 20 * EPOCHS).fit(inputs.matrix(train), train.label)
    _assert_equal(model, test, plain.predict_proba(inputs.matrix(test))[:, 1])
    assert model.records[-1].metrics["val_auc"] > 0.9


def _adult(train: pd.DataFrame, test: pd.DataFrame):
    both = pd.concat([train, test])
    label = both.columns[-1]
    texts = [column for column in both.columns[:-1] if both[column].dtype == object]
    codes = {column: both[column].astype("category").cat.codes for column in texts}
    sizes = {column: int(code.max()) + 2 for column, code in codes.items()}
    numeric = both.drop(columns=[*texts, label]).to_numpy(np.float32)
    category = np.stack([np.where(c < 0, sizes[n] - 1, c) for n, c in codes.items()], axis=1).astype(np.int32)
    rows = Arrays(
        (numeric - numeric.mean(axis=0)) / numeric.std(axis=0),
        category,
        np.zeros((len(both), 0), np.uint8),
        both[label].str.startswith(">50K").to_numpy(np.int32),
    )
    first, last = np.arange(len(train)), np.arange(len(train), len(both))
    made = make_table("binary", rows=1, test_rows=1)
    inputs = InputSpec(
        tuple(f"n{n}_xf" for n in range(numeric.shape[1])), tuple((f"{n}_xf", s) for n, s in sizes.items())
    )
    splits = {"train": rows.take(first), "eval": rows.take(last[:2000]), "test": rows.take(last)}
    return type(made)(made.folder, inputs, made.task, tuple(splits), replaced=splits)
