"""One thing that the gate looks at: a value, what it has to be, and a sentence about it."""

from dataclasses import dataclass

from tfx_automl.components.evaluator.gaps import Gap
from tfx_automl.components.evaluator.intervals import Interval
from tfx_automl.components.evaluator.slices import SliceMetrics
from tfx_automl.components.evaluator.waivers import Waiver
from tfx_automl.models.class_rates import AVERAGES

HIGHER_IS_BETTER = frozenset({"auc", "accuracy", *AVERAGES, "precision", "tpr", "r2"})
LOWER_IS_BETTER = frozenset({"fpr", "fnr", "loss", "rmse", "mae", "mse"})


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: `baseline:auc`, `metric:accuracy`, `slice:sex=Female:accuracy`, `loss:auc`, `loss:sex=Female:auc`,
            `gap:sex:equalized_odds_difference`, or of the user's own configuration `threshold:sex=Female:f1_score` or
            `change:f1_score`.
        value: What was measured; None if it could not be.
        bound: What it was compared with; None if nothing.
        passed: True or False; None if there was nothing to compare with, which neither blesses nor refuses.
        reason: In a plain sentence.
        interval: Where the value lies with 95 % confidence; None if that is not known.
        waiver: Who answers for it that a failed check does not refuse the model.
    """

    name: str
    value: float | None
    bound: float | None
    passed: bool | None
    reason: str
    interval: Interval | None = None
    waiver: Waiver | None = None


@dataclass(frozen=True)
class Demand:
    """A bound, and on which side of it a value has to be."""

    bound: float
    at_least: bool

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {text(self.bound)}"

    def met(self, value: float, interval: Interval | None) -> bool:
        """Tells whether a value is within the bound or, where an interval is given, whether any of it is."""
        if self.at_least:
            return (interval.upper if interval else value) >= self.bound
        return (interval.lower if interval else value) <= self.bound

    def sentence(self, what: str, value: float, interval: Interval | None, passed: bool) -> str:
        """Says what a value is, and what was demanded."""
        measured = f"{what} is {text(value)}{interval_text(interval)}"
        if passed and not self.met(value, None):
            return f"{measured}, which may by chance miss {self}."
        return f"{measured}, {'as demanded' if passed else 'but must be'} {self}."


def metric_check(part: SliceMetrics, metric: str, bound: float, confident: bool) -> Check:
    """Compares a metric of a slice, or of all rows, with its bound."""
    name = f"slice:{slice_name(part)}:{metric}" if part.features else f"metric:{metric}"
    what = f"{metric} of {slice_name(part)}" if part.features else metric
    value, interval = part.metrics.get(metric), part.interval(metric)
    demand = Demand(bound, at_least=metric in HIGHER_IS_BETTER)
    if value is None:
        return Check(name, None, bound, False, f"{what} must be {demand}, but could not be computed.")
    passed = demand.met(value, interval if confident else None)
    return Check(name, value, bound, passed, demand.sentence(what, value, interval, passed), interval)


def slice_name(part: SliceMetrics) -> str:
    """Returns the slice as one text: `sex=Female`, or `sex=Female,race=Black`."""
    return ",".join(f"{name}={value}" for name, value in zip(part.features, part.values, strict=True))


def gap_check(gap: Gap, bound: float | None, confident: bool) -> Check:
    """Compares a gap with its bound, if it has one."""
    name, what = f"gap:{gap.feature}:{gap.name}", f"{gap.name} for {gap.feature}"
    what += "" if gap.worst is None else f" (worst for class {gap.worst})"
    if bound is None:
        known = "could not be computed" if gap.value is None else f"is {text(gap.value)}{interval_text(gap.interval)}"
        reason = f"{what} {known}; no bound is set, so it is not gated.{_left_out(gap)}"
        return Check(name, gap.value, None, None, reason, gap.interval)
    demand = Demand(bound, at_least=gap.definition.kind == "ratio")
    if gap.value is None:
        reason = f"{what} must be {demand}, but could not be computed: {_why_not(gap)}"
        return Check(name, None, bound, False, f"{reason}{_left_out(gap)}")
    passed = demand.met(gap.value, gap.interval if confident else None)
    if passed and gap.not_compared:
        lacking = " and ".join(gap.not_compared)
        reason = f"{what} must be {demand}, but {lacking} could not be compared: {_why_not(gap)}"
        return Check(name, gap.value, bound, False, f"{reason}{_left_out(gap)}", gap.interval)
    reason = demand.sentence(what, gap.value, gap.interval, passed) + _left_out(gap)
    return Check(name, gap.value, bound, passed, reason, gap.interval)


def _why_not(gap: Gap) -> str:
    if not gap.not_compared:
        return "no group ever gets the positive prediction, so there is no ratio."
    return f"at least two groups with enough rows and a defined {' and '.join(gap.not_compared)} are needed."


def _left_out(gap: Gap) -> str:
    every = " for every class" if gap.definition.by_class else ""
    parts = [
        f" {why}: {', '.join(values)}."
        for why, values in (
            ("Too few rows to judge", gap.too_small),
            ("Not defined", gap.undefined),
            (f"Not all of {', '.join(gap.definition.metrics)} are defined{every}", gap.partly),
            ("Classes that fewer than two groups have rows of", gap.incomplete),
            ("Classes predicted too rarely for a ratio", gap.rare),
        )
        if values
    ]
    return "".join(parts)


def text(value: float) -> str:
    """Returns a number for people."""
    return f"{value:.4g}"


def interval_text(interval: Interval | None) -> str:
    """Returns an interval to stand behind a value; nothing for none."""
    return "" if interval is None else f" (95 % interval {text(interval.lower)} to {text(interval.upper)})"
