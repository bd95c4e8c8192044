"""When a search must end before its schedule does."""

from collections.abc import Mapping

from tfx_automl.search.budget import Budget
from tfx_automl.search.job import Job
from tfx_automl.search.objective import Objectives, Outcome
from tfx_automl.search.state import SearchState

_FAILURES_ALLOWED = 10


class Limits:
    """Compares what a search has used and reached with what it may and should.

    Args:
        budget: How much may be used.
        objectives: What trials are judged by.
        target: Score of the first goal that is good enough; None is none.
        state: What the search knows.
    """

    def __init__(self, budget: Budget, objectives: Objectives, target: float | None, state: SearchState) -> None:
        self._budget, self._goal, self._target, self._state = budget, objectives.first, target, state

    def reason(self, seconds: float) -> str | None:
        """Returns why no further job may begin, or None.

        Args:
            seconds: Wall time used so far.
        """
        if self.target_reached():
            return "target reached"
        if self._hopeless():
            return "too many trials failed"
        if self._budget.seconds is not None and seconds >= self._budget.seconds:
            return "time budget used up"
        if self._budget.epochs is not None and self._state.epochs >= self._budget.epochs:
            return "epoch budget used up"
        return None

    def trials_used_up(self) -> bool:
        """Tells whether there are as many trials as there may be; failed ones do not count."""
        limit = self._budget.trials
        return limit is not None and sum(not trial.failed for trial in self._state.trials) >= limit

    def cut(self, job: Job, running: Mapping[int, Job]) -> Job | None:
        """Returns the part of a job that fits into the budget of epochs beside the running ones; None for nothing."""
        if self._budget.epochs is None:
            return job
        planned = sum(other.stop - self._state.trials[trial_id].epochs for trial_id, other in running.items())
        left = self._budget.epochs - self._state.epochs - planned
        return job.until(min(job.stop, job.start + left)) if left > 0 else None

    def seconds_left(self, seconds: float) -> float | None:
        """Returns the wall time that is left; None without a limit."""
        return None if self._budget.seconds is None else self._budget.seconds - seconds

    def target_reached(self) -> bool:
        """Tells whether any trial is good enough, within all constraints."""
        if self._target is None:
            return False
        return any(self._reaches(trial.current, self._target) for trial in self._state.trials if not trial.failed)

    def _reaches(self, outcome: Outcome | None, target: float) -> bool:
        if outcome is None or not outcome.feasible:
            return False
        return self._goal.key(outcome.scores[0]) <= self._goal.key(target)

    def _hopeless(self) -> bool:
        """A failed trial is replaced, but not for ever."""
        failed = sum(trial.failed for trial in self._state.trials)
        good = sum(bool(trial.curve) for trial in self._state.trials if not trial.failed)
        return failed >= _FAILURES_ALLOWED + 2 * good
