"""What makes one trial better than another: goals, constraints, and the order that follows from them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tfx_automl.errors import ConfigError
from tfx_automl.search.pareto import crowding_distances, fronts

Direction = Literal["max", "min"]
Key = tuple[float, ...]

_HIGHER_IS_BETTER = ("auc", "accuracy", "acc", "precision", "recall", "tpr", "f1", "score", "r2", "prc", "ratio")
_CONSTRAINT = re.compile(r"\s*([\w./-]+(?:\[.+\])?)\s*(<=|>=)\s*([-+.\deE]+)\s*")


def infer_direction(metric: str) -> Direction:
    """Returns `max` for metrics such as `val_auc` or `val_accuracy`, else `min` (losses, errors, sizes).

    What stands in brackets behind the name of a metric, the group that it is of, does not count.
    """
    words = metric.removeprefix("val_").partition("[")[0].split("_")
    if words[-1] in ("difference", "loss", "error"):
        return "min"
    return "max" if any(word in _HIGHER_IS_BETTER for word in words) else "min"


@dataclass(frozen=True)
class Objective:
    """A metric and the direction in which it is better.

    Attributes:
        metric: Name among the metrics of an epoch, such as `val_auc`.
        direction: `max`, `min`, or `auto` to infer it from the name.
    """

    metric: str
    direction: str = "auto"

    def __post_init__(self) -> None:
        if not self.metric:
            raise ConfigError("The objective needs the name of a metric, such as val_auc; got an empty one.")
        if self.direction == "auto":
            object.__setattr__(self, "direction", infer_direction(self.metric))
        if self.direction not in ("max", "min"):
            raise ConfigError(f"objective: expected the direction max, min or auto, got {self.direction!r}.")

    def score(self, metrics: Mapping[str, float]) -> float:
        """Returns the metric of an epoch.

        Raises:
            ConfigError: There is no such metric.
        """
        return _metric("objective", self.metric, metrics)

    def tie_breaker(self, metrics: Mapping[str, float]) -> float:
        """Returns what decides between equal scores: the loss on the eval split, smaller is better.

        On a small eval split many trials have the very same accuracy.
        """
        loss = float(metrics.get("val_loss", 0.0))
        return math.inf if math.isnan(loss) else loss

    def key(self, score: float | None) -> float:
        """Returns a number that is smaller for a better score: a total order in which missing and NaN come last."""
        if score is None or math.isnan(score):
            return math.inf
        return -score if self.direction == "max" else score


@dataclass(frozen=True)
class Constraint:
    """A bound that a trial must keep to: it is worth less than any trial that does, however good it is.

    Attributes:
        metric: Name among the metrics of an epoch, such as `parameters`, `model_bytes`, `latency_ms` or
            `val_accuracy_difference`.
        limit: The bound.
        relation: `<=` or `>=`.
    """

    metric: str
    limit: float
    relation: str = "<="

    def __post_init__(self) -> None:
        if not self.metric or self.relation not in ("<=", ">=") or not math.isfinite(self.limit):
            raise ConfigError(
                "A constraint needs a metric, the relation <= or >= and a finite limit; got"
                f" {self.metric!r} {self.relation!r} {self.limit!r}."
            )

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Reads a text such as `latency_ms<=2`.

        Raises:
            ConfigError: It is no constraint.
        """
        match = _CONSTRAINT.fullmatch(text)
        try:
            return cls(match[1], float(match[3]), match[2]) if match else cls("", math.nan)
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"constraint: expected METRIC<=NUMBER or METRIC>=NUMBER, got {text!r}.") from error

    def violation(self, metrics: Mapping[str, float]) -> float:
        """Returns how far the bound is exceeded, relative to it; 0 within it, infinite for NaN.

        Raises:
            ConfigError: There is no such metric.
        """
        value = _metric("constraint", self.metric, metrics)
        if math.isnan(value):
            return math.inf
        excess = value - self.limit if self.relation == "<=" else self.limit - value
        return max(0.0, excess / (abs(self.limit) or 1.0))

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.limit:g}"


