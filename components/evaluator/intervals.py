"""Confidence intervals of metrics and gaps, from the replicates of the Poisson bootstrap.

A metric's interval is its value and Student's t times the spread of its replicates on either side, as TFMA has it. A
gap is the largest of many differences, so that its interval has to hold for all of them together: each difference's
interval is as many of its standard errors wide as covers the largest deviation in 95 % of the replicates (the
studentised maximum, Westfall and Young 1993). A gap between groups that truly have none is then not found by chance
more often than stated, however many groups there are.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tfx_automl.models.class_rates import AVERAGES, of_class, rate_and_class

LEVEL = 0.95
_FEWEST = 20  # replicates in which a metric must be defined
_SEED = 20120601
_MOST_DIFFERENCES = 2e9  # between slices, over all metrics and replicates, for one gap's interval: about a minute

Floats = npt.NDArray[np.float64]

_Metrics = Mapping[str, float | None]
_CLASS_SHARE = of_class("mean_label", 0).removesuffix("0")
_Share = Callable[[str], float]  # from the name of a metric of a slice, or of one class of it

# The rows that a rate is a share of, as a share of all rows.
_AMONG: Mapping[str, Callable[[_Share], float]] = {
    "accuracy": lambda share: 1.0,
    "selection_rate": lambda share: 1.0,
    "tpr": lambda share: share("mean_label"),
    "fnr": lambda share: share("mean_label"),
    "fpr": lambda share: 1.0 - share("mean_label"),
    "precision": lambda share: share("selection_rate"),
}
_SHARES = frozenset({*_AMONG, *AVERAGES, "auc"})
_NEVER_BELOW_ZERO = frozenset({*_SHARES, "loss", "rmse", "mae", "mse", "calibration"})


@dataclass(frozen=True)
class Interval:
    """Where a value lies with 95 % confidence.

    Attributes:
        lower: Lower end.
        upper: Upper end.
    """

    lower: float
    upper: float


def spread_samples(samples: Mapping[str, Floats], metrics: _Metrics, rows: int) -> dict[str, Floats]:
    """Returns the replicates of a slice's metrics; those of rates that are 0 or 1 in all of them are spread out.

    Where no row of 30 is selected, none is in any replicate, which does not mean that the rate is known exactly. Such
    replicates become quantiles of the rate's posterior with Jeffreys' prior.

    Args:
        samples: By metric, shape [replicates].
        metrics: The metrics themselves.
        rows: How many rows the slice has.
    """
    return {name: _spread(name, values, metrics, rows) for name, values in samples.items()}


def _spread(name: str, values: Floats, metrics: _Metrics, rows: int) -> Floats:
    rate, (kind, number) = metrics.get(name), rate_and_class(name)
    if kind not in (*_AMONG, *AVERAGES) or rate not in (0.0, 1.0):
        return values

    def share(of: str) -> float:
        return metrics[of if number is None else of_class(of, number)] or 0.0

    among = rows * (_rarest(metrics) if kind in AVERAGES else _AMONG[kind](share))
    from scipy.stats import beta

    order = np.random.default_rng([_SEED, rows]).permutation(len(values))
    found: Floats = beta.ppf((order + 0.5) / len(values), rate * among + 0.5, (1 - rate) * among + 0.5)
    return found


def _rarest(metrics: _Metrics) -> float:
    """Returns the share of the rarest class, whose rate an average over classes knows least; 1 if none is known."""
    shares = [value for name, value in metrics.items() if value and name.startswith(_CLASS_SHARE)]
    return min(shares, default=1.0)


def metric_interval(name: str, value: float | None, samples: Floats | None) -> Interval | None:
    """Returns the interval of a metric; None if it is not defined, or in too few replicates.

    Args:
        name: Of the metric; shares are cut off at 0 and 1.
        value: Of the metric.
        samples: Its replicates.
    """
    defined = samples[np.isfinite(samples)] if samples is not None else np.zeros(0)
    if value is None or math.isnan(value) or len(defined) < _FEWEST:
        return None
    half = _student(len(defined) - 1) * float(defined.std(ddof=1))
    kind, number = rate_and_class(name)
    share = kind in _SHARES or number is not None
    lowest = 0.0 if share or kind in _NEVER_BELOW_ZERO else -math.inf
    highest = 1.0 if share else math.inf
    return Interval(max(lowest, value - half), min(highest, value + half))


def _student(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, freedom))


def gap_interval(
    kind: Literal["difference", "ratio"], values: Sequence[Floats], samples: Sequence[Floats]
) -> Interval | None:
    """Returns the interval of a gap.

    Args:
        kind: `difference` is the largest difference between two slices, of several metrics the larger; `ratio` the
            smallest ratio.
        values: Of each metric the values of the slices that have it, shape [slices].
        samples: Of each metric the replicates of these values, shape [replicates, slices].

    Returns:
        None if no metric has two values, one is defined in too few replicates, they vary in none, or there are too many
        differences.
    """
    if not samples or any(np.isfinite(drawn).sum(axis=0).min() < _FEWEST for drawn in samples):
        return None
    if sum(drawn.size * drawn.shape[1] / 2 for drawn in samples) > _MOST_DIFFERENCES:
        return None
    found = _Pairs(kind, len(samples[0]))
    for of_slices, drawn in zip(values, samples, strict=True):
        found.add(of_slices, _filled(drawn))
    return found.interval()


def _filled(samples: Floats) -> Floats:
    """Returns replicates, shape [replicates, slices], with those of others in turn where a rate is not defined.

    A class with few rows in a slice has none in some replicates. Of many classes and slices one lacks rows in nearly
    every replicate, so that too few would be left if all had to have some.
    """
    lacking = ~np.isfinite(samples)
    if not lacking.any():
        return samples
    found = samples.copy()
    for place in np.flatnonzero(lacking.any(axis=0)):
        empty = lacking[:, place]
        found[empty, place] = np.resize(samples[~empty, place], int(empty.sum()))
    return found


class _Pairs:
    """Differences between slices, or ratios, and the largest deviation among all of them in each replicate."""

    def __init__(self, kind: Literal["difference", "ratio"], replicates: int) -> None:
        self._kind = kind
        self._values: list[Floats] = []
        self._errors: list[Floats] = []
        self._largest = np.zeros(replicates)

    def add(self, values: Floats, samples: Floats) -> None:
        """Takes the slices of a metric: each with those that have a smaller (for ratios, a larger) value."""
        order = np.argsort(values if self._kind == "difference" else -values, kind="stable")
        values, samples = values[order], samples[:, order]
        for place in range(1, len(values)):
            self._add(values[place], values[:place], samples[:, [place]], samples[:, :place])

    def _add(self, value: Floats, others: Floats, drawn: Floats, drawn_others: Floats) -> None:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = self._kind == "ratio"
            found, replicates = (
                (value / others, drawn / drawn_others) if ratio else (value - others, drawn - drawn_others)
            )
        known = np.isfinite(found) & np.isfinite(replicates).all(axis=0)
        found, replicates = found[known], replicates[:, known]
        error = replicates.std(axis=0, ddof=1)
        varies = error > 0
        deviation = np.abs(replicates - replicates.mean(axis=0))[:, varies] / error[varies]
        self._largest = np.maximum(self._largest, deviation.max(axis=1, initial=0.0))
        self._values.append(found)
        self._errors.append(error)

    def interval(self) -> Interval | None:
        """Returns where the largest difference, or the smallest ratio, lies; None if nothing varies."""
        if not self._largest.any():
            return None
        value = np.concatenate(self._values)
        width = float(np.quantile(self._largest, LEVEL)) * np.concatenate(self._errors)
        lower, upper = value - width, value + width
        if self._kind == "difference":
            return Interval(max(0.0, float(lower.max())), float(upper.max()))
        return Interval(max(0.0, float(lower.min())), min(1.0, float(upper.min())))
