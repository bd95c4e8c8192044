"""The gate: whether a model may be pushed, with a reason for every check."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tfx_automl.components.evaluator.gaps import Gap
from tfx_automl.components.evaluator.intervals import Interval
from tfx_automl.components.evaluator.slices import METRICS, SliceMetrics
from tfx_automl.errors import ConfigError
from tfx_automl.models.fairness import GAPS
from tfx_automl.models.task import TaskKind

MAIN_METRIC: dict[TaskKind, str] = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}
TRIVIAL_BASELINE: dict[TaskKind, str] = {"binary": "majority", "multiclass": "majority", "regression": "mean"}
EVIDENCE = ("point", "confident")
_HIGHER_IS_BETTER = frozenset({"auc", "accuracy", "precision", "tpr", "r2"})
_LOWER_IS_BETTER = frozenset({"fpr", "fnr", "loss", "rmse", "mae", "mse"})


@dataclass(frozen=True)
class Gate:
    """What a model must satisfy.

    Attributes:
        kind: The task.
        min_metrics: Bounds on metrics over all rows: the least value where higher is better (accuracy, auc, ...), the
            largest where lower is better (loss, rmse, ...).
        max_gaps: Bounds on gaps, applied to every group of sensitive features: the largest difference, the least ratio.
        evidence: `point` refuses a value beyond its bound; `confident` only one whose whole 95 % confidence interval is
            beyond it, so that a model is not refused by chance.

    Raises:
        ConfigError: A name is unknown for this task, or a bound is not a number that can be met.
    """

    kind: TaskKind
    min_metrics: Mapping[str, float] = field(default_factory=dict)
    max_gaps: Mapping[str, float] = field(default_factory=dict)
    evidence: str = "point"

    def __post_init__(self) -> None:
        metrics = [name for name in METRICS[self.kind] if name in _HIGHER_IS_BETTER | _LOWER_IS_BETTER]
        problems = _unknown("min_metrics", "metric", self.min_metrics, metrics, self.kind)
        problems += _unknown("max_gaps", "gap", self.max_gaps, [gap.name for gap in GAPS[self.kind]], self.kind)
        for option, bounds in (("min_metrics", self.min_metrics), ("max_gaps", self.max_gaps)):
            problems += [
                f"{option} needs a finite number for {name}; got {bound!r}."
                for name, bound in bounds.items()
                if not _is_number(bound)
            ]
        problems += [
            f"max_gaps: {name} is never below 0, so the bound {bound!r} cannot be met; give 0 or more."
            for name, bound in self.max_gaps.items()
            if _is_number(bound) and bound < 0
        ]
        if self.evidence not in EVIDENCE:
            problems.append(f"evidence: expected one of {', '.join(EVIDENCE)}, got {self.evidence!r}.")
        if problems:
            raise ConfigError(problems)


def _unknown(option: str, what: str, given: Iterable[str], known: list[str], kind: str) -> list[str]:
    return [
        f"{option} names {name!r}, which is no {what} that can be bounded for a {kind} task; known are "
        f"{', '.join(known)}."
        for name in given
        if name not in known
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: `baseline:auc`, `metric:accuracy` or `gap:sex:equalized_odds_difference`.
        value: What was measured; None if it could not be.
        bound: What it was compared with; None if nothing.
        passed: True or False; None if there was nothing to compare with, which neither blesses nor refuses.
        reason: In a plain sentence.
        interval: Where the value lies with 95 % confidence; None if that is not known.
    """

    name: str
    value: float | None
    bound: float | None
    passed: bool | None
    reason: str
    interval: Interval | None = None


