"""Trials: what a search knows about each, and how results are written to and read from a ledger."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tfx_automl.search.job import EpochRecord, Job, Result
from tfx_automl.search.parameters import Point


@dataclass(frozen=True)
class Trial:
    """Everything about one trial.

    Attributes:
        trial_id: Counts from 0, in the order of the proposals.
        bracket: Index of its bracket.
        values: Its hyperparameters.
        status: `completed` (it reached the rungs it was sent to), `stopped` by the time budget, or `failed`.
        score: The objective at its last epoch; None without one.
        curve: All its epochs.
        seconds: Wall time of its jobs.
        workers: The worker of each of its jobs.
        error: The traceback if it failed.
        rungs: The score at the end of each finished rung, by epochs.
        tie_breakers: What decides between equal scores at each finished rung, by epochs.
        checkpoint: Folder of its weights and optimizer state.
    """

    trial_id: int
    bracket: int
    values: Point
    checkpoint: str
    status: str = "completed"
    score: float | None = None
    curve: tuple[EpochRecord, ...] = ()
    seconds: float = 0.0
    workers: tuple[int, ...] = ()
    error: str | None = None
    rungs: Mapping[int, float] = field(default_factory=dict)
    tie_breakers: Mapping[int, float] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.curve)

    def to_json(self) -> dict[str, Any]:
        """Returns the trial as JSON-able values."""
        values = asdict(replace(self, curve=()))
        return {
            **values,
            "curve": [{"epoch": r.epoch, "seconds": round(r.seconds, 4), **r.metrics} for r in self.curve],
            "rungs": {str(epochs): score for epochs, score in self.rungs.items()},
            "tie_breakers": {str(epochs): value for epochs, value in self.tie_breakers.items()},
            "epochs": self.epochs,
        }


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        trials: All trials, failed ones too, in the order of the proposals.
        best: The best trial that has a checkpoint.
        stop_reason: Why it ended: `schedule complete`, `time budget used up`, `space exhausted` or `too many trials
            failed`.
        seconds: Wall time.
        utilisation: Share of the workers' time that was spent on jobs, 0 to 1.
    """

    trials: tuple[Trial, ...]
    best: Trial
    stop_reason: str
    seconds: float
    utilisation: float

    @property
    def total_epochs(self) -> int:
        """Epochs of all trials."""
        return sum(trial.epochs for trial in self.trials)


def result_record(result: Result) -> dict[str, Any]:
    """Returns the ledger record of a result."""
    curve = [{"epoch": r.epoch, "metrics": dict(r.metrics), "seconds": r.seconds} for r in result.curve]
    return {
        "event": "result",
        "trial_id": result.job.trial_id,
        "start": result.job.start,
        "stop": result.job.stop,
        "status": result.status,
        "curve": curve,
        "error": result.error,
        "seconds": result.seconds,
        "worker": result.worker,
    }


def result_from(record: Mapping[str, Any], trial: Trial) -> Result:
    """Returns the result that a ledger record tells of a trial."""
    job = Job(trial.trial_id, trial.values, record["start"], record["stop"], 0, trial.checkpoint)
    curve = tuple(EpochRecord(r["epoch"], r["metrics"], r["seconds"]) for r in record["curve"])
    return Result(job, record["status"], curve, record["error"], record["seconds"], record["worker"])
