"""The search itself: sampler × scheduler × stopper × objectives, remembered in a ledger, executed by a runner."""

import time
from pathlib import Path
from typing import Any

from tfx_automl import console
from tfx_automl.errors import SearchError
from tfx_automl.search.budget import Budget
from tfx_automl.search.checkpoints import BEST_KEPT, Checkpoints
from tfx_automl.search.job import EpochRecord, Job, Result
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.limits import Limits
from tfx_automl.search.lines import trial_line
from tfx_automl.search.objective import Objectives
from tfx_automl.search.resource import Resource
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.samplers.base import Sampler
from tfx_automl.search.schedulers.base import Continue, Done, Scheduler, Start
from tfx_automl.search.state import SearchState, epoch_event, result_event
from tfx_automl.search.stoppers import Stopper
from tfx_automl.search.trial import SearchResult, Trial


class Search:
    """Runs trials until the schedule is complete, or a budget ends, the space is exhausted, or the target reached.

    Args:
        sampler: What to try.
        scheduler: Which trial trains next, and how far.
        objectives: What is better.
        runner: What executes jobs.
        ledger: What remembers; the events of an earlier run in it are taken over.
        folder: For the checkpoints.
        resource: What the scheduler's levels are.
        stopper: What ends a trial early; None never does.
        budget: How much may be used.
        target: Score of the first goal that is good enough; None is none.
        seed: Where all randomness starts.
        keep_best: Of how many of the best trials the checkpoints stay.
        keep_each: A hyperparameter, the best trial of each of whose values stays, too; None keeps no others.
    """

    def __init__(
        self,
        sampler: Sampler,
        scheduler: Scheduler,
        objectives: Objectives,
        runner: TrialRunner,
        ledger: Ledger,
        folder: Path,
        *,
        resource: Resource | None = None,
        stopper: Stopper | None = None,
        budget: Budget | None = None,
        target: float | None = None,
        seed: int = 0,
        keep_best: int = BEST_KEPT,
        keep_each: str | None = None,
    ) -> None:
        self._sampler, self._scheduler, self._objectives = sampler, scheduler, objectives
        self._runner, self._ledger, self._stopper = runner, ledger, stopper
        self._resource, budget = resource or Resource(), budget or Budget()
        self._state = SearchState(objectives, folder, seed)
        self._limits = Limits(budget, objectives, target, self._state)
        self._checkpoints = Checkpoints(budget.disk_bytes, keep_best, keep_each)
        self._running: dict[int, Job] = {}
        self._stops: dict[int, str] = {}  # why a running trial was told to stop
        self._exhausted = False
        self._used_before = 0.0
        self._started = time.monotonic()

    def run(self) -> SearchResult:
        """Runs the search to its end.

        Returns:
            What was found. `stop_reason` is one of: schedule complete, space exhausted, target reached, trial budget
            used up, epoch budget used up, time budget used up, disk budget used up, too many trials failed.

        Raises:
            SearchError: No trial came to a result; the message has the last line of the first failure.
        """
        for line in self._scheduler.describe():
            console.line(f"  {line}")
        self._replay()
        busy = 0.0
        while True:
            self._fill()
            if not self._running:
                break
            result = self._runner.wait(self._on_epoch)
            busy += result.seconds
            self._finish(result)
        seconds = time.monotonic() - self._started
        share = min(1.0, busy / (seconds * self._runner.workers)) if seconds > 0 else 0.0
        reason = self._stop_reason()
        self._emit({"event": "end", "reason": reason})
        best, front = self._best()
        return SearchResult(tuple(self._state.trials), best, front, reason, self._seconds(), share)

    def _replay(self) -> None:
        """Takes over what an earlier run of the same search had finished; jobs that it had not are taken up again."""
        for event in self._ledger.records:
            self._state.apply(event)
        self._used_before = self._state.seconds
        trials = len(self._state.trials)
        if trials:
            console.line(f"  continues an earlier search: {trials} trials, {self._state.epochs} epochs are known")

    def _emit(self, event: dict[str, Any]) -> None:
        event["t"] = round(self._seconds(), 3)
        self._ledger.append(event)
        self._state.apply(event)

    def _fill(self) -> None:
        """Gives every free worker something to do."""
        while self._runner.free and not self._limits.reason(self._seconds()):
            waiting = [trial_id for trial_id in self._state.tasks if trial_id not in self._running]
            if waiting:
                if not self._submit(waiting[0]):
                    return
            elif not self._decide():
                return

    def _decide(self) -> bool:
        """Asks the schedule; returns whether there may be more to do."""
        decision = self._scheduler.next(self._state.views(), self._objectives, self._may_start())
        if isinstance(decision, Start):
            self._start(decision)  # if nothing is left to start, the schedule is asked again without
            return True
        if isinstance(decision, Continue):
            self._assign(decision.trial_id, decision.level)
            return True
        return False

    def _may_start(self) -> bool:
        return not self._exhausted and not self._limits.trials_used_up() and not self._checkpoints.full

    def _start(self, decision: Start) -> None:
        """Proposes a trial, or finds out that the space is exhausted."""
        point = self._sampler.propose(self._state.views(), self._objectives)
        if point is None:
            self._exhausted = True
            return
        job = self._resource.job_event(len(self._state.trials), 0, decision.level)
        # One record: a search that is killed now has either a trial with something to do, or none.
        self._emit({**job, "event": "proposal", "bracket": decision.bracket, "values": point})

    def _assign(self, trial_id: int, level: int) -> None:
        """Sends a trial on; one that a stopper ended takes its place without training."""
        trial = self._state.trials[trial_id]
        if trial.status == "ended":
            self._emit({"event": "carried", "trial_id": trial_id, "level": level})
        else:
            self._emit(self._resource.job_event(trial_id, trial.epochs, level))

    def _submit(self, trial_id: int) -> bool:
        """Hands a job, or what the budget leaves of it, to the runner; returns whether there was any."""
        left = self._limits.seconds_left(self._seconds())
        job = self._state.job(trial_id, None if left is None else time.time() + left)
        cut = self._limits.cut(job, self._running)
        if cut is not None:
            self._running[trial_id] = cut
            self._runner.submit(cut)
        return cut is not None

    def _on_epoch(self, job: Job, record: EpochRecord) -> bool:
        """Notes an epoch of a running job; returns whether the job goes on."""
        self._emit(epoch_event(job.trial_id, record))
        if job.trial_id in self._stops:
            return False
        if self._limits.target_reached():
            self._stops[job.trial_id] = "paused"
        elif self._stopper and self._stopper.should_stop(*self._state.curves(job.trial_id)):
            self._stops[job.trial_id] = "ended"
        return job.trial_id not in self._stops

    def _finish(self, result: Result) -> None:
        trial_id = result.job.trial_id
        del self._running[trial_id]
        why = self._stops.pop(trial_id, "paused")
        status = why if result.status == "stopped" else result.status
        if status == "completed" and result.job.stop < self._state.tasks[trial_id].stop:
            status = "paused"  # cut short by the budget of epochs
        self._emit(result_event(result, status))
        console.line(trial_line(self._state.trials, trial_id, result, status, self._objectives))
        self._tidy()

    def _tidy(self) -> None:
        """Deletes the checkpoints of trials that have lost."""
        needed = self._scheduler.may_continue(self._state.views(), self._objectives)
        self._checkpoints.tidy(self._state.trials, needed, self._state.tasks, self._objectives)

    def _seconds(self) -> float:
        return self._used_before + time.monotonic() - self._started

    def _stop_reason(self) -> str:
        if reason := self._limits.reason(self._seconds()):
            return reason
        if self._checkpoints.full:
            return "disk budget used up"
        if self._exhausted:
            return "space exhausted"
        more = self._scheduler.next(self._state.views(), self._objectives)
        return "schedule complete" if isinstance(more, Done) else "trial budget used up"

    def _best(self) -> tuple[Trial, tuple[Trial, ...]]:
        """Returns the best trial, and the front, of those that have a checkpoint."""
        known = [trial for trial in self._state.trials if trial.current and not trial.failed]
        done = [trial for trial in known if self._checkpoints.has(trial)]
        if not done:
            first = next((trial.error for trial in self._state.trials if trial.error), None)
            why = first.strip().splitlines()[-1] if first else "the budget was over before its first epoch ended"
            raise SearchError(f"None of {len(self._state.trials)} trials came to a result: {why}")
        outcomes = [trial.current for trial in done if trial.current]
        best = done[self._objectives.best(outcomes)]
        front = tuple(done[number] for number in self._objectives.front(outcomes))
        return best, front or (best,)