@dataclass(frozen=True)
class Verdict:
    """The decision on a model.

    Attributes:
        checks: Everything that was looked at.
    """

    checks: tuple[Check, ...]

    @property
    def blessed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed is not False for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences: what failed, what passed, what was not compared; gaps without a bound in one sentence."""
        ordered = [check for state in (False, True) for check in self.checks if check.passed is state]
        skipped = [check for check in self.checks if check.passed is None]
        texts = [check.reason for check in (*ordered, *(check for check in skipped if not _is_gap(check)))]
        free = sum(map(_is_gap, skipped))
        if free:
            texts.append(f"{free} gaps between groups have no bound in max_gaps: they are reported but not gated.")
        return tuple(texts)


def _is_gap(check: Check) -> bool:
    return check.name.startswith("gap:")


def judge(
    gate: Gate,
    overall: SliceMetrics,
    gaps: Iterable[Gap],
    baseline: Mapping[str, Mapping[str, float | None]] | None = None,
) -> Verdict:
    """Decides on a model.

    Args:
        gate: What it must satisfy.
        overall: Its metrics over all rows.
        gaps: Its gaps, of all groups.
        baseline: Metrics of trivial and linear predictors by name, as in `baseline.json`; None skips the comparison,
            but a baseline that the model cannot be compared with refuses it.
    """
    checks = [_baseline_check(gate.kind, overall.metrics, baseline)]
    checks += [_metric_check(gate, overall, name, bound) for name, bound in gate.min_metrics.items()]
    checks += [_gap_check(gate, gap, gate.max_gaps.get(gap.name)) for gap in gaps]
    return Verdict(tuple(checks))


def _baseline_check(
    kind: TaskKind, metrics: Mapping[str, float | None], baseline: Mapping[str, Mapping[str, float | None]] | None
) -> Check:
    metric, trivial = MAIN_METRIC[kind], TRIVIAL_BASELINE[kind]
    name, value = f"baseline:{metric}", metrics.get(metric)
    if baseline is None:
        return Check(name, value, None, None, "Not compared with a trivial baseline: none was given.")
    bound = baseline.get(trivial, {}).get(metric)
    predictor = "always predicting the most frequent class" if trivial == "majority" else "always predicting the mean"
    if value is None or bound is None:
        # A baseline was given, so a comparison was asked for; a gate that cannot judge stays shut.
        return Check(name, value, bound, False, _not_comparable(kind, predictor, value, bound))
    passed = value > bound if metric in _HIGHER_IS_BETTER else value < bound
    word = "better" if passed else "not better"
    return Check(name, value, bound, passed, f"{metric} {_text(value)} is {word} than {predictor} ({_text(bound)}).")


def _not_comparable(kind: TaskKind, predictor: str, value: float | None, bound: float | None) -> str:
    lacking = " and ".join(who for who, number in (("the model", value), ("the baseline", bound)) if number is None)
    advice = " Evaluate on rows of both classes." if kind == "binary" else ""
    return f"{MAIN_METRIC[kind]} must beat that of {predictor}, but could not be computed for {lacking}.{advice}"


def _metric_check(gate: Gate, overall: SliceMetrics, metric: str, bound: float) -> Check:
    name, value, interval = f"metric:{metric}", overall.metrics.get(metric), overall.intervals.get(metric)
    demand = _Demand(bound, at_least=metric in _HIGHER_IS_BETTER)
    if value is None:
        return Check(name, None, bound, False, f"{metric} must be {demand}, but could not be computed.")
    passed = demand.met(value, interval if gate.evidence == "confident" else None)
    return Check(name, value, bound, passed, _sentence(metric, value, interval, demand, passed), interval)


def _gap_check(gate: Gate, gap: Gap, bound: float | None) -> Check:
    name, what = f"gap:{gap.feature}:{gap.name}", f"{gap.name} for {gap.feature}"
    if bound is None:
        known = "could not be computed" if gap.value is None else f"is {_text(gap.value)}{_range(gap.interval)}"
        reason = f"{what} {known}; no bound is set, so it is not gated.{_left_out(gap)}"
        return Check(name, gap.value, None, None, reason, gap.interval)
    demand = _Demand(bound, at_least=gap.definition.kind == "ratio")
    if gap.value is None:
        reason = f"{what} must be {demand}, but could not be computed: {_why_not(gap)}"
        return Check(name, None, bound, False, f"{reason}{_left_out(gap)}")
    passed = demand.met(gap.value, gap.interval if gate.evidence == "confident" else None)
    if passed and gap.not_compared:
        lacking = " and ".join(gap.not_compared)
        reason = f"{what} must be {demand}, but {lacking} could not be compared: {_why_not(gap)}"
        return Check(name, gap.value, bound, False, f"{reason}{_left_out(gap)}", gap.interval)
    reason = _sentence(what, gap.value, gap.interval, demand, passed) + _left_out(gap)
    return Check(name, gap.value, bound, passed, reason, gap.interval)


@dataclass(frozen=True)
class _Demand:
    """A bound, and on which side of it a value has to be."""

    bound: float
    at_least: bool

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {_text(self.bound)}"

    def met(self, value: float, interval: Interval | None) -> bool:
        """Tells whether a value is within the bound or, where an interval is given, whether any of it is."""
        if self.at_least:
            return (interval.upper if interval else value) >= self.bound
        return (interval.lower if interval else value) <= self.bound


def _sentence(what: str, value: float, interval: Interval | None, demand: _Demand, passed: bool) -> str:
    if passed and not demand.met(value, None):
        return f"{what} is {_text(value)}{_range(interval)}, which is not certain to miss {demand}."
    return f"{what} is {_text(value)}{_range(interval)}, {'as demanded' if passed else 'but must be'} {demand}."


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f" (95 % interval {_text(interval.lower)} to {_text(interval.upper)})"


def _why_not(gap: Gap) -> str:
    if not gap.not_compared:
        return "no group ever gets the positive prediction, so there is no ratio."
    return f"at least two groups with enough rows and a defined {' and '.join(gap.not_compared)} are needed."


def _left_out(gap: Gap) -> str:
    parts = [
        f" {why}: {', '.join(values)}."
        for why, values in (
            ("Too few rows to judge", gap.too_small),
            ("Not defined", gap.undefined),
            (f"Not all of {', '.join(gap.definition.metrics)} are defined", gap.partly),
        )
        if values
    ]
    return "".join(parts)


def _text(value: float) -> str:
    return f"{value:.4g}"
