"""Reweighing: training rows count so much that a sensitive group says nothing about the label any more.

Kamiran and Calders, Data preprocessing techniques for classification without discrimination, Knowledge and Information
Systems 33, 2012. A row of group a and label y has the weight P(a) P(y) / P(a, y): what a cell of group and label would
have of the rows if the two were independent, by what it has. The weights sum to the number of rows, and neither the
share of a group nor that of a label changes.

Whatever trains asks `weights_of` for the weights of the rows that it trains on, be it a split, some folds, or train and
eval together; they are measured on just these rows.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models.data import Arrays, TrainingData

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowWeights:
    """How much a row of each group and label counts.

    Attributes:
        rows: Numbers of rows that this was measured on, shape [groups, classes].
    """

    rows: _Ints

    @property
    def table(self) -> _Floats:
        """The weight of a row by group and label, shape [groups, classes]; 0 where there is no row."""
        expected = self.rows.sum(axis=1, keepdims=True) * self.rows.sum(axis=0, keepdims=True) / self.rows.sum()
        return np.divide(expected, self.rows, out=np.zeros(self.rows.shape), where=self.rows > 0)

    def of(self, arrays: Arrays, rows: Any = slice(None)) -> _Floats:
        """Returns the weights of some rows, by their numbers, a mask or a slice; shape [rows].

        Raises:
            ModelError: It is not known which group the rows are in.
        """
        if arrays.group is None:
            raise ModelError("Rows are to be weighed by their group, but nothing says which one each is in.")
        weights: _Floats = self.table[np.asarray(arrays.group[rows]), np.asarray(arrays.label[rows])]
        return weights


def weights_of(data: TrainingData) -> RowWeights | None:
    """Measures the weights of the training rows; None where all count the same.

    Raises:
        ModelError: It is not known which group the rows are in.
    """
    if not data.groups.reweigh:
        return None
    train = data.split("train")
    if train.group is None:
        raise ModelError(f"Rows are to be weighed by {data.groups.reweigh}, but the training rows have no such group.")
    return RowWeights(count_cells(train.group, train.label, len(data.task.classes)))


def count_cells(group: npt.NDArray[Any], label: npt.NDArray[Any], classes: int) -> _Ints:
    """Returns numbers of rows, shape [groups, classes].

    Args:
        group: From 0, shape [rows].
        label: Class index, shape [rows].
        classes: How many there are.
    """
    key = np.asarray(group, np.int64) * classes + np.asarray(label)
    groups = int(np.max(group, initial=-1)) + 1
    return np.bincount(key, minlength=groups * classes).reshape(groups, classes)


def without_weights(data: TrainingData) -> TrainingData:
    """Returns the same data, whose rows all count the same."""
    return replace(data, groups=replace(data.groups, reweigh=()))
