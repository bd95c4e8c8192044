"""Metrics that follow from sums over rows, for all slices and for many weightings of the rows at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.columnar.cells import Cells, Slicing
from tfx_automl.components.evaluator.predictions import Predictions
from tfx_automl.models.task import TaskKind, TaskSpec

EPSILON = 1e-7  # as Keras clips probabilities before it takes their logarithm
ROWS = "rows"
_ROUNDING = 1e-12  # labels with less spread than this are equal

Floats = npt.NDArray[np.float64]
Sums = Mapping[str, Floats]


@dataclass(frozen=True)
class Summands:
    """What is summed over rows; the rows lie in the order of their cells.

    Attributes:
        names: Of the summands.
        values: Shape [rows, summands].
        starts: Where each cell begins, and the end of the last, shape [cells + 1].
    """

    names: tuple[str, ...]
    values: Floats
    starts: npt.NDArray[np.int64]

    def by_cell(self, weights: Floats) -> Floats:
        """Returns the sums, shape [weightings, cells, summands], for weights of shape [weightings, rows]."""
        found = np.empty((len(weights), len(self.starts) - 1, len(self.names)))
        for cell, (begin, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            found[:, cell] = weights[:, begin:end] @ self.values[begin:end]
        return found

    def by_slice(self, of_cells: Floats, slicing: Slicing) -> Sums:
        """Returns the sums of the slices by name, each of shape [weightings, slices], from those of the cells."""
        member = np.zeros((of_cells.shape[1], len(slicing.keys)))
        member[np.arange(len(member)), slicing.of_cell] = 1
        found = np.einsum("wcs,ck->skw", of_cells, member).transpose(0, 2, 1)
        return dict(zip(self.names, found, strict=True))


def summands_of(task: TaskSpec, rows: Predictions, cells: Cells, threshold: float) -> Summands:
    """Returns what has to be summed for the metrics of a task.

    Args:
        task: What was predicted.
        rows: In the order of their cells.
        cells: How the rows are divided.
        threshold: Of a binary task: rows with at least this probability, as a float32, are predicted positive, if they
            have no threshold of their own.
    """
    if task.kind == "binary":
        columns = _binary(rows, threshold)
    elif task.kind == "multiclass":
        columns = _multiclass(rows)
    else:
        columns = _regression(rows)
    starts = np.searchsorted(cells.of_row, np.arange(len(cells) + 1))
    columns = {ROWS: np.ones(len(rows)), **columns}
    return Summands(tuple(columns), np.stack([*columns.values()], axis=1).astype(np.float64), starts)


def _binary(rows: Predictions, threshold: float) -> dict[str, Floats]:
    positive = rows.label == 1
    chosen = rows.selected(threshold)
    probability = np.clip(rows.score, EPSILON, 1 - EPSILON)
    return {
        "positive": positive,
        "chosen": chosen,
        "hits": positive & chosen,
        "loss": -np.log(np.where(positive, probability, 1 - probability)),
        "prediction": probability,
    }


def _multiclass(rows: Predictions) -> dict[str, Floats]:
    probability = np.clip(rows.score, EPSILON, 1 - EPSILON)
    probability /= probability.sum(axis=1, keepdims=True)
    of_label = probability[np.arange(len(rows)), rows.label]
    return {"right": rows.score.argmax(axis=1) == rows.label, "loss": -np.log(of_label)}


def _regression(rows: Predictions) -> dict[str, Floats]:
    # Squares of the label are about the mean of all, so that large labels lose no digits.
    label, prediction = rows.label.astype(np.float64), rows.score
    error, about_mean = prediction - label, label - label.mean()
    return {
        "squared_error": error**2,
        "error": np.abs(error),
        "residual": error,
        "prediction": prediction,
        "label": label,
        "about_mean": about_mean,
        "squared_about_mean": about_mean**2,
    }


def metrics_from(kind: TaskKind, sums: Sums) -> dict[str, Floats]:
    """Returns metrics by name, in the shape of the sums; NaN where a metric is not defined.

    `auc` of a binary task does not follow from sums; for averages over classes and each class see `class_counts`.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return _METRICS[kind](sums)


def _of_binary(sums: Sums) -> dict[str, Floats]:
    rows, positive, chosen, hits = (sums[name] for name in (ROWS, "positive", "chosen", "hits"))
    negative, false_alarms = rows - positive, chosen - hits
    return {
        "accuracy": (hits + negative - false_alarms) / rows,
        "precision": hits / chosen,
        "tpr": hits / positive,
        "fpr": false_alarms / negative,
        "fnr": (positive - hits) / positive,
        "selection_rate": chosen / rows,
        "loss": sums["loss"] / rows,
        "calibration": sums["prediction"] / positive,
        "mean_prediction": sums["prediction"] / rows,
        "mean_label": positive / rows,
    }


def _of_multiclass(sums: Sums) -> dict[str, Floats]:
    return {"accuracy": sums["right"] / sums[ROWS], "loss": sums["loss"] / sums[ROWS]}


def _of_regression(sums: Sums) -> dict[str, Floats]:
    rows, squared = sums[ROWS], sums["squared_error"]
    spread = sums["squared_about_mean"] - sums["about_mean"] ** 2 / rows
    return {
        "rmse": np.sqrt(squared / rows),
        "mae": sums["error"] / rows,
        "mean_residual": sums["residual"] / rows,
        "mse": squared / rows,
        "r2": np.where(spread > _ROUNDING * sums["squared_about_mean"], 1 - squared / spread, np.nan),
        "mean_prediction": sums["prediction"] / rows,
        "mean_label": sums["label"] / rows,
    }


_METRICS = {"binary": _of_binary, "multiclass": _of_multiclass, "regression": _of_regression}
