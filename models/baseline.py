"""Trivial and linear predictors, to tell what a model's metrics are worth."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.metrics import metrics_of

MOST_ROWS = 20_000
_MOST_ONE_HOT = 1000


def fit_baselines(data: TrainingData, split: str, seed: int) -> dict[str, Any]:
    """Fits on the train split and evaluates on another.

    Args:
        data: The training data.
        split: Where to evaluate.
        seed: For the choice of rows where there are more than `MOST_ROWS`.

    Returns:
        Metrics as of `metrics_of` under `majority` and `logistic_regression`, or `mean` and `ridge_regression`; and
        `rows_used`, the number of training rows that the linear model saw.
    """
    train, test = data.split("train"), data.split(split)
    rows = np.arange(len(train))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(train), MOST_ROWS, replace=False))
    trivial, linear = (
        ("mean", "ridge_regression") if data.task.kind == "regression" else ("majority", "logistic_regression")
    )
    return {
        trivial: metrics_of(data.task, test.label, _trivial(data, train, len(test))),
        linear: metrics_of(data.task, test.label, _linear(data, train, test, rows)),
        "rows_used": len(rows),
    }


def _trivial(data: TrainingData, train: Arrays, rows: int) -> npt.NDArray[Any]:
    """Predicts the mean, or for every row the share of each class: what is best without looking at a row."""
    if data.task.kind == "regression":
        return np.full(rows, np.mean(train.label))
    shares = np.bincount(train.label, minlength=len(data.task.classes)) / len(train)
    return np.full(rows, shares[1]) if data.task.kind == "binary" else np.tile(shares, (rows, 1))


def _linear(data: TrainingData, train: Arrays, test: Arrays, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    regression = data.task.kind == "regression"
    model = make_pipeline(_encoder(data), Ridge() if regression else LogisticRegression(max_iter=200, C=1.0))
    model.fit(_matrix(train)[rows], train.label[rows])
    if regression:
        predicted: npt.NDArray[Any] = model.predict(_matrix(test))
        return predicted
    probabilities = np.zeros((len(test), len(data.task.classes)))
    probabilities[:, model.classes_] = model.predict_proba(_matrix(test))  # a class may be absent from the rows used
    return probabilities[:, 1] if data.task.kind == "binary" else probabilities


def _matrix(arrays: Arrays) -> npt.NDArray[np.float32]:
    """All columns side by side: numbers, category indices, pixels from 0 to 1."""
    pixels = arrays.image.astype(np.float32) / 255
    return np.hstack([arrays.numeric, arrays.categorical.astype(np.float32), pixels])


def _encoder(data: TrainingData) -> Any:
    """Standardises numbers and makes one column of each category."""
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = len(data.inputs.numeric)
    categories = numbers + len(data.inputs.categorical)
    one_hot = OneHotEncoder(handle_unknown="ignore", max_categories=_MOST_ONE_HOT)
    return make_column_transformer(
        (StandardScaler(), list(range(numbers))),  # lists: a slice of no columns would be fitted, and fail
        (one_hot, list(range(numbers, categories))),
        remainder="passthrough",
    )