@dataclass(frozen=True)
class Outcome:
    """What a trial came to at a level of the resource.

    Attributes:
        scores: One for each goal, as the metric has them; never NaN.
        violation: How far constraints are exceeded, together; 0 is feasible.
        tie_breaker: Decides between equal scores, smaller is better.
    """

    scores: tuple[float, ...]
    violation: float = 0.0
    tie_breaker: float = 0.0

    @property
    def feasible(self) -> bool:
        """Whether all constraints are kept."""
        return self.violation == 0.0


@dataclass(frozen=True)
class Objectives:
    """All that trials are judged by. One goal gives a total order; several give Pareto fronts.

    Attributes:
        goals: At least one.
        constraints: Bounds; a trial within all of them comes before any that is not (Deb 2000), and among those the
            smaller violation comes first.
    """

    goals: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "goals", tuple(self.goals))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        metrics = [goal.metric for goal in self.goals]
        if not metrics or len(set(metrics)) != len(metrics):
            raise ConfigError(f"objectives: expected one or more different metrics, got {metrics}.")

    @classmethod
    def of(cls, *metrics: str, constraints: Sequence[str] = ()) -> "Objectives":
        """Returns objectives from names of metrics and texts such as `latency_ms<=2`."""
        return cls(tuple(map(Objective, metrics)), tuple(map(Constraint.parse, constraints)))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics that decide."""
        return (*(goal.metric for goal in self.goals), *(constraint.metric for constraint in self.constraints))

    @property
    def first(self) -> Objective:
        """The goal that stands for all where only one number can be shown."""
        return self.goals[0]

    def outcome(self, metrics: Mapping[str, float]) -> Outcome | None:
        """Returns what an epoch's metrics amount to; None if a goal is NaN.

        Raises:
            ConfigError: A metric is not there.
        """
        scores = tuple(goal.score(metrics) for goal in self.goals)
        violation = sum(constraint.violation(metrics) for constraint in self.constraints)
        if any(map(math.isnan, scores)):
            return None
        return Outcome(scores, violation, self.first.tie_breaker(metrics))

    def losses(self, outcome: Outcome) -> tuple[float, ...]:
        """Returns the scores so that smaller is better."""
        return tuple(goal.key(score) for goal, score in zip(self.goals, outcome.scores, strict=True))

    def keys(self, outcomes: Sequence[Outcome]) -> list[Key]:
        """Returns what outcomes are sorted by, the best first.

        With one goal: violation, loss, tie-breaker. With several: violation, number of the non-dominated front (Deb et
        al. 2002, NSGA-II), crowding within it, tie-breaker; such keys only hold among these very outcomes.
        """
        if len(self.goals) == 1:
            return [(outcome.violation, *self.losses(outcome), outcome.tie_breaker) for outcome in outcomes]
        losses = [self.losses(outcome) for outcome in outcomes]
        ranks = fronts(losses)
        crowding = crowding_distances(losses, ranks)
        return [
            (outcome.violation, float(rank), -distance, outcome.tie_breaker)
            for outcome, rank, distance in zip(outcomes, ranks, crowding, strict=True)
        ]

    def order(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Returns the indices of outcomes, the best first; equal ones in the order that they are given in."""
        return sorted(range(len(outcomes)), key=self.keys(outcomes).__getitem__)

    def best(self, outcomes: Sequence[Outcome]) -> int:
        """Returns the index of the best outcome; with several goals, the best of the first front in the first goal."""
        keys = self.keys(outcomes)
        depth = 1 if len(self.goals) == 1 else 2
        top = min(key[:depth] for key in keys)
        among = [number for number, key in enumerate(keys) if key[:depth] == top]
        return min(among, key=lambda n: (self.losses(outcomes[n]), outcomes[n].tie_breaker, n))

    def front(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Returns the indices of the feasible outcomes that no other feasible one dominates; of one goal, the best."""
        if len(self.goals) == 1:
            best = self.best(outcomes)
            return [best] if outcomes[best].feasible else []
        feasible = [number for number, outcome in enumerate(outcomes) if outcome.feasible]
        ranks = fronts([self.losses(outcomes[number]) for number in feasible])
        return [number for number, rank in zip(feasible, ranks, strict=True) if rank == 0]


def _metric(who: str, name: str, metrics: Mapping[str, float]) -> float:
    if name not in metrics:
        raise ConfigError(f"{who}: there is no metric {name!r}; an epoch has {', '.join(sorted(metrics))}.")
    return float(metrics[name])
