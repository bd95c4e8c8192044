"""Several trainings of the same network that share one compiled graph, and take turns in it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays
from tfx_automl.models.model import Graph, Workplace
from tfx_automl.models.training import Parked, Session
from tfx_automl.search.job import EpochRecord


class Turn:
    """One of several trainings; before it does anything, its weights are put into the network that all share.

    Compiling a graph takes longer than an epoch on few rows; putting weights in takes milliseconds.

    Args:
        session: The network.
        table: Whose turn it is, the same for all that share it.
        parked: Where this training stands.
        alone: Starts the same training with a network of its own.
    """

    def __init__(
        self, session: Session, table: "dict[str, Turn]", parked: Parked, alone: Callable[[Workplace], Session]
    ) -> None:
        self._session, self._table, self._parked, self._alone = session, table, parked, alone

    def _mine(self) -> Session:
        before = self._table.get("turn")
        if before is not self:
            if before is not None:
                before._parked = self._session.park()
            self._session.unpark(self._parked)
            self._table["turn"] = self
        return self._session

    @property
    def records(self) -> list[EpochRecord]:
        """One for every epoch that was trained."""
        return self._session.records if self._table.get("turn") is self else self._parked.records

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.records)

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch, and evaluates."""
        return self._mine().train_epoch(rows)

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the predictions of the eval split."""
        return self._mine().validation()

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets."""
        return self._mine().predict(arrays)

    def graph(self) -> Graph:
        """Returns the network as TensorFlow operations, on weights of its own."""
        session = self._mine()
        alone = self._alone(self._parked.workplace)
        alone.restore(session.snapshot())
        return alone.graph()

    def snapshot(self) -> Any:
        """Returns a copy of the network's weights."""
        return self._mine().snapshot()

    def restore(self, snapshot: Any) -> None:
        """Puts back what `snapshot` returned."""
        self._mine().restore(snapshot)

    def save(self, folder: Path) -> None:
        """Saves everything that training goes on from."""
        self._mine().save(folder)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote."""
        self._mine().load(folder)


def take_turns(first: Session, workplaces: Sequence[Workplace], alone: Callable[[Workplace], Session]) -> list[Turn]:
    """Returns a training for each workplace; all begin with the same weights.

    Args:
        first: The untrained network.
        workplaces: Data of one form: the graph is the same for all.
        alone: Starts such a training with a network of its own.
    """
    start, table = first.park(), dict[str, Turn]()
    copies = (Parked(place, [], [value.copy() for value in start.values]) for place in workplaces)
    return [Turn(first, table, parked, alone) for parked in copies]
