"""ROC and calibration, from histograms of scores.

A histogram is as in `report.json`: three lists of 101 numbers, the positive rows, the negative rows and the sum of the
scores, in each hundredth of the scores. The last of the 101 has the scores that are 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

Histogram = Sequence[Sequence[float]]
Point = tuple[float, float]

HUNDREDTHS = 100
BUCKETS = 10


def roc(histogram: Histogram) -> list[Point]:
    """Returns false and true positive rates at the thresholds 1, 0.99, ..., 0, after the point of no positives.

    Nothing where there are no positive or no negative rows.
    """
    true, false = (list(accumulate(reversed(counts))) for counts in histogram[:2])
    if not true[-1] or not false[-1]:
        return []
    return [(0.0, 0.0), *((n / false[-1], p / true[-1]) for p, n in zip(true, false, strict=True))]


def roc_at(points: Sequence[Point], hundredth: int) -> Point:
    """Returns the point of a ROC curve, as `roc` makes it, at a threshold."""
    return points[1 + HUNDREDTHS - hundredth]


@dataclass(frozen=True)
class Bucket:
    """The rows with about the same score.

    Attributes:
        rows: How many.
        score: The mean of their scores.
        positive: The share of them that truly are positive.
    """

    rows: float
    score: float
    positive: float


def calibration(histogram: Histogram) -> list[Bucket | None]:
    """Returns the tenths of the scores, None where there are no rows; the last one has the scores that are 1, too."""
    width = HUNDREDTHS // BUCKETS
    starts = range(0, HUNDREDTHS, width)
    return [_bucket(histogram, slice(low, None if low == starts[-1] else low + width)) for low in starts]


def _bucket(histogram: Histogram, steps: slice) -> Bucket | None:
    positive, negative, score = (sum(values[steps]) for values in histogram)
    rows = positive + negative
    return Bucket(rows, score / rows, positive / rows) if rows else None
