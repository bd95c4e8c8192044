"""The state of a stock search in one file."""

import collections
import io
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx_automl import console
from tfx_automl.errors import SearchError


@dataclass
class TrialRecord:
    """What KerasTuner does not remember of a trial; of the last attempt, if there were several.

    Attributes:
        worker: Number of the worker that ran it; None for one that the user's tuner brought with it.
        seed: Where its randomness started; None likewise.
        curve: An entry per epoch: `epoch` (from 1), `seconds`, and its metrics.
        seconds: Wall time; 0 while it runs.
    """

    worker: int | None = None
    seed: int | None = None
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


class Snapshot:
    """An oracle and the records of its trials, saved after every change, so that a killed search can go on.

    KerasTuner saves an oracle in many files, one after another, so that a run may be killed between two of them and
    find a finished trial unfinished; and not all of it, so that its GridSearch ends at once when it goes on. This is
    all of it, in one file that is replaced in one step.

    Args:
        path: The file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._impossible = False

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self._path.exists()

    def save(self, oracle: Any, records: Mapping[str, TrialRecord]) -> None:
        """Replaces what was saved before."""
        if self._impossible:
            return
        buffer = io.BytesIO()
        try:
            _Pickler(buffer).dump((oracle, dict(records)))
        except (pickle.PicklingError, TypeError, AttributeError) as error:  # an oracle of the user's own
            console.line(f"  {type(oracle).__name__} cannot be saved ({error}); if killed, the search starts anew")
            self._impossible = True
            return
        temporary = self._path.with_name(f"{self._path.name}.tmp")
        with temporary.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._path)

    def load(self) -> tuple[Any, dict[str, TrialRecord]]:
        """Returns what was saved last.

        Raises:
            SearchError: It has an object of a class that is not there any more.
        """
        try:
            with self._path.open("rb") as file:
                oracle, records = pickle.load(file)
        except (ImportError, AttributeError) as error:
            raise SearchError(
                f"The interrupted search cannot go on: {error}. Delete {self._path} to start anew."
            ) from error
        return oracle, records


class _Pickler(pickle.Pickler):
    """Also takes `defaultdict(lambda: constant)`, of which an oracle has several."""

    def reducer_override(self, value: Any) -> Any:
        factory = value.default_factory if isinstance(value, collections.defaultdict) else None
        if factory is not None and getattr(factory, "__name__", "") == "<lambda>":
            return _constant_default, (factory(),), None, None, iter(value.items())
        return NotImplemented


def _constant_default(constant: Any) -> "collections.defaultdict[Any, Any]":
    return collections.defaultdict(lambda: constant)
