"""Metrics of an epoch, from the predictions of a whole split at once."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.task import TaskKind, TaskSpec

DECISION_THRESHOLD = 0.5  # a row is predicted positive from this probability on
_SMALLEST = 1e-7

METRICS: dict[TaskKind, tuple[str, ...]] = {
    "binary": ("auc", "accuracy", "precision", "recall", "loss"),
    "multiclass": ("accuracy", "loss"),
    "regression": ("rmse", "mae", "r2", "loss"),
}


def metrics_of(
    task: TaskSpec,
    label: npt.NDArray[Any],
    prediction: npt.NDArray[Any],
    threshold: float | npt.NDArray[np.float32] = DECISION_THRESHOLD,
) -> dict[str, float]:
    """Returns the metrics of a task.

    Args:
        task: What was predicted.
        label: Class index or target, shape [rows].
        prediction: Probability of the positive class, shape [rows]; or of each class, shape [rows, classes]; or the
            predicted target, shape [rows].
        threshold: Of a binary task: rows with at least this probability are predicted positive; or that of each row.

    Returns:
        binary: `auc`, `accuracy`, `precision`, `recall` and `loss`; multiclass: `accuracy` and `loss`;
        regression: `rmse`, `mae`, `r2` and `loss`, the mean squared error. A metric that is not defined is NaN.
    """
    label = np.asarray(label)
    if task.kind == "binary":
        return _binary(label, prediction.astype(np.float64), threshold)
    if task.kind == "multiclass":
        chosen = np.clip(prediction[np.arange(len(label)), label].astype(np.float64), _SMALLEST, 1)
        return {"accuracy": float(np.mean(prediction.argmax(axis=1) == label)), "loss": float(-np.log(chosen).mean())}
    return _regression(label.astype(np.float64), prediction.astype(np.float64))


def _binary(
    label: npt.NDArray[Any], probability: npt.NDArray[np.float64], threshold: float | npt.NDArray[np.float32]
) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    positive = label == 1
    chosen = probability >= threshold
    hits = float((chosen & positive).sum())
    likelihood = np.clip(np.where(positive, probability, 1 - probability), _SMALLEST, 1)
    both = 0 < positive.sum() < len(positive)
    finite = bool(np.isfinite(probability).all())
    return {
        "auc": float(roc_auc_score(positive, probability)) if both and finite else float("nan"),
        "accuracy": float(np.mean(chosen == positive)),
        "precision": hits / float(chosen.sum()) if chosen.any() else float("nan"),
        "recall": hits / float(positive.sum()) if positive.any() else float("nan"),
        "loss": float(-np.log(likelihood).mean()),
    }


def _regression(label: npt.NDArray[np.float64], prediction: npt.NDArray[np.float64]) -> dict[str, float]:
    error = prediction - label
    squared = float(np.mean(error**2))
    spread = float(np.var(label))
    return {
        "rmse": squared**0.5,
        "mae": float(np.mean(np.abs(error))),
        "r2": 1 - squared / spread if spread > 0 else float("nan"),
        "loss": squared,
    }
