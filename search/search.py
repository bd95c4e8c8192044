"""The search itself: sampler × scheduler × objective, remembered in a ledger, executed by a runner."""

import json
import time
from dataclasses import replace
from pathlib import Path

from tfx_automl import console
from tfx_automl.errors import SearchError
from tfx_automl.search.job import Job, Result
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objective
from tfx_automl.search.runner import TrialRunner
from tfx_automl.search.sampler import Sampler
from tfx_automl.search.scheduler import Continue, Scheduler, Start, TrialView
from tfx_automl.search.trial import SearchResult, Trial, result_from, result_record

_FAILURES_ALLOWED = 10


class Search:
    """Runs trials until the schedule is complete (with what there is, if the space is exhausted), or the time over.

    Args:
        sampler: What to try.
        scheduler: Which trial trains next, and how far.
        objective: What is better.
        runner: What executes jobs.
        ledger: What remembers.
        folder: For the checkpoints.
        seed: Where all randomness starts.
        time_budget_s: The longest time in seconds; None is no limit.
    """

    def __init__(
        self,
        sampler: Sampler,
        scheduler: Scheduler,
        objective: Objective,
        runner: TrialRunner,
        ledger: Ledger,
        folder: Path,
        seed: int = 0,
        time_budget_s: float | None = None,
    ) -> None:
        self._sampler, self._scheduler, self._objective = sampler, scheduler, objective
        self._runner, self._ledger, self._folder, self._seed = runner, ledger, folder, seed
        self._deadline = None if time_budget_s is None else time.time() + time_budget_s
        self._trials: list[Trial] = []
        self._running: dict[int, int] = {}
        self._exhausted = False
        self._first_epochs: dict[int, int] = {}
        self._unfinished: list[int] = []  # proposed by an interrupted run, but without a first result

    def run(self) -> SearchResult:
        """Runs the search to its end.

        Raises:
            SearchError: No trial came to a result; the message has the last line of the first failure.
        """
        started, busy = time.monotonic(), 0.0
        for line in self._scheduler.describe():
            console.line(f"  {line}")
        self._replay()
        while True:
            self._fill()
            if not self._running:
                break
            result = self._runner.wait()
            busy += result.seconds
            self._finish(result)
        seconds = time.monotonic() - started
        share = busy / (seconds * self._runner.workers) if seconds > 0 else 0.0
        return SearchResult(tuple(self._trials), self._best(), self._stop_reason(), seconds, min(1.0, share))

    def _fill(self) -> None:
        """Gives every free worker something to do."""
        while self._runner.free and not self._time_is_over() and not self._hopeless():
            if self._unfinished:
                trial_id = self._unfinished.pop(0)
                self._submit(self._trials[trial_id], self._first_epochs[trial_id])
                continue
            views = [self._view(trial) for trial in self._trials]
            decision = self._scheduler.next(views, self._objective, may_start=not self._exhausted)
            if isinstance(decision, Start) and not self._exhausted:
                self._start(decision)  # if there is nothing left to start, the schedule is asked again without
            elif isinstance(decision, Continue):
                self._submit(self._trials[decision.trial_id], decision.epochs)
            else:
                return

    def _start(self, decision: Start) -> None:
        """Starts a trial, or finds out that the space is exhausted."""
        point = self._sampler.propose([trial.values for trial in self._trials])
        if point is None:
            self._exhausted = True
            return
        trial_id = len(self._trials)
        trial = Trial(trial_id, decision.bracket, point, str(self._folder / f"trial-{trial_id:04d}"))
        until = {"epochs": decision.epochs}
        self._ledger.append(
            {"event": "proposal", "trial_id": trial_id, "bracket": trial.bracket, "values": point, **until}
        )
        self._trials.append(trial)
        self._submit(trial, decision.epochs)

    def _submit(self, trial: Trial, epochs: int) -> None:
        self._running[trial.trial_id] = epochs
        seed = self._seed * 1_000_003 + trial.trial_id
        start = max(trial.rungs, default=0)
        self._runner.submit(Job(trial.trial_id, trial.values, start, epochs, seed, trial.checkpoint, self._deadline))

    def _finish(self, result: Result) -> None:
        self._ledger.append(result_record(result))
        trial = self._record(result)
        del self._running[trial.trial_id]
        console.line(self._line(trial, result))

    def _record(self, result: Result) -> Trial:
        """Adds a job's result to its trial."""
        trial = self._trials[result.job.trial_id]
        curve = (*trial.curve[: result.job.start], *result.curve)
        error = result.error
        score = self._objective.score(curve[-1].metrics) if curve and error is None else None
        status = result.status
        if score is not None and self._objective.key(score) == float("inf"):
            status, error, score = "failed", f"The objective {self._objective.metric} became NaN.", None
        rungs, ties = dict(trial.rungs), dict(trial.tie_breakers)
        if status == "completed" and score is not None:
            rungs[result.job.stop] = score
            ties[result.job.stop] = self._objective.tie_breaker(curve[-1].metrics)
        trial = replace(
            trial,
            status=status,
            score=score,
            curve=curve,
            seconds=trial.seconds + result.seconds,
            workers=(*trial.workers, result.worker),
            error=error,
            rungs=rungs,
            tie_breakers=ties,
        )
        self._trials[trial.trial_id] = trial
        return trial

    def _view(self, trial: Trial) -> TrialView:
        running = self._running.get(trial.trial_id)
        failed = trial.status == "failed"
        return TrialView(trial.trial_id, trial.bracket, trial.rungs, running, failed, trial.tie_breakers)

    def _replay(self) -> None:
        """Takes over what an earlier run of the same search had finished; jobs that it had not are run again."""
        for record in self._ledger.records:
            if record["event"] == "proposal":
                trial_id = record["trial_id"]
                self._first_epochs[trial_id] = record["epochs"]
                folder = str(self._folder / f"trial-{trial_id:04d}")
                self._trials.append(Trial(trial_id, record["bracket"], record["values"], folder))
            elif record["event"] == "result" and record["status"] != "stopped":
                self._record(result_from(record, self._trials[record["trial_id"]]))
        if self._trials:
            console.line(f"  continues a search that was interrupted: {len(self._trials)} trials are known")
        self._unfinished = [t.trial_id for t in self._trials if not t.rungs and t.status != "failed"]

    def _time_is_over(self) -> bool:
        return self._deadline is not None and time.time() > self._deadline

    def _hopeless(self) -> bool:
        """A failed trial is replaced, but not for ever."""
        failed = sum(trial.status == "failed" for trial in self._trials)
        return failed >= _FAILURES_ALLOWED + 2 * (len(self._trials) - failed - len(self._running))

    def _stop_reason(self) -> str:
        if self._hopeless():
            return "too many trials failed"
        if self._time_is_over():
            return "time budget used up"
        return "space exhausted" if self._exhausted else "schedule complete"

    def _best(self) -> Trial:
        """Returns the best trial among those that trained longest to a checkpoint."""
        done = [trial for trial in self._trials if trial.rungs and trial.status != "failed"]
        if not done:
            first = next((trial.error for trial in self._trials if trial.error), None)
            why = first.strip().splitlines()[-1] if first else "the time was over before the first one ended"
            raise SearchError(f"None of {len(self._trials)} trials came to a result: {why}")
        return min(done, key=lambda trial: self._view(trial).rank(max(trial.rungs), self._objective))

    def _line(self, trial: Trial, result: Result) -> str:
        epochs = f"{result.job.start}→{result.job.stop}" if result.job.start else f"{result.job.stop}"
        head = f"  trial {trial.trial_id}  bracket {trial.bracket}  epochs {epochs}"
        if trial.status == "failed":
            return f"{head}  failed: {(trial.error or '').strip().splitlines()[-1]}"
        scored = [t for t in self._trials if t.score is not None and t.status != "failed"]
        best = min(scored, key=lambda t: self._objective.key(t.score))
        score = f"{self._objective.metric} {trial.score:.4f} (best {best.score:.4f})"
        shown = {name: value for name, value in trial.values.items() if name != "family"}
        values = " ".join(f"{k}={f'{v:.3g}' if isinstance(v, float) else v}" for k, v in shown.items())
        return f"{head}  {score}  {values}  {result.seconds:.1f} s"


def content_key(**parts: object) -> str:
    """Returns a text that identifies a search: data, space, objective, schedule, version."""
    return json.dumps(parts, sort_keys=True, default=str)
