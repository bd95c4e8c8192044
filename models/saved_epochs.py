"""Checkpoints of a training: the last epoch and the best one, so that a killed run goes on from there."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from tfx_automl.models.model import InTraining

_PREFIX = "epoch-"
_UNFINISHED = "unfinished"


class SavedEpochs:
    """Whole checkpoints of epochs, one folder each; what is not whole counts as absent.

    Args:
        folder: For them alone.
        writes: Whether this process saves; of several that train one model together, one does, and all read.
    """

    def __init__(self, folder: Path, writes: bool = True) -> None:
        self._folder, self._writes = folder, writes

    @property
    def last(self) -> int | None:
        """The latest epoch that was saved; None if there is none."""
        return max(self._epochs(), default=None)

    def save(self, model: InTraining, best: int | None) -> None:
        """Saves a model as it is, and then deletes all but this epoch and the best.

        Args:
            model: The model.
            best: The best epoch so far; None if only the last one counts.
        """
        if not self._writes:
            return
        unfinished = self._folder / _UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
        model.save(unfinished)
        # Nothing but a folder's name says whether it is whole, whatever files a family writes.
        shutil.rmtree(self._path(model.epoch), ignore_errors=True)
        os.replace(unfinished, self._path(model.epoch))
        self._keep({model.epoch, best})

    def load(self, model: InTraining, epoch: int) -> None:
        """Puts a model into the state that it was saved in after an epoch."""
        model.load(self._path(epoch))

    def _keep(self, epochs: Collection[int | None]) -> None:
        for epoch in self._epochs():
            if epoch not in epochs:
                shutil.rmtree(self._path(epoch))

    def _epochs(self) -> list[int]:
        names = [path.name.removeprefix(_PREFIX) for path in self._folder.glob(f"{_PREFIX}*")]
        return [int(name) for name in names if name.isdecimal()]

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{_PREFIX}{epoch}"
