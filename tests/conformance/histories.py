"""Histories of searches that never ran: what a sampler may meet, with failures, running trials and many levels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfx_automl.search.objective import Objectives, Outcome
from tfx_automl.search.parameters import Boolean, Choice, Condition, Fixed, Float, Int, Parameter, Point
from tfx_automl.search.samplers.base import Sampler
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

LOSS = Objectives.of("val_loss")
TWO_GOALS = Objectives.of("val_loss", "val_auc", constraints=["parameters<=300"])
LEVELS = (1, 3, 9)

# Every kind of parameter; conditions on conditions; a name that two parameters share.
EVERYTHING = Space(
    (
        Fixed("family", "toy"),
        Float("x", -5.0, 5.0),
        Float("rate", 1e-4, 1e-1, sampling="log"),
        Int("units", 32, 512, step=32),
        Int("width", 1, 1000, sampling="log"),
        Choice("kind", ("plain", "deep", "wide")),
        Int("depth", 1, 4, conditions=(Condition("kind", ("deep",)),)),
        Float("depth", 0.0, 1.0, conditions=(Condition("kind", ("wide",)),)),
        Boolean("skip", conditions=(Condition("depth", (3, 4)),)),
        Boolean("flag"),
    )
)
# The same with an end.
COUNTED = Space(
    (
        Float("x", -5.0, 5.0, step=0.5),
        Int("units", 32, 128, step=32),
        Choice("kind", ("plain", "deep")),
        Int("depth", 1, 3, conditions=(Condition("kind", ("deep",)),)),
        Boolean("skip", conditions=(Condition("depth", (2, 3)),)),
    )
)


@dataclass(frozen=True)
class Trouble:
    """How a history goes wrong.

    Attributes:
        workers: How many trials run at once; they end in any order.
        failing: Share of the trials that fail.
        diverging: Share of the outcomes that are infinite.
    """

    workers: int = 1
    failing: float = 0.0
    diverging: float = 0.0


def small_space(rng: np.random.Generator) -> Space:
    """Returns a space of few points, with conditions on any earlier parameters."""
    parameters: list[Parameter] = []
    for number in range(int(rng.integers(1, 5))):
        conditions: tuple[Condition, ...] = ()
        if parameters and rng.uniform() < 0.6:
            parent = parameters[int(rng.integers(len(parameters)))]
            values = [value for value in parent.grid() if rng.uniform() < 0.5]
            conditions = (Condition(parent.name, tuple(values)),)
        parameters.append(_small_parameter(f"p{number}", conditions, rng))
    return Space(tuple(parameters))


def _small_parameter(name: str, conditions: tuple[Condition, ...], rng: np.random.Generator) -> Parameter:
    count = int(rng.integers(1, 4))
    kinds: Sequence[Callable[[], Parameter]] = (
        lambda: Choice(name, ("a", "b", "c")[:count], conditions=conditions),
        lambda: Int(name, 1, count, conditions=conditions),
        lambda: Int(name, 1, count, sampling="log", conditions=conditions),
        lambda: Float(name, 0.5, 0.5 * count, step=0.5, conditions=conditions),
        lambda: Boolean(name, conditions=conditions),
        lambda: Fixed(name, "fixed", conditions=conditions),
    )
    return kinds[int(rng.integers(len(kinds)))]()


def outcome(point: Point, level: int, objectives: Objectives) -> Outcome:
    """Returns what a point comes to: a function of it, and better at higher levels."""
    numbers = [float(value) for value in point.values() if not isinstance(value, str)]
    loss = sum((number % 7.0 - 2.0) ** 2 for number in numbers) + 1.0 / level
    metrics = {"val_loss": loss, "val_auc": 1.0 / (1.0 + abs(numbers[0] if numbers else 0.0)), "parameters": loss * 10}
    found = objectives.outcome(metrics)
    assert found is not None
    return found


def simulate(
    propose: Callable[[Sequence[TrialView]], Point | None],
    objectives: Objectives,
    count: int,
    seed: int,
    trouble: Trouble = Trouble(),  # noqa: B008  # frozen
) -> list[TrialView]:
    """Returns the trials of a search that sends on a third at each level, in the order of the proposals."""
    rng = np.random.default_rng(seed)
    trials: list[TrialView] = []
    while len(trials) < count:
        point = propose(trials)
        if point is None:
            break
        trials.append(TrialView(len(trials), 0, point, running_to=LEVELS[0]))
        while sum(trial.running_to is not None for trial in trials) >= trouble.workers:
            _one_ends(trials, objectives, rng, trouble)
    return trials


def _one_ends(trials: list[TrialView], objectives: Objectives, rng: np.random.Generator, trouble: Trouble) -> None:
    running = [trial for trial in trials if trial.running_to is not None]
    trial = running[int(rng.integers(len(running)))]
    level = trial.running_to or LEVELS[0]
    number = trial.trial_id
    if rng.uniform() < trouble.failing:
        trials[number] = replace(trial, running_to=None, failed=True)
        return
    found = outcome(trial.values, level, objectives)
    if rng.uniform() < trouble.diverging:
        found = replace(found, scores=(np.inf,) * len(found.scores), violation=np.inf)
    higher = LEVELS[LEVELS.index(level) + 1 :]
    running_to = higher[0] if higher and rng.uniform() < 1 / 3 else None
    trials[number] = replace(trial, outcomes={**trial.outcomes, level: found}, running_to=running_to)


def proposals(sampler: Sampler, objectives: Objectives, count: int, seed: int = 0) -> list[Point]:
    """Returns the first proposals of a sampler in a quiet search."""
    trials = simulate(lambda trials: sampler.propose(trials, objectives), objectives, count, seed)
    return [trial.values for trial in trials]
