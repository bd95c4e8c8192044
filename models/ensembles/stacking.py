"""Stacking: weights that fit the models to the labels together (Wolpert 1992; Breiman, Stacked Regressions, 1996)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.task import TaskSpec

_SMALLEST = 1e-6


def evidence(task: TaskSpec, prediction: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Returns predictions on the scale on which they are added: log-odds, logarithms, or targets as they are."""
    values = np.asarray(prediction, np.float64)
    if task.kind == "regression":
        return values
    held = np.clip(values, _SMALLEST, 1 - _SMALLEST)
    return np.log(held) - np.log1p(-held) if task.kind == "binary" else np.log(held)


def fit_weights(
    task: TaskSpec, predictions: Sequence[npt.NDArray[np.float32]], label: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """Returns a weight of 0 or more for each model, shape [models], that minimises the loss of their weighted sum.

    Args:
        task: What was predicted.
        predictions: Of rows that no model was trained on, all of one shape.
        label: Class index or target of the rows.
    """
    from scipy import optimize

    stack = np.stack([evidence(task, prediction) for prediction in predictions])
    if task.kind == "regression":
        weights, _ = optimize.nnls(stack.T, np.asarray(label, np.float64))
        return np.asarray(weights, np.float64)
    start = np.full(len(stack), 1 / len(stack))
    found = optimize.minimize(
        _log_loss, start, (task, stack, label), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(stack)
    )
    return np.asarray(found.x, np.float64)


def _log_loss(
    weights: npt.NDArray[np.float64], task: TaskSpec, stack: npt.NDArray[np.float64], label: npt.NDArray[Any]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Returns the mean loss of the weighted sum, and its gradient, shape [models]."""
    total = np.tensordot(weights, stack, axes=1)
    if task.kind == "binary":
        sign = np.where(label == 1, 1.0, -1.0)
        loss = np.logaddexp(0.0, -sign * total).mean()
        slope = -sign / (1 + np.exp(np.clip(sign * total, -50, 50))) / len(label)
        return float(loss), np.tensordot(stack, slope, axes=([1], [0]))
    shifted = total - total.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    rows = np.arange(len(label))
    slope = np.exp(shifted - log_sum[:, None])
    slope[rows, label] -= 1
    gradient = np.tensordot(stack, slope / len(label), axes=([1, 2], [0, 1]))
    return float((log_sum - shifted[rows, label]).mean()), gradient


def combine(
    task: TaskSpec, predictions: Sequence[npt.NDArray[np.float32]], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Returns what the weighted sum predicts, in the shape of the predictions."""
    parts = zip(weights, predictions, strict=True)
    total = np.sum([weight * evidence(task, prediction) for weight, prediction in parts], axis=0)
    if task.kind == "binary":
        total = 1 / (1 + np.exp(-np.clip(total, -50, 50)))
    elif task.kind == "multiclass":
        powers = np.exp(total - total.max(axis=1, keepdims=True))
        total = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray(total, np.float32)


def combine_tensors(task: TaskSpec, predictions: Sequence[Any], weights: Sequence[float]) -> Any:
    """Does what `combine` does, as TensorFlow operations; predictions have the shape [rows, 1] or [rows, classes]."""
    import tensorflow as tf

    if task.kind == "regression":
        return tf.add_n([prediction * weight for prediction, weight in zip(predictions, weights, strict=True)])
    held = [tf.clip_by_value(prediction, _SMALLEST, 1 - _SMALLEST) for prediction in predictions]
    if task.kind == "binary":
        terms = [tf.math.log(values) - tf.math.log1p(-values) for values in held]
        return tf.sigmoid(tf.add_n([term * weight for term, weight in zip(terms, weights, strict=True)]))
    return tf.nn.softmax(tf.add_n([tf.math.log(v) * weight for v, weight in zip(held, weights, strict=True)]))
