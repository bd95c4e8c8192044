"""Which checkpoints stay on the disk."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from tfx_automl import console
from tfx_automl.search.objective import Objectives
from tfx_automl.search.trial import Trial

BEST_KEPT = 3


class Checkpoints:
    """Deletes the checkpoints of trials that have lost, and of the worst idle ones where the disk budget asks for it.

    The best few are always kept: the very best may become worse when it is trained on.

    Args:
        limit: The most bytes; None is no limit.
        best: How many of the best are kept.
        each: A hyperparameter, the best trial of each of whose values is kept, too; None keeps no others.

    Attributes:
        full: Whether the checkpoints that cannot be deleted are more than that.
    """

    def __init__(self, limit: int | None, best: int = BEST_KEPT, each: str | None = None) -> None:
        self._limit, self._best, self._each = limit, best, each
        self.full = False

    def has(self, trial: Trial) -> bool:
        """Tells whether a trial has a checkpoint."""
        return Path(trial.checkpoint).is_dir()

    def tidy(self, trials: Sequence[Trial], needed: Collection[int], running: Collection[int], by: Objectives) -> None:
        """Deletes what is not needed.

        Args:
            trials: All trials.
            needed: Trials that may still be sent on.
            running: Trials that are at work; theirs are never touched.
            by: What the best are told by.
        """
        present = [trial for trial in trials if trial.trial_id not in running and self.has(trial)]
        order = _worst_first(present, by)
        kept = [trial.trial_id for trial in order][-self._best :] + self._best_of_each(order)
        lost = [t for t in present if t.failed or t.trial_id not in {*needed, *kept, *_front(present, by)}]
        for trial in lost:
            shutil.rmtree(trial.checkpoint)
        if self._limit is not None:
            idle = [trial for trial in order if trial not in lost]
            self._fit(idle, sum(map(_size, (trial for trial in trials if self.has(trial)))), self._limit)

    def _best_of_each(self, worst_first: Sequence[Trial]) -> list[int]:
        if self._each is None:
            return []
        return list({trial.values.get(self._each): trial.trial_id for trial in worst_first}.values())

    def _fit(self, idle: Sequence[Trial], total: int, limit: int) -> None:
        """Deletes the worst idle ones, but never the best, until the rest fits."""
        for trial in idle[:-1]:
            if total <= limit:
                break
            total -= _size(trial)
            shutil.rmtree(trial.checkpoint)
            console.line(f"  disk budget: the checkpoint of trial {trial.trial_id} is deleted")
        self.full = total > limit


def _worst_first(trials: Sequence[Trial], objectives: Objectives) -> list[Trial]:
    scored = [trial for trial in trials if trial.current and not trial.failed]
    order = objectives.order([trial.current for trial in scored if trial.current])
    return [scored[n] for n in reversed(order)]


def _front(trials: Sequence[Trial], objectives: Objectives) -> set[int]:
    if len(objectives.goals) == 1:
        return set()
    scored = [trial for trial in trials if trial.current and not trial.failed]
    front = objectives.front([trial.current for trial in scored if trial.current])
    return {scored[number].trial_id for number in front}


def _size(trial: Trial) -> int:
    return sum(path.stat().st_size for path in Path(trial.checkpoint).rglob("*") if path.is_file())
