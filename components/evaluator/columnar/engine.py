"""Evaluates predictions: every metric of every slice, and of every replicate of the bootstrap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.columnar.auc import SlicedAuc
from tfx_automl.components.evaluator.columnar.bootstrap import counts, distinct, row_hashes
from tfx_automl.components.evaluator.columnar.cells import Cells, cell_hash, divide
from tfx_automl.components.evaluator.columnar.confusion import confusions_of
from tfx_automl.components.evaluator.columnar.curves import histograms_of
from tfx_automl.components.evaluator.columnar.sums import ROWS, Floats, metrics_from, summands_of
from tfx_automl.components.evaluator.measured import Measured
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.models.groups import Group
from tfx_automl.models.task import TaskSpec


def measure(
    predictions: Predictions, task: TaskSpec, groups: Sequence[Group], threshold: float, replicates: int = 0
) -> list[Measured]:
    """Computes the metrics of all slices.

    Args:
        predictions: At least one row.
        task: What was predicted.
        groups: Which features are sliced on together.
        threshold: Of a binary task: rows with at least this probability, as a float32, are predicted positive.
        replicates: Of the Poisson bootstrap; 0 leaves it out.

    Returns:
        All rows, then the slices of every group.
    """
    cells = divide(predictions.features, groups, len(predictions))
    order = np.argsort(cells.of_row, kind="stable")
    rows, cells = _taken(predictions, order), replace(cells, of_row=cells.of_row[order])
    metrics = _Metrics(rows, task, cells, threshold)
    exact = metrics.of(np.ones((1, len(rows))))
    samples = _joined(_replicated(metrics, _hashes(rows, cells), replicates)) if replicates else []
    confusions = confusions_of(rows, cells) if task.kind == "multiclass" else []
    histograms = histograms_of(rows, cells) if task.kind == "binary" else []
    return list(_measured(cells, exact, samples, confusions, histograms))


def replicated(
    rows: Predictions, hashes: npt.NDArray[np.uint64], task: TaskSpec, threshold: float, replicates: int
) -> dict[str, Floats]:
    """Computes the metrics of the rows of one slice in each replicate of the bootstrap.

    Args:
        rows: In any order.
        hashes: Of the rows, see `bootstrap.row_hashes`.
        task: What was predicted.
        threshold: Of a binary task.
        replicates: How many.

    Returns:
        By metric, shape [replicates].
    """
    cells = divide({}, (), len(rows))
    (samples,) = _joined(_replicated(_Metrics(rows, task, cells, threshold), distinct(hashes), replicates))
    return {name: values[:, 0] for name, values in samples.items() if name != ROWS}


class _Metrics:
    """The metrics of rows in the order of their cells, as a function of how often each row counts."""

    def __init__(self, rows: Predictions, task: TaskSpec, cells: Cells, threshold: float) -> None:
        self._kind, self._slicings = task.kind, cells.slicings
        self._summands = summands_of(task, rows, cells, threshold)
        self._auc = [
            SlicedAuc(slicing.of_cell[cells.of_row], len(slicing.keys), rows.label == 1, rows.score)
            for slicing in (cells.slicings if task.kind == "binary" else ())
        ]

    def of(self, weights: Floats) -> list[dict[str, Floats]]:
        """Returns for each slicing the metrics by name, shape [weightings, slices], for weights [weightings, rows]."""
        of_cells = self._summands.by_cell(weights)
        found = []
        for slicing in self._slicings:
            sums = self._summands.by_slice(of_cells, slicing)
            found.append({ROWS: sums[ROWS], **metrics_from(self._kind, sums)})
        for metrics, auc in zip(found, self._auc, strict=False):
            metrics["auc"] = auc.of(weights)
        return found


def _replicated(metrics: _Metrics, hashes: npt.NDArray[np.uint64], replicates: int) -> list[list[dict[str, Floats]]]:
    return [metrics.of(weights.astype(np.float64)) for weights in counts(hashes, replicates)]


def _joined(parts: Sequence[Sequence[Mapping[str, Floats]]]) -> list[dict[str, Floats]]:
    """Returns for each slicing the metrics of all weightings together."""
    return [
        {name: np.concatenate([part[name] for part in of_slicing]) for name in of_slicing[0]}
        for of_slicing in zip(*parts, strict=True)
    ]


def _taken(predictions: Predictions, order: npt.NDArray[np.int64]) -> Predictions:
    return Predictions(
        predictions.label[order],
        predictions.score[order],
        {name: Column(column.values, column.codes[order]) for name, column in predictions.features.items()},
        None if predictions.other is None else predictions.other[order],
    )


def _hashes(rows: Predictions, cells: Cells) -> npt.NDArray[np.uint64]:
    of_cells = np.array([cell_hash(name) for name in cells.names], np.uint64)
    return distinct(row_hashes(of_cells[cells.of_row], rows.label, rows.score))


def _measured(
    cells: Cells,
    exact: Sequence[Mapping[str, Floats]],
    samples: Sequence[Mapping[str, Floats]],
    confusions: Sequence[Sequence[Mapping[tuple[int, int], float]]],
    histograms: Sequence[Floats],
) -> Iterator[Measured]:
    for number, slicing in enumerate(cells.slicings):
        drawn = samples[number] if samples else {}
        for place, key in enumerate(slicing.keys):
            metrics = {name: float(value[0, place]) for name, value in exact[number].items()}
            of_slice = {name: value[:, place] for name, value in drawn.items() if name != ROWS}
            confusion = confusions[number][place] if confusions else {}
            histogram = histograms[number][place] if histograms else None
            yield Measured(key, round(metrics.pop(ROWS)), metrics, of_slice, confusion, histogram)
