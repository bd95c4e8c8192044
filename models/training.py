"""Trains one model on data in memory-mapped arrays: an epoch is one compiled graph."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models import checkpoint
from tfx_automl.models.compiled import compile_epoch, compile_prediction
from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.families import get_family
from tfx_automl.models.feeding import Feed, columns_of
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.measures import LATENCY, keras_metric, keras_metrics, latency_ms, sizes_of
from tfx_automl.models.metrics import metrics_of
from tfx_automl.search.job import EpochRecord
from tfx_automl.search.parameters import Value

_ROWS_PER_PREDICTION = 8192


class Session:
    """A model in training; the same values, data and seed give the same model, bit for bit, on one thread.

    Args:
        values: Hyperparameters, the family's name among them.
        data: The training data.
        seed: Where initial weights, dropout and the order of the rows start.
        feed: The training rows, to be shared with other sessions; None makes one.
        measures: Further metrics of an epoch that are wanted: `latency_ms`, or `val_` and the name of a fairness gap or
            of a Keras metric.
        gaps: What measures the gaps among these, to be shared with other sessions; None makes one.

    Attributes:
        model: The `keras.Model`; see `Family.build` for what it returns.
        records: One for every epoch that was trained.
    """

    def __init__(
        self,
        values: Mapping[str, Value],
        data: TrainingData,
        seed: int,
        feed: Feed | None = None,
        measures: Sequence[str] = (),
        gaps: GapMeter | None = None,
    ) -> None:
        import keras

        keras.utils.set_random_seed(seed % 2**31)
        family = get_family(str(values["family"]))
        self.data, self.records = data, list[EpochRecord]()
        self.model = family.build(values, data)
        self._seed, self._measures, self._eval = seed, tuple(measures), data.split("eval")
        self._feed = feed or Feed(data)
        self._gaps = gaps or GapMeter(data, measures)
        self._batch = family.batch_size(values)
        self._optimizer = family.optimizer(values)
        self._optimizer.build(self.model.trainable_variables)
        self._epochs: dict[int, Any] = {}
        self._predict = compile_prediction(self.model, data)
        self._constant = sizes_of(self.model)
        if LATENCY in measures:
            self._constant[LATENCY] = latency_ms(self._predict, columns_of(self._eval, slice(1)))

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.records)

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch and evaluates on the eval split.

        Args:
            rows: Share of the training rows to train on, in a new order.

        Returns:
            `loss` on the rows as they were trained on, `val_` metrics (see `metrics_of`), and sizes of the model.

        Raises:
            ModelError: The loss is not finite.
        """
        batch = min(self._batch, self._feed.rows(rows))
        epoch = self._compiled(batch)
        started = time.monotonic()
        rng = np.random.default_rng([self._seed, self.epoch])
        total, steps = 0.0, 0
        for window in self._feed.windows(batch, rows, rng):
            total += float(epoch(window.columns, window.labels, window.order))
            steps += len(window.order)
        loss = total / max(1, steps)
        if not np.isfinite(loss):
            raise ModelError(f"The loss became {loss} in epoch {self.epoch + 1}; a lower learning rate may help.")
        metrics = {"loss": loss, **self._validate(), **self._constant}
        self.records.append(EpochRecord(self.epoch + 1, metrics, time.monotonic() - started))
        return self.records[-1]

    def _compiled(self, batch: int) -> Any:
        if batch not in self._epochs:
            self._epochs[batch] = compile_epoch(self.model, self._optimizer, self.data, batch)
        return self._epochs[batch]

    def _validate(self) -> dict[str, float]:
        task, label, prediction = self.data.task, self._eval.label, self.predict(self._eval)
        found = {f"val_{name}": value for name, value in metrics_of(task, label, prediction).items()}
        for name in keras_metrics(self._measures, task):
            found[name] = keras_metric(name.removeprefix("val_"), task, label, prediction)
        return found | self._gaps.measure(prediction)

    def evaluate(self, arrays: Arrays) -> dict[str, float]:
        """Returns the metrics on a split."""
        return metrics_of(self.data.task, arrays.label, self.predict(arrays))

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
        self.records = checkpoint.load(folder, self._variables())

    def weights(self) -> list[npt.NDArray[Any]]:
        """Returns a copy of the model's weights."""
        copies: list[npt.NDArray[Any]] = self.model.get_weights()
        return copies

    def set_weights(self, weights: list[npt.NDArray[Any]]) -> None:
        """Puts back what `weights` returned."""
        self.model.set_weights(weights)

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self._optimizer.variables]
