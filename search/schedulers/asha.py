"""Asynchronous successive halving.

Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar: A System for Massively Parallel Hyperparameter
Tuning. MLSys 2020, algorithm 2.
"""

from collections.abc import Sequence

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objectives
from tfx_automl.search.schedulers.base import Continue, Decision, Done, Scheduler, Start, Wait
from tfx_automl.search.schedulers.hyperband import hyperband_brackets
from tfx_automl.search.trial import TrialView, ranked


class AshaScheduler(Scheduler):
    """Promotes a trial as soon as it is among the best 1/η of those that have finished its rung; nobody waits.

    When nothing may be started any more, the rungs are as full as they will be; what is promotable then is promoted,
    and the best trial of all at least is trained to the end.

    Args:
        max_resource: R of the paper, the highest level of the resource.
        factor: η of the paper.
        max_trials: The most trials, not counting failed ones; None leaves it to the budgets of the search.
        unit: What a level counts, in the plural.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(self, max_resource: int, factor: int, max_trials: int | None = None, unit: str = "epochs") -> None:
        if max_trials is not None and max_trials < 1:
            raise ConfigError(f"ASHA: expected max_trials of 1 or more, got {max_trials}.")
        self.levels = tuple(rung.level for rung in hyperband_brackets(max_resource, factor)[0].rungs)
        self._factor, self._max_trials, self._unit = factor, max_trials, unit

    def describe(self) -> list[str]:
        """Returns the rungs in one line."""
        rungs = " → ".join(map(str, self.levels))
        trials = f"at most {self._max_trials} trials" if self._max_trials else "as many trials as the budget allows"
        return [f"rungs at {rungs} {self._unit}, one in {self._factor} goes on; {trials}"]

    def next(self, trials: Sequence[TrialView], objectives: Objectives, may_start: bool = True) -> Decision:
        """Returns a promotion, from the highest rung downwards; else a new trial."""
        members = [trial for trial in trials if not trial.failed]
        may_start = may_start and (self._max_trials is None or len(members) < self._max_trials)
        for below, level in reversed(list(zip(self.levels, self.levels[1:], strict=False))):
            # Trials that were sent on fill their share of the best 1/η, running ones or not.
            for trial in self._best_share(members, below, objectives):
                if trial.level == below and trial.running_to is None:
                    return Continue(trial.trial_id, level)
        if may_start:
            return Start(0, self.levels[0])
        if any(trial.running_to is not None for trial in members):
            return Wait()
        return self._finish(members, objectives)

    def may_continue(self, trials: Sequence[TrialView], objectives: Objectives) -> set[int]:
        """Returns the trials below the highest level, until the schedule is complete.

        Any of them may go up: better ones may fail, and a rung that grows sends on more than it did.
        """
        if isinstance(self.next(trials, objectives), Done):
            return set()
        return {trial.trial_id for trial in trials if not trial.failed and trial.level < self.levels[-1]}

    def _best_share(self, members: Sequence[TrialView], level: int, objectives: Objectives) -> list[TrialView]:
        order = ranked(members, level, objectives)
        return order[: len(order) // self._factor]

    def _finish(self, members: Sequence[TrialView], objectives: Objectives) -> Decision:
        """So few trials may be left that no rung has η of them: the best goes up even so."""
        highest = max((trial.level for trial in members), default=0)
        if not highest or highest == self.levels[-1]:
            return Done()
        best = ranked(members, highest, objectives)[0]
        return Continue(best.trial_id, self.levels[self.levels.index(highest) + 1])
