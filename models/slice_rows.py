"""Metrics by slice, for all slices of a group at once."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.class_rates import ClassCounts, rate_and_class
from tfx_automl.models.metrics import DECISION_THRESHOLD

_Floats = npt.NDArray[np.float64]


class SliceRows:
    """The rows of those slices of a group that are large enough to be compared.

    Args:
        codes: Which slice each row is in, from 0, shape [rows].
        label: Class index or target, shape [rows].
        min_size: Slices with fewer rows are left out.

    Attributes:
        sizes: Numbers of rows of all slices, the largest first.
    """

    def __init__(self, codes: npt.NDArray[Any], label: npt.NDArray[Any], min_size: int) -> None:
        counts = np.bincount(codes)
        large = counts >= min_size
        self.sizes: list[int] = sorted(counts.tolist(), reverse=True)
        kept = large[codes]
        self._rows = slice(None) if kept.all() else np.flatnonzero(kept)
        self._codes = (np.cumsum(large) - 1)[codes[self._rows]]
        self._label = np.asarray(label[self._rows])
        self._slices = int(large.sum())

    def of(self, prediction: npt.NDArray[Any], threshold: float = DECISION_THRESHOLD) -> Callable[[str], _Floats]:
        """Returns a function from the name of a metric to its value in every slice that is large enough.

        Names are those of `GapDefinition.columns`; where a metric is not defined (`tpr` without positive rows), its
        value is NaN. Each metric is computed once.

        Args:
            prediction: Of all rows, finite, as for `metrics_of`.
            threshold: Of a binary task: rows with at least this probability are predicted positive.
        """
        chosen = prediction[self._rows]
        rates = functools.cache(lambda: self.class_counts(chosen.argmax(axis=1), chosen.shape[1]).rates())

        def metric(name: str) -> _Floats:
            rate, number = rate_and_class(name)
            return _METRICS[name](self, chosen, threshold) if number is None else rates()[rate][:, number]

        return functools.cache(metric)

    def defined(self, name: str) -> int:
        """Returns how many slices are large enough and have a metric, whatever a model predicts."""
        rate, number = rate_and_class(name)
        nothing = np.zeros(len(self._label))
        if number is None:
            found = _METRICS[name](self, nothing, DECISION_THRESHOLD)
        else:
            classes = max(number, int(self._label.max(initial=0))) + 1
            found = self.class_counts(nothing.astype(np.int64), classes).rates()[rate][:, number]
        return int((~np.isnan(found)).sum())

    def class_counts(self, chosen: npt.NDArray[np.int64], classes: int) -> ClassCounts:
        """Returns how many rows of each slice are of each class and predicted as each, shape [slices, classes].

        Args:
            chosen: The predicted class of each row.
            classes: How many classes there are.
        """

        def counted(among: npt.NDArray[Any]) -> _Floats:
            found = np.bincount(among, minlength=self._slices * classes).reshape(self._slices, classes)
            return found.astype(np.float64)

        true, predicted = self._codes * classes + self._label, self._codes * classes + chosen
        return ClassCounts(counted(true), counted(predicted), counted(true[true == predicted]))

    def mean(self, values: npt.NDArray[Any], among: npt.NDArray[np.bool_] | None = None) -> _Floats:
        """Returns the mean by slice, NaN for a slice without a row.

        Args:
            values: One a row.
            among: The rows that count; None takes all.
        """
        codes = self._codes if among is None else self._codes[among]
        sums = np.bincount(codes, values if among is None else values[among], self._slices)
        with np.errstate(invalid="ignore"):
            means: _Floats = sums / np.bincount(codes, minlength=self._slices)
        return means

    @property
    def positive(self) -> npt.NDArray[np.bool_]:
        """Which rows truly are of the positive class."""
        found: npt.NDArray[np.bool_] = self._label == 1
        return found

    def right(self, prediction: npt.NDArray[Any], threshold: float) -> npt.NDArray[np.bool_]:
        """Returns which rows' class is predicted."""
        binary = prediction.ndim == 1
        predicted = prediction >= threshold if binary else prediction.argmax(axis=1)
        found: npt.NDArray[np.bool_] = predicted == (self.positive if binary else self._label)
        return found

    def error(self, prediction: npt.NDArray[Any]) -> _Floats:
        """Returns how far predictions are above the target."""
        return prediction.astype(np.float64) - self._label.astype(np.float64)

    def auc(self, score: npt.NDArray[Any]) -> _Floats:
        """Returns the chance that a positive row of a slice scores above a negative one of it; a tie counts half.

        Mann and Whitney's statistic: the sum of the positive rows' ranks within their slice, tied ones sharing the mean
        of theirs.
        """
        order = np.lexsort((score, self._codes))
        codes, score, positive = self._codes[order], score[order], self.positive[order]
        first = np.flatnonzero(np.r_[True, (np.diff(codes) != 0) | (np.diff(score) != 0)])  # of every run of ties
        length = np.diff(np.r_[first, len(order)])
        rank = np.repeat(first + (length - 1) / 2, length)
        size, positives = np.bincount(codes, minlength=self._slices), np.bincount(codes, positive, self._slices)
        before = np.cumsum(size) - size  # ranks so far count on from slice to slice
        sums = np.bincount(codes, rank * positive, self._slices) - before * positives
        with np.errstate(invalid="ignore"):
            found: _Floats = (sums - positives * (positives - 1) / 2) / (positives * (size - positives))
        return found


_METRICS: Mapping[str, Callable[[SliceRows, npt.NDArray[Any], float], _Floats]] = {
    "selection_rate": lambda rows, p, t: rows.mean(p >= t),
    "tpr": lambda rows, p, t: rows.mean(p >= t, rows.positive),
    "fpr": lambda rows, p, t: rows.mean(p >= t, ~rows.positive),
    "accuracy": lambda rows, p, t: rows.mean(rows.right(p, t)),
    "auc": lambda rows, p, t: rows.auc(p),
    "rmse": lambda rows, p, t: np.sqrt(rows.mean(rows.error(p) ** 2)),
    "mae": lambda rows, p, t: rows.mean(np.abs(rows.error(p))),
    "mean_prediction": lambda rows, p, t: rows.mean(p),
    "mean_residual": lambda rows, p, t: rows.mean(rows.error(p)),
}
