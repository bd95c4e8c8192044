"""What a model must satisfy before it may be pushed, and the decision on it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from tfx_automl.components.evaluator.baselines import baseline_check
from tfx_automl.components.evaluator.checks import HIGHER_IS_BETTER, LOWER_IS_BETTER, Check, gap_check, metric_check
from tfx_automl.components.evaluator.gaps import Gap
from tfx_automl.components.evaluator.losses import Loss, loss_checks
from tfx_automl.components.evaluator.plan import Bound
from tfx_automl.components.evaluator.slices import METRICS, Evaluation
from tfx_automl.components.evaluator.waivers import Waiver, waived
from tfx_automl.errors import ConfigError
from tfx_automl.models.fairness import GAPS
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE
from tfx_automl.models.task import TaskKind

EVIDENCE = ("point", "confident")


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
        min_slice_metrics: Bounds like `min_metrics` that every slice with enough rows must satisfy.
        max_losses: How much worse than the last blessed model a metric over all rows may be: `0.01`, or a share of that
            model's value such as `1%`.
        max_slice_losses: The same for every slice with enough rows.
        waivers: Refusals that somebody takes the responsibility for.

    Raises:
        ConfigError: A name is unknown for this task, or a bound is not a number that can be met.
    """

    kind: TaskKind
    min_metrics: Mapping[str, float] = field(default_factory=dict)
    max_gaps: Mapping[str, float] = field(default_factory=dict)
    evidence: str = "point"
    min_slice_metrics: Mapping[str, float] = field(default_factory=dict)
    max_losses: Mapping[str, float | str] = field(default_factory=dict)
    max_slice_losses: Mapping[str, float | str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ConfigError(problems)

    def _problems(self) -> Iterator[str]:
        metrics = [name for name in METRICS[self.kind] if name in HIGHER_IS_BETTER | LOWER_IS_BETTER]
        for option in ("min_metrics", "min_slice_metrics", "max_losses", "max_slice_losses"):
            yield from _unknown(option, "metric", getattr(self, option), metrics, self.kind)
        yield from _unknown("max_gaps", "gap", self.max_gaps, [gap.name for gap in GAPS[self.kind]], self.kind)
        for option in ("min_metrics", "min_slice_metrics", "max_gaps"):
            for name, bound in getattr(self, option).items():
                if not _is_number(bound):
                    yield f"{option} needs a finite number for {name}; got {bound!r}."
        for name, bound in self.max_gaps.items():
            if _is_number(bound) and bound < 0:
                yield f"max_gaps: {name} is never below 0, so the bound {bound!r} cannot be met; give 0 or more."
        for option in ("max_losses", "max_slice_losses"):
            for name, loss in getattr(self, option).items():
                yield from Loss.problems(option, name, loss)
        if self.evidence not in EVIDENCE:
            yield f"evidence: expected one of {', '.join(EVIDENCE)}, got {self.evidence!r}."

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """What of this TFMA can validate: points, over all rows."""
        if self.evidence != "point":
            return ()
        given = [Bound(name, bound, name in HIGHER_IS_BETTER) for name, bound in self.min_metrics.items()]
        losses = {name: Loss.parse(loss) for name, loss in self.max_losses.items()}
        return (*given, *(loss.bound(name) for name, loss in losses.items()))


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
class Verdict:
    """The decision on a model.

    Attributes:
        checks: Everything that was looked at.
    """

    checks: tuple[Check, ...]

    @property
    def blessed(self) -> bool:
        """Whether no check failed, but for those that are waived."""
        return all(check.passed is not False or check.waiver for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences: what failed, what is waived, what passed, what was not compared; free gaps in one sentence."""
        failed = sorted((check for check in self.checks if check.passed is False), key=lambda check: bool(check.waiver))
        passed = [check for check in self.checks if check.passed]
        skipped = [check for check in self.checks if check.passed is None]
        texts = [check.reason for check in (*failed, *passed, *(check for check in skipped if not _is_gap(check)))]
        free = sum(map(_is_gap, skipped))
        if free:
            texts.append(f"{free} gaps between groups have no bound in max_gaps: they are reported but not gated.")
        return tuple(texts)


def _is_gap(check: Check) -> bool:
    return check.name.startswith("gap:")


def judge(
    gate: Gate,
    evaluation: Evaluation,
    gaps: Iterable[Gap],
    baseline: Mapping[str, Mapping[str, float | None]] | None = None,
    min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
    today: date | None = None,
    further: Sequence[Check] = (),
) -> Verdict:
    """Decides on a model.

    Args:
        gate: What it must satisfy.
        evaluation: Its metrics.
        gaps: Its gaps, of all groups.
        baseline: Metrics of trivial and linear predictors by name, as in `baseline.json`; None skips the comparison,
            but a baseline that the model cannot be compared with refuses it.
        min_slice_size: Slices with fewer rows are not judged.
        today: Waivers that expire before do not hold; None is the day it is.
        further: Checks that are made elsewhere, such as of the user's own thresholds.
    """
    confident, overall = gate.evidence == "confident", evaluation.overall
    slices = [part for group in evaluation.groups.values() for part in group if part.count >= min_slice_size]
    checks = [baseline_check(gate.kind, overall.metrics, baseline)]
    checks += [metric_check(overall, name, bound, confident) for name, bound in gate.min_metrics.items()]
    checks += [
        metric_check(part, name, bound, confident) for name, bound in gate.min_slice_metrics.items() for part in slices
    ]
    checks += loss_checks([overall], gate.max_losses, confident)
    checks += loss_checks(slices, gate.max_slice_losses, confident)
    checks += further
    checks += [gap_check(gap, gate.max_gaps.get(gap.name), confident) for gap in gaps]
    return Verdict(tuple(waived(check, gate.waivers, today or date.today()) for check in checks))
