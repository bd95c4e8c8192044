"""Jobs: what a runner executes, and what comes back."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from tfx_automl.search.parameters import Point


@dataclass(frozen=True)
class Job:
    """A trial to be trained from one epoch to another.

    Attributes:
        trial_id: Which trial.
        values: Its hyperparameters.
        start: Epochs done before; above 0 means to continue from the checkpoint.
        stop: Epochs to reach.
        seed: Where the trial's randomness starts.
        checkpoint: Folder of the trial's checkpoint, to load from and to save into.
        deadline: Time (seconds since 1970) after which no further epoch begins; None is no limit.
    """

    trial_id: int
    values: Point
    start: int
    stop: int
    seed: int
    checkpoint: str
    deadline: float | None = None


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch gave.

    Attributes:
        epoch: Counts from 1, over all jobs of the trial.
        metrics: By name, such as `loss` and `val_auc`.
        seconds: Wall time of the epoch, evaluation included.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Attributes:
        job: The job.
        status: `completed`; `stopped` at the deadline, without a checkpoint; or `failed`.
        curve: Its epochs.
        error: The traceback of a failed job, else None.
        seconds: Wall time of the job.
        worker: Number of the worker that ran it.
    """

    job: Job
    status: Literal["completed", "stopped", "failed"]
    curve: tuple[EpochRecord, ...]
    error: str | None
    seconds: float
    worker: int


class DeadlineReachedError(Exception):
    """Raised inside a trainable, by `report`, to end a job whose time is over."""


class Trainable(Protocol):
    """What a worker keeps: data, compiled graphs, live trials."""

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Trains from `job.start` to `job.stop`, reports every epoch, and saves the checkpoint; raises on failure."""


def run_job(trainable: Trainable, job: Job, worker: int) -> Result:
    """Runs one job and turns whatever happens into a result."""
    curve: list[EpochRecord] = []

    def report(record: EpochRecord) -> None:
        curve.append(record)
        if job.deadline is not None and time.time() > job.deadline and record.epoch < job.stop:
            raise DeadlineReachedError

    started = time.monotonic()
    status: Literal["completed", "stopped", "failed"] = "completed"
    error = None
    try:
        trainable.run(job, report)
    except DeadlineReachedError:
        status = "stopped"
    except Exception:  # a trial may fail in any way; it is recorded, and the search goes on
        status, error = "failed", traceback.format_exc()
    return Result(job, status, tuple(curve), error, time.monotonic() - started, worker)
