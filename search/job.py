"""Jobs: what a runner executes, and what comes back."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from tfx_automl.search.parameters import Point

Status = Literal["completed", "stopped", "failed", "lost"]


@dataclass(frozen=True)
class Job:
    """A trial to be trained from one epoch to another.

    Attributes:
        trial_id: Which trial.
        values: Its hyperparameters.
        start: Epochs that are known to be done; above 0 means to continue from the checkpoint, which may be ahead.
        stop: Epochs to reach.
        seed: Where the trial's randomness starts.
        checkpoint: Folder of the trial's checkpoint, to load from and to save into.
        stages: How the trial was and is to be trained: up to which epoch on which share of the training rows, the last
            one up to `stop`.
        deadline: Time (seconds since 1970) after which no further epoch begins; None is no limit.
    """

    trial_id: int
    values: Point
    start: int
    stop: int
    seed: int
    checkpoint: str
    stages: tuple[tuple[int, float], ...] = ()
    deadline: float | None = None

    def rows_at(self, epoch: int) -> float:
        """Returns the share of the training rows for an epoch, above 0 and up to 1."""
        return next((rows for last, rows in self.stages if epoch <= last), 1.0)

    def until(self, stop: int) -> "Job":
        """Returns the same job with another end."""
        return replace(self, stop=stop)


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


# Told of every epoch; answers whether to go on.
Tell = Callable[[Job, EpochRecord], bool]


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Attributes:
        job: The job.
        status: `completed`; `stopped` at an epoch before its last, because it was told to or the deadline was reached;
            `failed`; or `lost` together with its worker.
        error: The traceback of a failed job, or how its worker was lost; else None.
        seconds: Wall time of the job.
        worker: Which worker ran it, such as `0`.
    """

    job: Job
    status: Status
    error: str | None
    seconds: float
    worker: str


class StopTraining(Exception):  # noqa: N818  # no error: how a trainable is made to stop
    """Raised inside a trainable, by `report`, to end a job before its last epoch; its checkpoint stays."""


class Trainable(Protocol):
    """What a worker keeps: data, compiled graphs, live trials."""

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Trains a trial.

        Starts from the checkpoint if `job.start` is above 0, and from nothing else. Saves a checkpoint after every
        epoch, and only then reports it; a checkpoint that is ahead of `job.start` has epochs that were saved but never
        reported, so their records are kept in it, and reported first.

        Args:
            job: What to train, and how far.
            report: To be called once per epoch, in order; may raise `StopTraining`, which must be let through.

        Raises:
            Exception: The trial failed.
        """


def run_job(trainable: Trainable, job: Job, worker: str, tell: Tell) -> Result:
    """Runs one job and turns whatever happens in the trainable into a result; what `tell` raises is raised."""
    troubles: list[Exception] = []

    def report(record: EpochRecord) -> None:
        try:
            go_on = tell(job, record)
        except Exception as error:
            troubles.append(error)  # no fault of the trial
            raise StopTraining from error
        late = job.deadline is not None and time.time() > job.deadline
        if record.epoch < job.stop and (late or not go_on):
            raise StopTraining

    started = time.monotonic()
    status: Status = "completed"
    error = None
    try:
        trainable.run(job, report)
    except StopTraining:
        status = "stopped"
    except Exception:  # a trial may fail in any way; it is recorded, and the search goes on
        status, error = "failed", traceback.format_exc()
    if troubles:
        raise troubles[0]
    return Result(job, status, error, time.monotonic() - started, worker)
