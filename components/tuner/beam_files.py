"""What jobs of a Beam step leave for the search: portable runners return nothing, so it goes through shared files."""

import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tfx_automl.errors import SearchError
from tfx_automl.search.job import EpochRecord, Job, Result


class WaveIsOver(SearchError):  # noqa: N818  # to a job, it is the news that nobody waits any more
    """The folder of a wave cannot be found where a job runs."""


@dataclass(frozen=True)
class JobReport:
    """What is known of a job after its wave.

    Attributes:
        worker: What ran it; None if it never began.
        epochs: In order.
        result: How it ended; None if nothing says so.
        refusal: Why its worker cannot work at all; None if it can.
    """

    worker: str | None = None
    epochs: tuple[EpochRecord, ...] = ()
    result: Result | None = None
    refusal: str | None = None


class Wave:
    """The folder of one wave. Closing it also ends jobs of the wave that still run: they find nowhere to write.

    Args:
        folder: Of the search; on a file system that all workers share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"wave-{uuid.uuid4().hex}"
        self.folder.mkdir(parents=True)

    def report(self, job: Job) -> JobReport:
        """Returns what a job left, of the attempt that got furthest."""
        name = _name(job)
        finished = self.folder / f"{name}.jsonl"
        files = [finished] if finished.exists() else sorted(self.folder.glob(f"{name}.*.part"))
        reports = [_read(file, job) for file in files]
        return max(reports, key=lambda report: len(report.epochs), default=JobReport())

    def close(self) -> None:
        """Removes the folder, in one step as far as the jobs can see."""
        remove_wave(self.folder)


def remove_waves(folder: Path) -> None:
    """Removes the waves of a search that was killed, which ends jobs of theirs that still run."""
    for wave in folder.glob("wave-*"):
        remove_wave(wave)


def remove_wave(wave: Path) -> None:
    """Removes the folder of a wave."""
    over = wave.with_name(f"over-{wave.name}")
    os.replace(wave, over)
    shutil.rmtree(over, ignore_errors=True)  # a file server may hold on to a file that a lost worker has open


class JobLog:
    """Writes what happens in one attempt at a job; a line at a time, and its name changes when it is complete.

    Beam may try an element again while the first attempt is still alive somewhere, so each has a file of its own.

    Args:
        wave: Folder of the wave.
        job: The job.
        worker: What runs it.

    Raises:
        WaveIsOver: The folder is not there; also from every method.
    """

    def __init__(self, wave: Path, job: Job, worker: str) -> None:
        self._final = wave / f"{_name(job)}.jsonl"
        self._part = wave / f"{_name(job)}.{uuid.uuid4().hex}.part"
        self._worker = worker
        self._append("worker", worker)

    @property
    def finished(self) -> bool:
        """Whether another attempt has come to the end of the job."""
        return self._final.exists()

    def epoch(self, record: EpochRecord) -> None:
        """Notes an epoch."""
        metrics = {name: float(value) for name, value in record.metrics.items()}
        self._append("epoch", {"epoch": record.epoch, "metrics": metrics, "seconds": record.seconds})

    def finish(self, result: Result) -> None:
        """Notes how the job ended."""
        self._end("result", {name: value for name, value in asdict(result).items() if name != "job"})

    def refuse(self, why: str) -> None:
        """Notes that the worker cannot work at all."""
        self._end("refusal", why)

    def _end(self, kind: str, value: object) -> None:
        self._append(kind, value)
        os.replace(self._part, self._final)

    def _append(self, kind: str, value: object) -> None:
        # Opened each time: what is closed is on the file server, and a wave that was removed is noticed.
        try:
            with self._part.open("a", encoding="utf-8") as file:
                file.write(json.dumps({kind: value}) + "\n")
        except FileNotFoundError as error:
            raise WaveIsOver(
                f"The Beam worker {self._worker} found no folder {self._part.parent}: either the search no longer waits"
                " for this job, or the folder of the search is on no file system that the workers share; give it one"
                " that is mounted at the same path on all of them."
            ) from error


def _name(job: Job) -> str:
    return f"trial-{job.trial_id:04d}"


def _read(file: Path, job: Job) -> JobReport:
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]  # what follows the last newline was torn off
    events = [json.loads(line) for line in lines]
    found: dict[str, Any] = {kind: value for event in events for kind, value in event.items()}
    epochs = tuple(EpochRecord(**event["epoch"]) for event in events if "epoch" in event)
    result = Result(job=job, **found["result"]) if "result" in found else None
    return JobReport(found.get("worker"), epochs, result, found.get("refusal"))
