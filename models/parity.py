"""Chooses a threshold for each group of rows, so that rates are equal: Hardt, Price and Srebro 2016, without chance.

The rates of a group at all thresholds are a curve. Hardt et al. ("Equality of opportunity in supervised learning") mix
two thresholds by a random draw to reach any point between two of them; here the same row always gets the same
prediction, so that rates are equal up to what whole rows allow.

One rate (selection rate, TPR or FPR): for every window of the rate that is as wide as the tolerance, each group takes
the threshold within it that is best for the metric over all rows; the best window wins. This is exact for up to
10,000 different scores a group: no other thresholds with rates within the tolerance of each other are better on these
rows. `f1`, which is no sum over groups, is
made one by Dinkelbach's method (1967, "On nonlinear fractional programming").

TPR and FPR at once: of all thresholds of a group, the one nearest to a wanted point (TPR, FPR) in the larger of both
differences is where TPR + FPR is that of the point, because both rise together. So one number is gone through, the sum:
each group takes its threshold with the nearest sum. The gap is 0 at both ends, where all rows are predicted alike and
the model is of no use; so what counts is the metric less the gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.models.group_thresholds import Criterion
from tfx_automl.models.rate_curves import GRID, Curve, Floats, Integers
from tfx_automl.models.rate_windows import Windows
from tfx_automl.models.thresholds import metric_at

TOLERANCE = 0.01
_ROUNDING = 1e-12
_ROUNDS = 50  # of Dinkelbach's method, which needs a handful


@dataclass(frozen=True)
class Chosen:
    """Thresholds, and what they do on the rows that they were chosen on.

    Attributes:
        thresholds: Of each slice, shape [slices]; the common one where a slice is not compared.
        compared: Which slices are, shape [slices].
        gap: The largest difference between compared slices in a rate: at the common threshold, and at the chosen ones.
        metric: The same of the metric that is to be as good as possible, over all rows.
        tolerance: How large a gap counts as none.
    """

    thresholds: Floats
    compared: npt.NDArray[np.bool_]
    gap: tuple[float, float]
    metric: tuple[float, float]
    tolerance: float


@dataclass(frozen=True)
class _Problem:
    """What is to be chosen.

    Attributes:
        curves: Of the slices that are compared.
        rates: What is to be equal.
        rule: The metric that is to be as good as possible.
        positives: How many of all rows, also those of no curve, truly are positive.
        rows: How many rows there are.
        fixed: Of the rows of no curve, how many truly positive ones are predicted positive, and how many in all.
    """

    curves: Sequence[Curve]
    rates: tuple[str, ...]
    rule: str
    positives: int
    rows: int
    fixed: tuple[int, int]

    @property
    def unchanged(self) -> list[int]:
        """The common threshold for every curve."""
        return [curve.common for curve in self.curves]

    def gap(self, picked: Sequence[int]) -> float:
        """Returns the gap when each curve takes the threshold of this number."""
        rates = [[curve.rate(name)[at] for curve, at in zip(self.curves, picked, strict=True)] for name in self.rates]
        return float(max(max(column) - min(column) for column in rates))

    def metric(self, hits: Integers, chosen: Integers) -> Floats:
        """Returns the metric over all rows, from sums over the curves, each of shape [ways]."""
        return metric_at(self.rule, hits + self.fixed[0], chosen + self.fixed[1], self.positives, self.rows)

    def metric_of(self, picked: Sequence[int]) -> float:
        """Returns the metric over all rows when each curve takes the threshold of this number."""
        hits, chosen = self._sums(picked)
        return float(self.metric(hits, chosen)[0])

    def _sums(self, picked: Sequence[int]) -> tuple[Integers, Integers]:
        pairs = list(zip(self.curves, picked, strict=True))
        hits, chosen = sum(curve.hits[at] for curve, at in pairs), sum(curve.chosen[at] for curve, at in pairs)
        return np.array([hits]), np.array([chosen])

    @property
    def tolerance(self) -> float:
        """How large a gap counts as none: `TOLERANCE` or, in small slices, one row."""
        return max(TOLERANCE, *(1 / curve.among(name) for name in self.rates for curve in self.curves))

    def weights(self, ratio: float) -> tuple[float, float]:
        """Returns what a hit, and what a selected row costs, of a metric as a sum; for `f1` at a known value of it."""
        if self.rule == "balanced_accuracy":
            cost = 1 / (self.rows - self.positives)
            return 1 / self.positives + cost, cost
        return (2.0, ratio) if self.rule == "f1" else (2.0, 1.0)


def comparable(
    criterion: Criterion, label: npt.NDArray[np.generic], codes: Integers, smallest: int
) -> npt.NDArray[np.bool_]:
    """Returns which slices can be compared: those with enough rows, of which the rates are defined.

    Args:
        criterion: What is to be equal.
        label: 1 for positive rows, else 0; shape [rows].
        codes: Which slice each row is in, -1 for none; shape [rows].
        smallest: Slices with fewer rows are not compared.
    """
    slices = int(codes.max(initial=-1)) + 1
    known = codes >= 0
    rows = np.bincount(codes[known], minlength=slices)
    positives = np.bincount(codes[known & (label == 1)], minlength=slices)
    found: npt.NDArray[np.bool_] = rows >= smallest
    if "tpr" in criterion.rates:
        found &= positives > 0
    if "fpr" in criterion.rates:
        found &= positives < rows
    return found


def choose_thresholds(
    criterion: Criterion,
    rule: str,
    label: npt.NDArray[np.generic],
    probability: npt.NDArray[np.float32],
    codes: Integers,
    common: float,
    smallest: int = 1,
) -> Chosen:
    """Chooses thresholds at which slices are equal by a criterion; the same every time.

    Args:
        criterion: What is to be equal.
        rule: One of `thresholds.RULES`: what is to be as good as possible, over all rows.
        label: 1 for positive rows, else 0; both are there; shape [rows].
        probability: Of being positive, finite, shape [rows].
        codes: Which slice each row is in, -1 for none; shape [rows].
        common: The threshold of rows of no slice, and of slices that cannot be compared.
        smallest: Slices with fewer rows are not compared; at least two must have enough.

    Returns:
        The common threshold for all slices if their gap is within the tolerance already; else thresholds with a gap
        that is never larger than that at the common threshold, and of one rate never larger than the tolerance if that
        can be had.
    """
    positive, score = np.asarray(label) == 1, np.asarray(probability, np.float32).reshape(-1)
    compared = comparable(criterion, label, codes, smallest)
    problem = _problem(criterion, rule, positive, score, codes, common, compared)
    picked = problem.unchanged
    before = problem.gap(picked), problem.metric_of(picked)
    if before[0] > problem.tolerance + _ROUNDING:
        picked = _equal_rate(problem) if len(problem.rates) == 1 else _equal_rates(problem)
    thresholds = np.full(len(compared), common)
    thresholds[compared] = [float(curve.cuts[at]) for curve, at in zip(problem.curves, picked, strict=True)]
    gap, metric = zip(before, (problem.gap(picked), problem.metric_of(picked)), strict=True)
    return Chosen(thresholds, compared, gap, metric, problem.tolerance)


def _problem(
    criterion: Criterion,
    rule: str,
    positive: npt.NDArray[np.bool_],
    score: npt.NDArray[np.float32],
    codes: Integers,
    common: float,
    compared: npt.NDArray[np.bool_],
) -> _Problem:
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(compared) + 1))
    parts = [order[bounds[number] : bounds[number + 1]] for number in np.flatnonzero(compared)]
    curves = [Curve.of(positive[part], score[part], common).thinned(criterion.rates) for part in parts]
    rest = np.ones(len(codes), bool)
    rest[np.concatenate(parts)] = False
    selected = rest & (score >= np.float32(common))
    fixed = int((selected & positive).sum()), int(selected.sum())
    return _Problem(curves, criterion.rates, rule, int(positive.sum()), len(positive), fixed)


def _steps(problem: _Problem) -> Floats:
    """Returns the levels that curves reach, at most about `GRID` of them, and those of the common threshold."""
    levels = np.unique(np.concatenate([curve.level(problem.rates) for curve in problem.curves]))
    if len(levels) > GRID:
        steps = np.linspace(levels[0], levels[-1], GRID + 1)
        levels = levels[np.minimum(np.searchsorted(levels, steps), len(levels) - 1)]
    common = [curve.level(problem.rates)[curve.common] for curve in problem.curves]
    found: Floats = np.unique(np.concatenate([levels, common]))
    return found


def _equal_rate(problem: _Problem) -> list[int]:
    """Returns which threshold each curve takes, with rates in the best window."""
    starts = _steps(problem)
    windows = Windows(problem.curves, problem.rates[0], starts, max(problem.tolerance, _narrowest(problem, starts)))
    ratio, picked = 0.0, problem.unchanged
    for _ in range(_ROUNDS):
        picked = windows.best(*problem.weights(ratio))
        reached = problem.metric_of(picked)
        if problem.rule != "f1" or reached <= ratio + _ROUNDING:
            break
        ratio = reached
    return picked


def _narrowest(problem: _Problem, starts: Floats) -> float:
    """Returns how wide a window must be so that every curve has a threshold in one."""
    ends = np.zeros(len(starts))
    for curve in problem.curves:
        rate = np.append(curve.level(problem.rates), np.inf)
        ends = np.maximum(ends, rate[np.searchsorted(rate, starts)])
    return float((ends - starts).min())


def _equal_rates(problem: _Problem) -> list[int]:
    """Returns which threshold each curve takes, with a small gap and a good metric; at worst the common one."""
    targets = _steps(problem)
    picked = [_nearest(curve.level(problem.rates), targets) for curve in problem.curves]
    pairs = list(zip(problem.curves, picked, strict=True))
    gap = np.zeros(len(targets))
    for name in problem.rates:
        rates = np.stack([curve.rate(name)[at] for curve, at in pairs])
        gap = np.maximum(gap, np.ptp(rates, axis=0))
    hits = np.sum([curve.hits[at] for curve, at in pairs], axis=0)
    chosen = np.sum([curve.chosen[at] for curve, at in pairs], axis=0)
    before = problem.gap(problem.unchanged)
    worth = np.where(gap <= before, problem.metric(hits, chosen) - gap, -np.inf)
    best = int(np.lexsort((gap, -np.round(worth, 12)))[0])
    if worth[best] <= problem.metric_of(problem.unchanged) - before:
        return problem.unchanged
    return [int(at[best]) for at in picked]


def _nearest(level: Floats, targets: Floats) -> Integers:
    """Returns the number of the nearest level to each target."""
    above = np.clip(np.searchsorted(level, targets), 1, max(1, len(level) - 1))
    above = np.minimum(above, len(level) - 1)
    below = np.maximum(above - 1, 0)
    return np.where(targets - level[below] <= level[above] - targets, below, above)
