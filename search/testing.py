"""Toy problems with a known optimum: for tests of strategies, and for trying one's own."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tfx_automl.files import write_in_one_step
from tfx_automl.search.job import EpochRecord, Job
from tfx_automl.search.parameters import Boolean, Choice, Condition, Float, Int, Value
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
        kill_ids: Trials that end their whole process at the beginning of a job.
        kill_once: Trials that end their whole process in the middle of their second epoch, once.
        seconds: How long an epoch takes.
        megabytes: Memory that trials take and keep.
        log: A file with a line for every epoch that was really trained.
    """

    def __init__(
        self,
        fail_ids: tuple[int, ...] = (),
        kill_ids: tuple[int, ...] = (),
        kill_once: tuple[int, ...] = (),
        seconds: float = 0.0,
        megabytes: Mapping[str, int] | None = None,
        log: str | None = None,
    ) -> None:
        self._fail_ids, self._kill_ids, self._kill_once, self._seconds = fail_ids, kill_ids, kill_once, seconds
        self._megabytes, self._log = megabytes or {}, log

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Trains from `job.start` to `job.stop`."""
        folder = Path(job.checkpoint)
        folder.mkdir(parents=True, exist_ok=True)
        self._misbehave(job)
        state = folder / "state.json"
        # Losses by epoch, the first one first; without a checkpoint a trial begins anew.
        losses = json.loads(state.read_text(encoding="utf-8")) if job.start and state.exists() else []
        for epoch in range(1, job.stop + 1):
            if epoch > len(losses):
                losses.append(self._train(job, folder, epoch))
                write_in_one_step(state, json.dumps(losses))
            if epoch > job.start:
                metrics = {"val_loss": losses[epoch - 1], "parameters": float(job.values.get("units", 1))}
                report(EpochRecord(epoch, metrics, self._seconds))

    def loss(self, values: Mapping[str, Value], epoch: int, rows: float) -> float:
        """Returns the loss after an epoch."""
        return (float(values["x"]) - 1.0) ** 2 + 1.0 / epoch + (1.0 - rows)

    def _train(self, job: Job, folder: Path, epoch: int) -> float:
        time.sleep(self._seconds)
        if job.trial_id in self._kill_once and epoch == 2 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os._exit(7)
        if self._log:
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(f"{job.trial_id} {epoch}\n")
        return self.loss(job.values, epoch, job.rows_at(epoch))

    def _misbehave(self, job: Job) -> None:
        if job.trial_id in self._fail_ids:
            raise ValueError(f"trial {job.trial_id} is meant to fail")
        if job.trial_id in self._kill_ids:
            os._exit(7)
        hoard = bytearray(self._megabytes.get(str(job.trial_id), 0) * 2**20)
        hoard[::4096] = bytes([1]) * len(hoard[::4096])
        if hoard:
            time.sleep(5.0)  # long enough to be noticed


def make_valley(**arguments: Any) -> Valley:
    """Makes the problem inside a worker."""
    return Valley(**arguments)


def make_broken() -> Valley:
    """Fails, as a trainable whose data cannot be opened would."""
    raise RuntimeError("the data is not there")
