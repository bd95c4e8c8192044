"""The area under the ROC curve of every slice, for many weightings of the rows at once."""

import numpy as np
import numpy.typing as npt

_Weights = npt.NDArray[np.float64]


class SlicedAuc:
    """Mann and Whitney's statistic by slice; what depends on the order of the scores alone is found out once.

    Args:
        slice_of: Which slice each row is in, shape [rows].
        slices: How many slices there are.
        positive: Which rows are positive, shape [rows].
        score: What ranks the rows, shape [rows].
    """

    def __init__(
        self,
        slice_of: npt.NDArray[np.int32],
        slices: int,
        positive: npt.NDArray[np.bool_],
        score: npt.NDArray[np.float64],
    ) -> None:
        _, rank = np.unique(score, return_inverse=True)
        place = slice_of.astype(np.int64) * (int(rank.max(initial=0)) + 1) + rank
        self._positive, self._negative = (self._sorted(place, side) for side in (positive, ~positive))
        below = place[self._negative]
        self._low = np.searchsorted(below, place[self._positive], side="left")
        self._high = np.searchsorted(below, place[self._positive], side="right")
        edges = np.arange(slices + 1)
        self._starts = np.searchsorted(slice_of[self._negative], edges)
        self._bounds = np.searchsorted(slice_of[self._positive], edges)

    @staticmethod
    def _sorted(place: npt.NDArray[np.int64], side: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        rows = np.flatnonzero(side)
        found: npt.NDArray[np.int64] = rows[np.argsort(place[rows], kind="stable")]
        return found

    def of(self, weights: _Weights) -> _Weights:
        """Returns the chance that a positive row of a slice scores above a negative one of it; a tie counts half.

        Args:
            weights: How often each row counts, shape [weightings, rows].

        Returns:
            Shape [weightings, slices]; NaN for a slice without positive or without negative rows.
        """
        behind = _cumulative(weights[:, self._negative])
        positive = weights[:, self._positive]
        # The negatives of earlier slices come before those of a row's own.
        before = np.repeat(behind[:, self._starts[:-1]], np.diff(self._bounds), axis=1)
        beaten = (behind[:, self._low] + behind[:, self._high]) / 2 - before
        won = np.diff(_cumulative(positive * beaten)[:, self._bounds])
        positives = np.diff(_cumulative(positive)[:, self._bounds])
        negatives = np.diff(behind[:, self._starts])
        with np.errstate(invalid="ignore", divide="ignore"):
            found: _Weights = won / (positives * negatives)
        return found


def _cumulative(values: _Weights) -> _Weights:
    """Returns the sums of the first none, one, two, ... values of each row."""
    found = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=found[:, 1:])
    return found
