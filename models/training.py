"""Trains one model on data in memory-mapped arrays: an epoch is one compiled graph."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models import checkpoint
from tfx_automl.models.compiled import compile_epoch, compile_prediction, to_prediction
from tfx_automl.models.data import Arrays
from tfx_automl.models.feeding import columns_of
from tfx_automl.models.losses import loss_function, target_of
from tfx_automl.models.measures import LATENCY, latency_ms, sizes_of
from tfx_automl.models.model import Graph, Workplace
from tfx_automl.models.network import Architecture
from tfx_automl.search.job import EpochRecord
from tfx_automl.search.parameters import Value

_ROWS_PER_PREDICTION = 8192


@dataclass
class Parked:
    """A training whose network is used by another one meanwhile.

    Attributes:
        workplace: Its data.
        records: Of its epochs.
        values: Of all variables, those of the optimizer too.
        validated: Its predictions of the eval split, if they are known.
    """

    workplace: Workplace
    records: list[EpochRecord]
    values: list[npt.NDArray[Any]]
    validated: npt.NDArray[np.float32] | None = None


class Session:
    """A network in training; the same values, data and seed give the same model, bit for bit, on one thread.

    Args:
        architecture: How to build it.
        values: Hyperparameters.
        seed: Where initial weights, dropout and the order of the rows start.
        workplace: The data, and what models share.

    Attributes:
        model: The `keras.Model`; see `Architecture.build` for what it returns.
        records: One for every epoch that was trained.
    """

    def __init__(
        self, architecture: Architecture, values: Mapping[str, Value], seed: int, workplace: Workplace
    ) -> None:
        import keras

        keras.utils.set_random_seed(seed % 2**31)
        data = workplace.data
        self.data, self.records = data, list[EpochRecord]()
        self._scope = contextlib.nullcontext if workplace.strategy is None else workplace.strategy.scope
        with self._scope():
            self.model = architecture.build(values, data)
        self._seed, self._workplace = seed, workplace
        self._target = target_of(values, data)
        self._loss = loss_function(values, data, self._target)
        self._batch = architecture.batch_size(values)
        self._optimizer = architecture.optimizer(values)
        with self._scope():
            self._optimizer.build(self.model.trainable_variables)
        self._epochs: dict[int, Any] = {}
        self._validated: npt.NDArray[np.float32] | None = None
        self._predict = compile_prediction(self.graph().predict, data)
        self._constant = sizes_of(self.model)
        if LATENCY in workplace.measures:
            self._constant[LATENCY] = latency_ms(self._predict, columns_of(workplace.evaluation, slice(1)))

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.records)

    def park(self) -> "Parked":
        """Returns everything that makes this training another one than those that could use the same graph."""
        values = [np.asarray(variable).copy() for variable in self._variables()]
        return Parked(self._workplace, self.records, values, self._validated)

    def unpark(self, parked: "Parked") -> None:
        """Becomes the training that `park` returned."""
        self._workplace, self.records, self._validated = parked.workplace, parked.records, parked.validated
        self.data = parked.workplace.data
        for variable, value in zip(self._variables(), parked.values, strict=True):
            variable.assign(value)

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch and evaluates on the eval split.

        Args:
            rows: Share of the training rows to train on, in a new order.

        Returns:
            `loss` on the rows as they were trained on, `val_` metrics (see `metrics_of`), and sizes of the model.

        Raises:
            ModelError: The loss is not finite.
        """
        self._validated, feed = None, self._workplace.feed
        batch = min(self._batch, feed.rows(rows))
        epoch = self._compiled(batch)
        started = time.monotonic()
        rng = np.random.default_rng([self._seed, self.epoch])
        total, steps = 0.0, 0
        for window in feed.windows(batch, rows, rng):
            total += float(epoch(window.columns, window.labels, window.order))
            steps += len(window.order)
        loss = total / max(1, steps)
        if not np.isfinite(loss):
            raise ModelError(f"The loss became {loss} in epoch {self.epoch + 1}; a lower learning rate may help.")
        metrics = {"loss": loss, **self._workplace.validate(self.validation()), **self._constant}
        self.records.append(EpochRecord(self.epoch + 1, metrics, time.monotonic() - started))
        return self.records[-1]

    def _compiled(self, batch: int) -> Any:
        if batch not in self._epochs:
            strategy = self._workplace.strategy
            self._epochs[batch] = compile_epoch(self.model, self._optimizer, self.data, batch, self._loss, strategy)
        return self._epochs[batch]

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the predictions of the eval split."""
        if self._validated is None:
            self._validated = self.predict(self._workplace.evaluation)
        return self._validated

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets in the form that `metrics_of` takes."""
        starts = range(0, len(arrays), _ROWS_PER_PREDICTION)
        parts = [self._predict(columns_of(arrays, slice(s, s + _ROWS_PER_PREDICTION))).numpy() for s in starts]
        joined: npt.NDArray[np.float32] = np.concatenate(parts)
        return joined if self.data.task.kind == "multiclass" else joined[:, 0]

    def save(self, folder: Path) -> None:
        """Saves weights, the state of dropout and optimizer, and what the epochs gave, in one step."""
        checkpoint.save(folder, self._variables(), self.records)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote.

        Raises:
            ModelError: There is no checkpoint, or it is of another model.
        """
        self._validated = None
        self.records = checkpoint.load(folder, self._variables())

    def graph(self) -> Graph:
        """Returns the network as it is now, as TensorFlow operations."""
        model, task, target = self.model, self.data.task, self._target

        def predict(columns: Mapping[str, Any]) -> Any:
            return to_prediction(task, model(dict(columns), training=False), target)

        return Graph(predict, tuple(variable.value for variable in model.variables))

    def snapshot(self) -> list[npt.NDArray[Any]]:
        """Returns a copy of the network's weights."""
        copies: list[npt.NDArray[Any]] = self.model.get_weights()
        return copies

    def restore(self, snapshot: list[npt.NDArray[Any]]) -> None:
        """Puts back what `snapshot` returned."""
        self._validated = None
        self.model.set_weights(snapshot)

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self._optimizer.variables]
