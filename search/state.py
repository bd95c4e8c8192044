"""What a search knows: a pure function of the events in its ledger, whether they are replayed or just happen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfx_automl.search.job import EpochRecord, Job, Result
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.trial import Trial, TrialView

Event = Mapping[str, Any]

_SEED_STRIDE = 1_000_003  # a prime far above any number of trials, so that searches do not share seeds


@dataclass(frozen=True)
class Task:
    """A job that was decided on and has not come to its end yet; a search that was killed takes it up again.

    Attributes:
        level: Level of the resource that it finishes.
        stop: Epochs to reach.
        lost_at: Epochs that were done when a worker was last lost; -1 before that.
    """

    level: int
    stop: int
    lost_at: int = -1


class SearchState:
    """Applies events; knows nothing of runners, clocks and files.

    Args:
        objectives: What trials are judged by.
        folder: For the checkpoints.
        seed: Where all randomness starts.

    Attributes:
        trials: In the order of the proposals.
        tasks: What trials have still to do, by trial.
        seconds: Wall time used so far, over all runs.
    """

    def __init__(self, objectives: Objectives, folder: Path, seed: int) -> None:
        self._objectives, self._folder, self._seed = objectives, folder, seed
        self.trials: list[Trial] = []
        self.tasks: dict[int, Task] = {}
        self.seconds = 0.0

    @property
    def epochs(self) -> int:
        """Epochs of all trials."""
        return sum(trial.epochs for trial in self.trials)

    def views(self) -> list[TrialView]:
        """Returns what samplers and schedulers may know."""
        levels = {trial_id: task.level for trial_id, task in self.tasks.items()}
        return [trial.view(levels.get(trial.trial_id)) for trial in self.trials]

    def curves(self, trial_id: int) -> tuple[list[float], list[list[float]]]:
        """Returns the losses of a trial after each epoch, and those of all others that did not fail."""
        goal = self._objectives.first
        curves = {
            trial.trial_id: [goal.key(goal.score(record.metrics)) for record in trial.curve]
            for trial in self.trials
            if not trial.failed
        }
        return curves.pop(trial_id), list(curves.values())

    def job(self, trial_id: int, deadline: float | None) -> Job:
        """Returns the job that does what a trial has still to do."""
        trial, task = self.trials[trial_id], self.tasks[trial_id]
        return Job(
            trial_id, trial.values, trial.epochs, task.stop, trial.seed, trial.checkpoint, trial.stages, deadline
        )

    def apply(self, event: Event) -> None:
        """Takes over what happened."""
        self.seconds = max(self.seconds, event.get("t", 0.0))
        handle = {
            "proposal": self._proposal,
            "job": self._job,
            "epoch": self._epoch,
            "result": self._result,
            "carried": self._carried,
        }.get(event["event"])
        if handle:
            handle(event)

    def _proposal(self, event: Event) -> None:
        number = len(self.trials)
        values: Point = dict(event["values"])
        seed = self._seed * _SEED_STRIDE + number
        self.trials.append(Trial(number, event["bracket"], values, seed, str(self._folder / f"trial-{number:04d}")))
        self._job(event)

    def _job(self, event: Event) -> None:
        self.tasks[event["trial_id"]] = Task(event["level"], event["stop"])
        stages = self.trials[event["trial_id"]].stages
        self._change(event, status="running", stages=(*stages, (event["stop"], event["rows"])))

    def _epoch(self, event: Event) -> None:
        record = EpochRecord(event["epoch"], event["metrics"], event["seconds"])
        curve = self.trials[event["trial_id"]].curve
        current = self._objectives.outcome(record.metrics)
        self._change(event, curve=(*curve[: record.epoch - 1], record), current=current)

    def _result(self, event: Event) -> None:
        trial = self.trials[event["trial_id"]]
        workers = trial.workers if event["worker"] is None else (*trial.workers, event["worker"])
        self._change(event, seconds=trial.seconds + event["seconds"], workers=workers)
        if event["status"] in ("completed", "ended"):
            self._finished(event)
        elif event["status"] == "lost":
            self._lost(event)
        elif event["status"] == "failed":
            self._fail(event, event["error"])
        else:
            self._change(event, status="paused")

    def _finished(self, event: Event) -> None:
        task, trial = self.tasks.pop(event["trial_id"]), self.trials[event["trial_id"]]
        if trial.current is None:
            names = ", ".join(goal.metric for goal in self._objectives.goals)
            self._fail(event, f"The objective {names} became NaN in epoch {trial.epochs}.")
            return
        self._change(event, status=event["status"], outcomes={**trial.outcomes, task.level: trial.current})

    def _lost(self, event: Event) -> None:
        """Its worker was lost: one more try from the last checkpoint; failed if it is lost there again."""
        trial_id = event["trial_id"]
        task, done = self.tasks[trial_id], self.trials[trial_id].epochs
        if task.lost_at == done:
            self._fail(event, event["error"])
        else:
            self.tasks[trial_id] = replace(task, lost_at=done)

    def _fail(self, event: Event, error: str) -> None:
        self.tasks.pop(event["trial_id"], None)
        self._change(event, status="failed", error=error)

    def _carried(self, event: Event) -> None:
        """A trial that a stopper ended takes its place at a higher level as it is."""
        trial = self.trials[event["trial_id"]]
        if trial.current:
            self._change(event, outcomes={**trial.outcomes, event["level"]: trial.current})

    def _change(self, event: Event, **changes: Any) -> None:
        number = event["trial_id"]
        self.trials[number] = replace(self.trials[number], **changes)


def epoch_event(trial_id: int, record: EpochRecord) -> dict[str, Any]:
    """Returns the ledger record of an epoch."""
    metrics = {name: float(value) for name, value in record.metrics.items()}
    return {
        "event": "epoch",
        "trial_id": trial_id,
        "epoch": record.epoch,
        "metrics": metrics,
        "seconds": round(record.seconds, 6),
    }


def result_event(result: Result, status: str) -> dict[str, Any]:
    """Returns the ledger record of a result.

    Args:
        result: What the runner returned.
        status: `completed`, `ended` (by a stopper), `paused` (by a budget), `lost` or `failed`.
    """
    return {
        "event": "result",
        "trial_id": result.job.trial_id,
        "status": status,
        "error": result.error,
        "seconds": round(result.seconds, 6),
        "worker": result.worker,
    }
