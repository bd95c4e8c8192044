"""The best thresholds of several groups whose rates lie within a window."""

from collections.abc import Sequence

import numpy as np

from tfx_automl.models.rate_curves import Curve, Floats, Integers

_ROUNDING = 1e-12
_DIGITS = 9  # sums that agree in so many are as good


class Windows:
    """Windows of a rate, and which thresholds of each curve lie in them.

    Args:
        curves: Of some slices.
        rate: The name of the rate.
        starts: Where windows begin, shape [windows].
        width: Of all of them; wide enough so that in one of them, every curve has a threshold.
    """

    def __init__(self, curves: Sequence[Curve], rate: str, starts: Floats, width: float) -> None:
        self._curves = curves
        rates = [curve.rate(rate) for curve in curves]
        self._first = [np.searchsorted(rate, starts, "left") for rate in rates]
        self._end = [np.searchsorted(rate, starts + width + _ROUNDING, "right") for rate in rates]
        some = np.logical_and.reduce([first < end for first, end in zip(self._first, self._end, strict=True)])
        self._first, self._end = ([ends[some] for ends in side] for side in (self._first, self._end))

    def best(self, hit: float, cost: float) -> list[int]:
        """Returns the number of the threshold of each curve, in the window with the largest sum over curves.

        Of several that are as good, those nearest to the common threshold.

        Args:
            hit: What a truly positive row that is selected is worth.
            cost: What any row that is selected costs.
        """
        picked: list[Integers] = []
        total, away = (np.zeros(len(self._first[0])) for _ in range(2))
        for curve, first, end in zip(self._curves, self._first, self._end, strict=True):
            worth = hit * curve.hits - cost * curve.chosen
            distance = np.abs(curve.cuts - curve.cuts[curve.common])
            at = _best_between(np.lexsort((-distance, np.round(worth, _DIGITS))), first, end)
            total, away = total + worth[at], away + distance[at]
            picked.append(at)
        window = np.lexsort((away, -np.round(total, _DIGITS)))[0]
        return [int(at[window]) for at in picked]


def _best_between(order: Integers, first: Integers, end: Integers) -> Integers:
    """Returns, for ranges of numbers, the one in each that comes last in an order; by a sparse table of maxima."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    table, step = [rank], 1
    while 2 * step <= len(rank):
        longer = table[-1].copy()
        longer[:-step] = np.maximum(longer[:-step], longer[step:])
        table, step = [*table, longer], 2 * step
    power = np.frexp(end - first)[1] - 1  # of the longest step that fits
    levels = np.stack(table)
    found: Integers = order[np.maximum(levels[power, first], levels[power, end - 2**power])]
    return found
