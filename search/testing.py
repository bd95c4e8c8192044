"""Toy problems with a known optimum: for tests of strategies, and for trying one's own."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from tfx_automl.search.job import EpochRecord, Job
from tfx_automl.search.parameters import Boolean, Choice, Condition, Float, Int
from tfx_automl.search.space import Space

SPACE = Space(
    (
        Float("x", -5.0, 5.0),
        Int("units", 32, 512, step=32),
        Choice("kind", ("plain", "deep")),
        Int("depth", 1, 4, conditions=(Condition("kind", ("deep",)),)),
        Boolean("flag"),
    )
)


class Valley:
    """A loss that falls towards (x - 1)² with every epoch; continues from its checkpoint, and can be made to misbehave.

    Args:
        fail_ids: Trials that raise.
        kill_ids: Trials that end their whole process, once.
        seconds: How long an epoch takes.
    """

    def __init__(self, fail_ids: tuple[int, ...] = (), kill_ids: tuple[int, ...] = (), seconds: float = 0.0) -> None:
        self._fail_ids, self._kill_ids, self._seconds = fail_ids, kill_ids, seconds

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Trains from `job.start` to `job.stop`."""
        folder = Path(job.checkpoint)
        folder.mkdir(parents=True, exist_ok=True)
        state = folder / "state.json"
        done = json.loads(state.read_text())["epoch"] if job.start else 0
        if done != job.start:
            raise ValueError(f"The checkpoint is at epoch {done}, the job starts at {job.start}.")
        self._misbehave(job)
        for epoch in range(job.start + 1, job.stop + 1):
            time.sleep(self._seconds)
            loss = (float(job.values["x"]) - 1.0) ** 2 + 1.0 / epoch
            report(EpochRecord(epoch, {"val_loss": loss}, self._seconds))
        state.write_text(json.dumps({"epoch": job.stop}))

    def _misbehave(self, job: Job) -> None:
        if job.trial_id in self._fail_ids:
            raise ValueError(f"trial {job.trial_id} is meant to fail")
        if job.trial_id in self._kill_ids:
            os._exit(7)


def make_valley(**arguments: object) -> Valley:
    """Makes the problem inside a worker."""
    return Valley(**arguments)  # type: ignore[arg-type]  # arrives as JSON-like values


def make_broken() -> Valley:
    """Fails, as a trainable whose data cannot be opened would."""
    raise RuntimeError("the data is not there")
