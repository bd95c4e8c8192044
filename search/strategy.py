"""Strategies by name: a sampler together with a scheduler."""

from dataclasses import dataclass

from tfx_automl.errors import require
from tfx_automl.search.budget import Budget
from tfx_automl.search.resource import Resource
from tfx_automl.search.samplers import SAMPLERS
from tfx_automl.search.schedulers.asha import AshaScheduler
from tfx_automl.search.schedulers.base import Scheduler
from tfx_automl.search.schedulers.full import FullBudgetScheduler
from tfx_automl.search.schedulers.hyperband import hyperband, hyperband_brackets, successive_halving

SCHEDULERS = ("hyperband", "asha", "halving", "full")

# What people call them, as sampler and scheduler.
ALGORITHMS = {
    "hyperband": ("random", "hyperband"),
    "bohb": ("bayesian", "hyperband"),
    "asha": ("random", "asha"),
    "halving": ("random", "halving"),
    "random": ("random", "full"),
    "grid": ("grid", "full"),
    "bayesian": ("bayesian", "full"),
    "gp": ("gp", "full"),
    "evolution": ("evolution", "full"),
    "reinforce": ("reinforce", "full"),
}

_TRIALS_WITHOUT_BUDGET = 10
AS_OFTEN_AS_POSSIBLE = 100  # iterations of Hyperband: more than any budget lasts for


@dataclass(frozen=True)
class Strategy:
    """How to search: any sampler with any scheduler.

    Attributes:
        algorithm: A name in `ALGORITHMS`, which gives both of the following where they are None.
        sampler: A name in `SAMPLERS`.
        scheduler: A name in `SCHEDULERS`.
        factor: η: at each rung, one trial in so many goes on.
        iterations: For `hyperband`, how often its brackets are run through; more of them go on with the same search.
            None is once or, where a budget of time or epochs ends the search, as often as it lets them.

    Raises:
        ConfigError: With one line for every wrong value.
    """

    algorithm: str = "hyperband"
    sampler: str | None = None
    scheduler: str | None = None
    factor: int = 3
    iterations: int | None = None

    def __post_init__(self) -> None:
        sampler, scheduler = ALGORITHMS.get(self.algorithm, ("random", "full"))
        object.__setattr__(self, "sampler", self.sampler or sampler)
        object.__setattr__(self, "scheduler", self.scheduler or scheduler)
        require(
            (
                self.algorithm in ALGORITHMS,
                f"algorithm: expected one of {', '.join(ALGORITHMS)}, got {self.algorithm!r}.",
            ),
            (self.sampler in SAMPLERS, f"sampler: expected one of {', '.join(SAMPLERS)}, got {self.sampler!r}."),
            (
                self.scheduler in SCHEDULERS,
                f"scheduler: expected one of {', '.join(SCHEDULERS)}, got {self.scheduler!r}.",
            ),
            (self.factor >= 2, f"factor: expected 2 or more, got {self.factor}."),
            (
                self.iterations is None or self.iterations >= 1,
                f"iterations: expected 1 or more, got {self.iterations}.",
            ),
        )

    def make_scheduler(self, resource: Resource, budget: Budget) -> Scheduler:
        """Makes the scheduler.

        Where nothing else bounds the number of trials, it is 10 with the full budget for each, and as many as Hyperband
        would start with `asha`; a grid ends by itself.
        """
        most, unit = resource.maximum, resource.unit
        if self.scheduler == "hyperband":
            ends = budget.seconds or budget.epochs
            iterations = self.iterations or (AS_OFTEN_AS_POSSIBLE if ends else 1)
            return hyperband(most, self.factor, budget.trials, unit, iterations)
        if self.scheduler == "halving":
            return successive_halving(most, self.factor, budget.trials, unit)
        bounded = any((budget.trials, budget.epochs, budget.seconds))
        if self.scheduler == "asha":
            started = sum(bracket.rungs[0].trials for bracket in hyperband_brackets(most, self.factor))
            return AshaScheduler(most, self.factor, budget.trials if bounded else started, unit)
        trials = budget.trials if bounded or self.sampler == "grid" else _TRIALS_WITHOUT_BUDGET
        return FullBudgetScheduler(most, trials, unit)
