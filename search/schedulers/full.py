"""Every trial gets everything."""

from collections.abc import Sequence

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objectives
from tfx_automl.search.schedulers.base import Decision, Done, Scheduler, Start, Wait
from tfx_automl.search.trial import TrialView


class FullBudgetScheduler(Scheduler):
    """Trains every trial to the highest level of the resource.

    Args:
        max_resource: That level.
        max_trials: The most trials, not counting failed ones; None leaves it to the budgets of the search.
        unit: What a level counts, in the plural.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(self, max_resource: int, max_trials: int | None = None, unit: str = "epochs") -> None:
        if max_resource < 1 or (max_trials is not None and max_trials < 1):
            raise ConfigError(
                f"Full budget: expected max_resource and max_trials of 1 or more, got {max_resource} and {max_trials}."
            )
        self._level, self._max_trials, self._unit = max_resource, max_trials, unit

    def describe(self) -> list[str]:
        """Returns one line."""
        trials = f"{self._max_trials} trials" if self._max_trials else "as many trials as the budget allows"
        return [f"{trials}, each of {self._level} {self._unit}"]

    def next(self, trials: Sequence[TrialView], objectives: Objectives, may_start: bool = True) -> Decision:
        """Returns a new trial as long as there may be one."""
        del objectives
        members = [trial for trial in trials if not trial.failed]
        if may_start and (self._max_trials is None or len(members) < self._max_trials):
            return Start(0, self._level)
        return Wait() if any(trial.running_to is not None for trial in members) else Done()

    def may_continue(self, trials: Sequence[TrialView], objectives: Objectives) -> set[int]:
        """Returns the trials that have not reached the level yet."""
        del objectives
        return {trial.trial_id for trial in trials if not trial.failed and not trial.outcomes}
