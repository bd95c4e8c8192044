"""How training rows come to a compiled epoch: all at once where they fit in memory, else window by window."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.machine import usable_memory
from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.reweighing import weights_of

WEIGHT = "weight"  # a column beside those that a model takes, where rows do not all count the same
_BLOCK_ROWS = 4096
_FEWEST_STEPS = 50
_RESIDENT_SHARE = 4  # one process alone may keep so many-th of the memory in training rows
_SUBSET_SEED = 20180401  # which rows a share of them is must be the same for all trials

Columns = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """Rows in memory, and the order in which to train on them.

    Attributes:
        columns: As a model takes them, and `WEIGHT` where rows have weights; first dimension rows.
        labels: First dimension rows.
        order: int32 row numbers into these, shape [steps, batch].
    """

    columns: Columns
    labels: Any
    order: npt.NDArray[np.int32]


class Feed:
    """The rows of the train split, shared by all trials of a process.

    Args:
        data: The training data.
        resident_bytes: The most bytes of training rows that are kept in memory; with more, rows are read from the
            memory-mapped arrays in windows of that size: blocks of neighbouring rows in a new order every epoch, mixed
            within their window. None takes a quarter of the memory.
        steps: The most steps of an epoch; None is a pass over all rows.
    """

    def __init__(self, data: TrainingData, resident_bytes: int | None = None, steps: int | None = None) -> None:
        self._steps = steps
        self._arrays = data.split("train")
        self._weights = weights_of(data)
        self._row_bytes = max(1, self._arrays.nbytes // len(self._arrays))
        limit = usable_memory() // _RESIDENT_SHARE if resident_bytes is None else resident_bytes
        self._window_rows = max(1, limit // self._row_bytes)
        self._resident: tuple[Columns, Any] | None = None
        if len(self._arrays) <= self._window_rows:
            self._resident = _tensors(*self._columns(slice(None)))

    @property
    def streams(self) -> bool:
        """Whether rows are read window by window."""
        return self._resident is None

    def windows(self, batch: int, share: float, rng: np.random.Generator) -> Iterator[Window]:
        """Yields the rows of one epoch; a last batch that is not full is left out, which every epoch are other rows.

        Few rows come several times, in another order each time, so that an epoch has about 50 steps.

        Args:
            batch: Rows per step.
            share: Of the rows, above 0 and up to 1; always the same ones, and more of them with a larger share.
            rng: Decides the order.
        """
        left = self._steps
        for window in self._pass(batch, share, rng):
            if left is None:
                yield window
            elif left > 0:
                yield Window(window.columns, window.labels, window.order[:left])
                left -= len(window.order)

    def _pass(self, batch: int, share: float, rng: np.random.Generator) -> Iterator[Window]:
        if self._resident is not None:
            rows = np.arange(len(self._arrays)) if share == 1.0 else self._subset(share)
            passes = [_steps(rng.permutation(rows), batch) for _ in range(self._passes(batch))]
            yield Window(*self._resident, np.concatenate(passes))
            return
        blocks = rng.permutation(self._blocks(share))
        per_window = max(1, self._window_rows // _BLOCK_ROWS)
        for first in range(0, len(blocks), per_window):
            window = self._load(np.sort(blocks[first : first + per_window]))
            order = _steps(rng.permutation(len(window[1])), batch)
            if len(order):
                yield Window(*window, order)

    def _passes(self, batch: int) -> int:
        """Returns how often an epoch goes over the rows: of few, once would teach next to nothing."""
        return 1 if self._steps is not None else max(1, _FEWEST_STEPS * batch // len(self._arrays))

    def rows(self, share: float) -> int:
        """Returns how many rows a share of them is."""
        return max(1, round(share * len(self._arrays)))

    def _subset(self, share: float) -> npt.NDArray[np.int64]:
        return subset(len(self._arrays), share)

    def _blocks(self, share: float) -> npt.NDArray[np.int64]:
        count = -(-len(self._arrays) // _BLOCK_ROWS)
        order = np.random.default_rng(_SUBSET_SEED).permutation(count)
        return order[: max(1, round(share * count))]

    def _load(self, blocks: npt.NDArray[np.int64]) -> tuple[Columns, Any]:
        parts = [self._columns(slice(b * _BLOCK_ROWS, (b + 1) * _BLOCK_ROWS)) for b in blocks]
        columns = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
        return columns, np.concatenate([labels for _, labels in parts])

    def _columns(self, rows: slice) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[Any]]:
        columns = columns_of(self._arrays, rows)
        if self._weights is not None:
            columns[WEIGHT] = self._weights.of(self._arrays, rows).astype(np.float32)
        return columns, np.asarray(self._arrays.label[rows])


def subset(count: int, share: float) -> npt.NDArray[np.int64]:
    """Returns the numbers of a share of the rows: always the same ones, and more of them with a larger share."""
    order = np.random.default_rng(_SUBSET_SEED).permutation(count)
    return np.sort(order[: max(1, round(share * count))])


def columns_of(arrays: Arrays, rows: slice) -> dict[str, npt.NDArray[Any]]:
    """Returns rows in the form that a model takes: only the kinds of columns that there are."""
    kinds: dict[str, npt.NDArray[Any]] = {
        "numeric": arrays.numeric,
        "categorical": arrays.categorical,
        "image": arrays.image,
    }
    return {name: np.asarray(values[rows]) for name, values in kinds.items() if values.shape[1]}


def _tensors(columns: dict[str, npt.NDArray[Any]], labels: npt.NDArray[Any]) -> tuple[Columns, Any]:
    import tensorflow as tf

    return {name: tf.constant(values) for name, values in columns.items()}, tf.constant(labels)


def _steps(rows: npt.NDArray[np.int64], batch: int) -> npt.NDArray[np.int32]:
    steps = len(rows) // batch
    return rows[: steps * batch].reshape(steps, batch).astype(np.int32)
