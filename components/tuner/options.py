"""How Tuner searches."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from tfx_automl.errors import ConfigError, require
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.thresholds import threshold_checks
from tfx_automl.search.budget import Budget
from tfx_automl.search.objective import Constraint
from tfx_automl.search.resource import Resource, ResourceKind
from tfx_automl.search.stoppers import parse_stopper
from tfx_automl.search.strategy import Strategy

RUNNERS = ("processes", "beam")
_MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Options of a search.

    A finished search goes on where it ended if only its limits are raised: `max_trials`, `iterations`,
    `max_total_epochs`, `time_budget_s`, `disk_budget_mb` or `target`.

    Attributes:
        families: Names of the model families that are searched together; empty takes all that suit the data.
        algorithm: A strategy by name: hyperband, bohb, asha, halving, random, grid, bayesian, gp, evolution, reinforce.
        sampler: Another sampler than the algorithm's: random, grid, bayesian, gp, evolution or reinforce.
        scheduler: Another scheduler than the algorithm's: hyperband, asha, halving or full.
        factor: η: at each rung, one trial in so many goes on.
        iterations: How often Hyperband runs through its brackets; None is once or, with `time_budget_s` or
            `max_total_epochs`, as often as these let it.
        resource: `epochs`, or `rows`: lower rungs train `rung_epochs` epochs on fewer rows.
        max_epochs: The highest level of the resource: the most epochs of a trial, or the parts of the rows.
        rung_epochs: For `rows`, the epochs at each rung.
        steps_per_epoch: Counts so many steps of training as an epoch, so that steps are the resource; None is a pass
            over all rows. For model families only: what an epoch of a hypermodel is, its own `fit` says.
        folds: Into how many folds the rows of train and eval are cut, so that every trial is judged on all of them; 1
            judges on the eval split; None takes 5 folds where there are few rows (see `models.folds.folds_for`). For
            model families only.
        ensemble: The most models of an ensemble that is chosen among the trials (greedily: Caruana et al. 2004); 1 is
            the best trial alone. Not with constraints or several objectives.
        ensemble_weights: `greedy` weighs the models of an ensemble by how often each was chosen, `stacking` by how they
            fit together (Breiman 1996).
        stopper: `none`, `plateau`, `median`, or both joined by `|` or `&`: ends trials early.
        patience: Epochs without progress after which `plateau` ends a trial.
        max_trials: The most trials, not counting failed ones; None leaves it to the brackets, and is 10 for strategies
            without rungs if nothing else limits them.
        max_total_epochs: The most epochs of all trials together; None is no limit.
        time_budget_s: The longest time in seconds, over all runs of the search; None is no limit.
        disk_budget_mb: The most megabytes of checkpoints; None is no limit.
        objective: Metric of an epoch, such as `val_auc` or `val_f1_score:max`; several, separated by commas, give a
            Pareto front. None takes the task's own.
        constraints: Bounds such as `parameters<=100000`, `model_bytes<=1e6`, `latency_ms<=2`, `val_recall>=0.8`.
        threshold: Of a binary task: from which probability on a row is predicted positive in what trials are judged by,
            such as `val_accuracy` and fairness gaps; or `f1`, `balanced_accuracy` or `accuracy`: for every model the
            one that is best by this. As the Trainer's.
        target: Score of the (first) objective at which the search ends; None is none.
        seed: Where all randomness starts.
        workers: Number of workers; None takes one per core.
        memory_limit_mb: The most megabytes of memory of a worker; None takes nine tenths of the
            memory, shared by all, but 2 GiB at least.
        runner: `processes` on this machine, or `beam`: on the runner that the pipeline's Beam arguments name.

    Raises:
        ConfigError: With one line for every value out of range.
    """

    families: tuple[str, ...] = ()
    algorithm: str = "hyperband"
    sampler: str | None = None
    scheduler: str | None = None
    factor: int = 3
    iterations: int | None = None
    resource: ResourceKind = "epochs"
    max_epochs: int = 27
    rung_epochs: int = 3
    steps_per_epoch: int | None = None
    folds: int | None = None
    ensemble: int = 1
    ensemble_weights: str = "greedy"
    stopper: str = "none"
    patience: int = 5
    max_trials: int | None = None
    max_total_epochs: int | None = None
    time_budget_s: float | None = None
    disk_budget_mb: int | None = None
    objective: str | None = None
    constraints: tuple[str, ...] = ()
    threshold: float | str = DECISION_THRESHOLD
    target: float | None = None
    seed: int = 0
    workers: int | None = None
    memory_limit_mb: int | None = None
    runner: str = "processes"

    def __post_init__(self) -> None:
        object.__setattr__(self, "constraints", tuple(self.constraints))
        object.__setattr__(self, "families", tuple(self.families))
        checks: list[Callable[[], object]] = [
            self.strategy,
            partial(parse_stopper, self.stopper, max(1, self.patience)),
            *(partial(Constraint.parse, text) for text in self.constraints),
        ]
        problems = [problem for check in checks for problem in _problems_of(check)]
        problems += [message for holds, message in self._numbers() if not holds]
        require(*((False, problem) for problem in problems))

    def _numbers(self) -> Iterator[tuple[bool, str]]:
        yield self.resource in ("epochs", "rows"), f"resource: expected epochs or rows, got {self.resource!r}."
        for name in ("max_epochs", "rung_epochs", "patience", "ensemble"):
            yield getattr(self, name) >= 1, f"{name}: expected 1 or more, got {getattr(self, name)}."
        limits = (
            "max_trials",
            "max_total_epochs",
            "steps_per_epoch",
            "folds",
            "disk_budget_mb",
            "workers",
            "memory_limit_mb",
        )
        for name in limits:
            value = getattr(self, name)
            yield value is None or value >= 1, f"{name}: expected 1 or more, got {value}."
        budget = self.time_budget_s
        yield budget is None or budget > 0, f"time_budget_s: expected a time above zero, got {budget}."
        yield from threshold_checks(self.threshold)
        yield self.seed >= 0, f"seed: expected 0 or more, got {self.seed}."
        alone = not self.constraints and "," not in (self.objective or "")
        yield alone or self.ensemble == 1, "ensemble: expected 1 with constraints or several objectives."
        weights = self.ensemble_weights
        yield weights in ("greedy", "stacking"), f"ensemble_weights: expected greedy or stacking, got {weights!r}."
        yield self.runner in RUNNERS, f"runner: expected one of {', '.join(RUNNERS)}, got {self.runner!r}."

    def strategy(self) -> Strategy:
        """Returns the sampler and the scheduler."""
        return Strategy(self.algorithm, self.sampler, self.scheduler, self.factor, self.iterations)

    @property
    def stages(self) -> Resource:
        """What trials get more of as they go up."""
        return Resource(self.resource, self.max_epochs, self.rung_epochs)

    @property
    def budget(self) -> Budget:
        """How much may be used."""
        disk = None if self.disk_budget_mb is None else self.disk_budget_mb * _MEBIBYTE
        return Budget(self.max_trials, self.max_total_epochs, self.time_budget_s, disk)

    @property
    def memory_limit(self) -> int | None:
        """The most bytes of memory of a worker."""
        return None if self.memory_limit_mb is None else self.memory_limit_mb * _MEBIBYTE

    def identity(self) -> dict[str, Any]:
        """Returns what makes a search another one, rather than more of the same."""
        return {name: value for name, value in asdict(self).items() if name not in _MORE_OF_THE_SAME}

    def with_workers(self, workers: int | None) -> "SearchOptions":
        """Returns the same options with another number of workers."""
        return replace(self, workers=workers)

    def to_json(self) -> str:
        """Returns the options as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "SearchOptions":
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))


# Beside limits also `threshold`, which is a part of a search's key only where trials are judged by it.
_MORE_OF_THE_SAME = (
    "threshold",
    "iterations",
    "max_trials",
    "max_total_epochs",
    "time_budget_s",
    "disk_budget_mb",
    "target",
    "workers",
    "memory_limit_mb",
    "runner",
)


def _problems_of(check: Callable[[], object]) -> tuple[str, ...]:
    try:
        check()
    except ConfigError as error:
        return error.problems
    return ()
