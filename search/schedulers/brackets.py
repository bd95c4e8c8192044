"""Brackets of synchronous successive halving: the plan of Hyperband, and of schedules with a single rung."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objectives
from tfx_automl.search.schedulers.base import Continue, Decision, Done, Scheduler, Start, Wait
from tfx_automl.search.trial import TrialView, ranked


@dataclass(frozen=True)
class Rung:
    """One rung of a bracket: so many trials are trained to a level of the resource.

    Attributes:
        trials: n_i of the paper.
        level: r_i of the paper, rounded to a whole unit of the resource.
    """

    trials: int
    level: int

    def __post_init__(self) -> None:
        if self.trials < 1 or self.level < 1:
            raise ConfigError(f"A rung needs at least 1 trial and level 1; got {self.trials} and {self.level}.")


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
    def units(self) -> int:
        """Units of the resource for the whole bracket when promoted trials continue instead of starting again."""
        before = (0, *(rung.level for rung in self.rungs))
        return sum(rung.trials * (rung.level - start) for rung, start in zip(self.rungs, before, strict=False))


class BracketScheduler(Scheduler):
    """Runs brackets of successive halving; a later bracket starts while an earlier one waits for its rung to fill.

    When nothing is left to start, a bracket goes on with the members it has: as many as the plan says go up at each
    rung, or all if there are fewer. So no rung ever has more trials than planned.

    Args:
        brackets: The plan.
        unit: What a level counts, in the plural.
        period: After how many brackets they begin again; None is never.
    """

    def __init__(self, brackets: Sequence[Bracket], unit: str = "epochs", period: int | None = None) -> None:
        if not brackets:
            raise ConfigError("A schedule needs at least one bracket; got none.")
        self.brackets, self._unit = tuple(brackets), unit
        self._period = period or len(self.brackets)

    def describe(self) -> list[str]:
        """Returns one line per bracket, each once if they repeat, and the totals."""
        lines = []
        for number, bracket in enumerate(self.brackets[: self._period]):
            rungs = " → ".join(f"{rung.trials} × {rung.level}" for rung in bracket.rungs)
            lines.append(f"bracket {number} (s={bracket.s}): {rungs} {self._unit}")
        trials = sum(bracket.rungs[0].trials for bracket in self.brackets)
        if len(self.brackets) > self._period:
            lines.append(f"and again, up to {len(self.brackets)} brackets, as far as the budget goes")
        return [*lines, f"{trials} trials, {sum(bracket.units for bracket in self.brackets)} {self._unit} in all"]

    def next(self, trials: Sequence[TrialView], objectives: Objectives, may_start: bool = True) -> Decision:
        """Returns the first thing to do in the order of the brackets."""
        waiting, members = False, _by_bracket(trials)
        for number, bracket in enumerate(self.brackets):
            decision = _next_in_bracket(number, bracket, members[number], objectives, may_start)
            if isinstance(decision, (Start, Continue)):
                return decision
            waiting = waiting or isinstance(decision, Wait)
        return Wait() if waiting else Done()

    def may_continue(self, trials: Sequence[TrialView], objectives: Objectives) -> set[int]:
        """Returns the trials below a rung that is not full yet: one may be the next best when another fails."""
        del objectives
        kept = set()
        for number, members in _by_bracket(trials).items():
            bracket = self.brackets[number]
            for below, rung in _steps(bracket):
                if sum(rung.level in trial.outcomes for trial in members) < rung.trials:
                    kept |= {trial.trial_id for trial in members if trial.level <= below.level}
        return kept


def _by_bracket(trials: Sequence[TrialView]) -> dict[int, list[TrialView]]:
    """Returns the members of each bracket; failed trials are no members, so they are replaced."""
    members: dict[int, list[TrialView]] = defaultdict(list)
    for trial in trials:
        if not trial.failed:
            members[trial.bracket].append(trial)
    return members


def _steps(bracket: Bracket) -> Iterator[tuple[Rung, Rung]]:
    return zip(bracket.rungs, bracket.rungs[1:], strict=False)


def _next_in_bracket(
    number: int, bracket: Bracket, members: Sequence[TrialView], objectives: Objectives, may_start: bool
) -> Decision:
    first = bracket.rungs[0]
    if may_start and len(members) < first.trials:
        return Start(number, first.level)
    for below, rung in _steps(bracket):
        reached = sum(1 for trial in members if rung.level in trial.outcomes or trial.running_to == rung.level)
        if reached >= rung.trials:
            continue
        if any(trial.running_to == below.level for trial in members):
            return Wait()
        # Top of the rung below; one that fails up here is no member any more, and the next best takes its place.
        for trial in ranked(members, below.level, objectives)[: rung.trials]:
            if rung.level not in trial.outcomes and trial.running_to is None:
                return Continue(trial.trial_id, rung.level)
        if may_start:
            return Wait()
        # Nothing is left to fill this rung with: all that could go up are there or on their way, so look higher.
    return Wait() if any(trial.running_to is not None for trial in members) else Done()
