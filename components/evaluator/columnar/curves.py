"""Histograms of scores by slice: what ROC curves, calibration and rates at every threshold are drawn from."""

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.columnar.cells import Cells
from tfx_automl.components.evaluator.predictions import Predictions

STEPS = 100
# Row i counts the scores from i/100 on and below the next; the last one those that are 1.
THRESHOLDS = (np.arange(STEPS + 1) / STEPS).astype(np.float32)

Histogram = npt.NDArray[np.float64]


def histogram_of(positive: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> Histogram:
    """Returns the histogram of the rows of one slice; see `histograms_of`."""
    found: Histogram = _histograms(np.zeros(len(score), np.int64), 1, positive, score)[0]
    return found


def histograms_of(rows: Predictions, cells: Cells) -> list[Histogram]:
    """Returns for each slicing the histograms of its slices.

    Args:
        rows: Of a binary task, in the order of their cells.
        cells: How they are divided.

    Returns:
        Shape [slices, 101, 3]: in each hundredth of the scores the positive rows, the negative rows, and the sum of the
        scores. Like decisions they go by scores as float32.
    """
    positive = rows.label == 1
    return [
        _histograms(slicing.of_cell[cells.of_row].astype(np.int64), len(slicing.keys), positive, rows.score)
        for slicing in cells.slicings
    ]


def _histograms(
    slice_of: npt.NDArray[np.int64], slices: int, positive: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]
) -> Histogram:
    step = np.searchsorted(THRESHOLDS, score.astype(np.float32), side="right") - 1
    place = slice_of * len(THRESHOLDS) + np.maximum(step, 0)
    sums = [np.bincount(place, weights, slices * len(THRESHOLDS)) for weights in (positive, ~positive, score)]
    return np.stack(sums, axis=1).astype(np.float64).reshape(slices, len(THRESHOLDS), len(sums))
