"""The rows of a task in bins, made once for all trials of a process."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.feeding import subset
from tfx_automl.models.trees.inputs import TreeInputs, tree_inputs

MAX_BINS = 255  # the most that scikit-learn has; the same for all trials, so that they share the bins
_ROWS_FOR_BINS = 200_000  # as many as scikit-learn takes to find quantiles
_BLOCK_ROWS = 65_536

Bins = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Binned:
    """Rows in bins.

    The bins are found on all training rows, whatever share of them a trial trains on: only so do the bins of the trees
    that are there remain the same when the share grows.

    Attributes:
        inputs: How trees see the features.
        mapper: scikit-learn's map from values to bins.
        train: The training rows, column by column in memory, shape [rows, columns].
        evaluation: The eval split, row by row in memory, shape [rows, columns].
    """

    inputs: TreeInputs
    mapper: Any
    train: Bins
    evaluation: Bins

    def bins(self, arrays: Arrays) -> Bins:
        """Returns rows in bins, row by row in memory: so they are predicted fastest."""
        return _bins(self.inputs, self.mapper, arrays, "C")

    @property
    def missing_bin(self) -> int:
        """The bin of missing values."""
        return int(self.mapper.missing_values_bin_idx_)


def bin_rows(data: TrainingData) -> Binned:
    """Puts the training rows and the eval split into bins."""
    inputs, train = tree_inputs(data), data.split("train")
    mapper = _mapper(inputs, train)
    parts = _bins(inputs, mapper, train, "F"), _bins(inputs, mapper, data.split("eval"), "C")
    return Binned(inputs, mapper, *parts)


def _mapper(inputs: TreeInputs, train: Arrays) -> Any:
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

    known = [np.arange(category.known, dtype=np.float64) for category in inputs.sets]
    others: list[Any] = [None] * (len(inputs) - len(known))
    mapper = _BinMapper(
        n_bins=MAX_BINS + 1, subsample=None, is_categorical=inputs.is_set, known_categories=[*known, *others]
    )
    if len(train) > _ROWS_FOR_BINS:
        train = train.take(subset(len(train), _ROWS_FOR_BINS / len(train)))
    return mapper.fit(inputs.matrix(train))


def _bins(inputs: TreeInputs, mapper: Any, arrays: Arrays, order: Any) -> Bins:
    """Goes block by block: scikit-learn wants float64, eight times the bytes of the bins."""
    bins = np.empty((len(arrays), len(inputs)), np.uint8, order=order)
    for start in range(0, len(arrays), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        block = Arrays(arrays.numeric[rows], arrays.categorical[rows], arrays.image[rows], arrays.label[rows])
        bins[rows] = mapper.transform(inputs.matrix(block))
    return bins
