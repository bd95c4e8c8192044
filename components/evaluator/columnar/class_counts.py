"""Metrics of several classes by slice, for many weightings of the rows at once: averages over classes, and each class.

The rows of a cell that are of the same class and predicted as the same one are counted together, so that the time does
not grow with the number of classes.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.columnar.cells import Cells, Slicing
from tfx_automl.components.evaluator.predictions import Predictions
from tfx_automl.models.class_rates import ClassCounts, Floats, has_class_rates, of_class
from tfx_automl.models.task import TaskSpec

_BLOCK = 1 << 20  # counts that are made at a time: of a weighting, a slice and a class


class SlicedClasses:
    """The metrics of a multiclass task that follow from counts of rows by class.

    Args:
        task: What was predicted.
        rows: In the order of their cells.
        cells: How they are divided.
    """

    def __init__(self, task: TaskSpec, rows: Predictions, cells: Cells) -> None:
        self._classes, self._by_class = rows.score.shape[1], has_class_rates(task)
        code = (cells.of_row * np.int64(self._classes) + rows.label) * self._classes + rows.score.argmax(axis=1)
        found, self._kind_of_row = np.unique(code, return_inverse=True)
        pair, self._chosen = np.divmod(found, self._classes)
        self._cell, self._true = np.divmod(pair, self._classes)

    def of(self, weights: Floats, slicing: Slicing) -> Mapping[str, Floats]:
        """Returns the metrics by name, each of shape [weightings, slices], NaN where one is not defined.

        Args:
            weights: How often each row counts, shape [weightings, rows].
            slicing: The slices.
        """
        several = max(1, _BLOCK // (len(slicing.keys) * self._classes))
        parts = [self._of(weights[start : start + several], slicing) for start in range(0, len(weights), several)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _of(self, weights: Floats, slicing: Slicing) -> Mapping[str, Floats]:
        of_kinds = np.array([np.bincount(self._kind_of_row, row, len(self._cell)) for row in weights], np.float64)
        counts = self._counts(of_kinds, slicing)
        if not self._by_class:
            return counts.averages()
        rates = counts.rates().items()
        return {
            **counts.averages(),
            **{of_class(name, at): values[..., at] for at in range(self._classes) for name, values in rates},
        }

    def _counts(self, of_kinds: Floats, slicing: Slicing) -> ClassCounts:
        place = slicing.of_cell[self._cell].astype(np.int64) * self._classes
        size, hit = len(slicing.keys) * self._classes, self._true == self._chosen

        def summed(places: npt.NDArray[np.int64], values: Floats) -> Floats:
            found = np.array([np.bincount(places, row, size) for row in values], np.float64)
            return found.reshape(len(values), len(slicing.keys), self._classes)

        return ClassCounts(
            summed(place + self._true, of_kinds),
            summed(place + self._chosen, of_kinds),
            summed((place + self._true)[hit], of_kinds[:, hit]),
        )
