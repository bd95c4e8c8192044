"""Which trial trains next, and how far."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objective


@dataclass(frozen=True)
class TrialView:
    """What a scheduler may know about a trial.

    Attributes:
        trial_id: Counts from 0.
        bracket: Index of the bracket that the trial was started for.
        scores: Score at the end of each rung that the trial has finished, by epochs.
        running_to: Epochs that it is training to right now, or None.
        failed: Whether it failed; it then takes no place in any rung.
        tie_breakers: Decides between equal scores at a rung, smaller is better; by epochs.
    """

    trial_id: int
    bracket: int
    scores: Mapping[int, float]
    running_to: int | None = None
    failed: bool = False
    tie_breakers: Mapping[int, float] = field(default_factory=dict)

    def rank(self, epochs: int, objective: Objective) -> tuple[float, float, int]:
        """Returns what trials are sorted by at a rung: score, tie-breaker, number."""
        return objective.key(self.scores[epochs]), self.tie_breakers.get(epochs, 0.0), self.trial_id


@dataclass(frozen=True)
class Start:
    """Start a new trial for a bracket and train it to so many epochs."""

    bracket: int
    epochs: int


@dataclass(frozen=True)
class Continue:
    """Train a trial further, to so many epochs in all."""

    trial_id: int
    epochs: int


@dataclass(frozen=True)
class Wait:
    """Nothing can be decided before a running trial ends."""


@dataclass(frozen=True)
class Done:
    """The schedule is complete."""


Decision = Start | Continue | Wait | Done


class Scheduler(abc.ABC):
    """Decides what to run; a pure function of the trials, so it can be asked again after a restart."""

    @abc.abstractmethod
    def next(self, trials: Sequence[TrialView], objective: Objective, may_start: bool = True) -> Decision:
        """Returns what to do with a free worker.

        Args:
            trials: All trials so far.
            objective: What is better.
            may_start: Whether there is anything left to try. If not, the answer is never `Start`, and the schedule goes
                on with the trials that there are.
        """

    @abc.abstractmethod
    def describe(self) -> list[str]:
        """Returns the plan as lines to print before the search."""


@dataclass(frozen=True)
class Rung:
    """One rung of a bracket: so many trials are trained to so many epochs.

    Attributes:
        trials: n_i of the paper.
        epochs: r_i of the paper, rounded to whole epochs.
    """

    trials: int
    epochs: int

    def __post_init__(self) -> None:
        if self.trials < 1 or self.epochs < 1:
            raise ConfigError(f"A rung needs at least 1 trial and 1 epoch; got {self.trials} and {self.epochs}.")


@dataclass(frozen=True)
class Bracket:
    """One run of successive halving.

    Attributes:
        s: The paper's number of the bracket: it has at most s + 1 rungs.
        rungs: From the many short ones to the few long ones.
    """

    s: int
    rungs: tuple[Rung, ...]

    @property
    def epochs(self) -> int:
        """Epochs of the whole bracket when promoted trials continue instead of starting again."""
        before = (0, *(rung.epochs for rung in self.rungs))
        return sum(rung.trials * (rung.epochs - start) for rung, start in zip(self.rungs, before, strict=False))


class BracketScheduler(Scheduler):
    """Runs brackets of successive halving; a later bracket starts while an earlier one waits for its rung to fill.

    When nothing is left to start, a bracket goes on with the members it has: as many as the plan says go up at each
    rung, or all if there are fewer. So no rung ever has more trials than planned.

    Args:
        brackets: The plan.
    """

    def __init__(self, brackets: Sequence[Bracket]) -> None:
        if not brackets:
            raise ConfigError("A schedule needs at least one bracket; got none.")
        self.brackets = tuple(brackets)

    def describe(self) -> list[str]:
        """Returns one line per bracket, and the totals."""
        lines = []
        for number, bracket in enumerate(self.brackets):
            rungs = " → ".join(f"{rung.trials} × {rung.epochs}" for rung in bracket.rungs)
            lines.append(f"bracket {number} (s={bracket.s}): {rungs} epochs")
        trials = sum(bracket.rungs[0].trials for bracket in self.brackets)
        return [*lines, f"{trials} trials, {sum(bracket.epochs for bracket in self.brackets)} epochs in all"]

    def next(self, trials: Sequence[TrialView], objective: Objective, may_start: bool = True) -> Decision:
        """Returns the first thing to do in the order of the brackets."""
        waiting = False
        for number, bracket in enumerate(self.brackets):
            members = [trial for trial in trials if trial.bracket == number and not trial.failed]
            decision = _next_in_bracket(number, bracket, members, objective, may_start)
            if isinstance(decision, (Start, Continue)):
                return decision
            waiting = waiting or isinstance(decision, Wait)
        return Wait() if waiting else Done()


def _next_in_bracket(
    number: int, bracket: Bracket, members: Sequence[TrialView], objective: Objective, may_start: bool
) -> Decision:
    first = bracket.rungs[0]
    if may_start and len(members) < first.trials:  # failed trials are not members, so they are replaced here
        return Start(number, first.epochs)
    for below, rung in zip(bracket.rungs, bracket.rungs[1:], strict=False):
        finished = [trial for trial in members if below.epochs in trial.scores]
        reached = sum(1 for trial in members if rung.epochs in trial.scores or trial.running_to == rung.epochs)
        if reached >= rung.trials:
            continue
        if any(trial.running_to == below.epochs for trial in members):
            return Wait()
        # Top of the rung below; one that fails up here is no member any more, and the next best takes its place.
        ranked = sorted(finished, key=lambda trial: trial.rank(below.epochs, objective))
        chosen = ranked[: rung.trials]
        for trial in chosen:
            if rung.epochs not in trial.scores and trial.running_to is None:
                return Continue(trial.trial_id, rung.epochs)
        if may_start:
            return Wait()
        # Nothing is left to fill this rung with: all that could go up are there or on their way, so look higher.
    return Wait() if any(trial.running_to is not None for trial in members) else Done()


def full_budget(trials: int, epochs: int) -> BracketScheduler:
    """Returns a schedule in which every trial trains all epochs: plain random search, for instance."""
    return BracketScheduler([Bracket(0, (Rung(trials, epochs),))])
