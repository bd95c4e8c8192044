"""Trains one model of a hypermodel, epoch by epoch, on arrays in memory."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfx_automl.errors import ModelError
from tfx_automl.models import checkpoint
from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.feeding import subset
from tfx_automl.models.hypermodel import HyperModel, hyperparameters_of, refuse_unknown
from tfx_automl.models.measures import LATENCY, latency_ms, sizes_of
from tfx_automl.models.views import labels_of, view_of
from tfx_automl.search.job import EpochRecord
from tfx_automl.search.parameters import Point

_STEPS_PER_CALL = 256


class KerasSession:
    """A model of a hypermodel in training; see `InTraining`.

    The randomness of every epoch starts from the trial's seed and the number of the epoch, so that a trial that goes on
    from its checkpoint gives what one gives that was never interrupted.

    Args:
        hypermodel: What builds and trains it.
        values: Hyperparameters.
        data: The training data.
        seed: Where all randomness starts.
        measures: Metrics that an epoch must have, the objective first.

    Attributes:
        model: The `keras.Model`.
        records: One for every epoch that was trained.

    Raises:
        ModelError: It cannot be built, or does not fit the data.
    """

    def __init__(
        self, hypermodel: HyperModel, values: Point, data: TrainingData, seed: int, measures: Sequence[str] = ()
    ) -> None:
        self.records: list[EpochRecord] = []
        self._hypermodel, self._values, self._seed, self._measures = hypermodel, values, seed, tuple(measures)
        self._train, self._eval = data.split("train"), data.split("eval")
        self._hyperparameters = hyperparameters_of(values)
        self._start_randomness()
        self.model = hypermodel.build(self._hyperparameters)
        refuse_unknown(hypermodel.path, self._hyperparameters, values)
        self._view = view_of(self.model, data.inputs)
        self._row = self._view.of(_rows(self._eval, np.arange(1)))
        self._output = self.model(self._row)  # now all weights are there
        self._prepare_compiled()
        self._constant = sizes_of(self.model)
        if LATENCY in measures:
            self._constant[LATENCY] = self._latency()

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.records)

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch, or calls the hypermodel's own `fit` once, and evaluates on the eval split.

        Args:
            rows: Share of the training rows to train on.

        Returns:
            What `fit` measures, `val_` and the compiled metrics on the eval split, and sizes of the model.

        Raises:
            ModelError: A loss is not finite, or a metric that the search needs is not there.
        """
        started = time.monotonic()
        self._start_randomness()
        evaluation = self._fed(self._eval)
        result = self._hypermodel.fit(
            self._hyperparameters,
            self.model,
            *self._fed(self._share(rows)),
            validation_data=evaluation,
            epochs=self.epoch + 1,
            initial_epoch=self.epoch,
            verbose=0,
            callbacks=[],
        )
        refuse_unknown(self._hypermodel.path, self._hyperparameters, self._values)
        metrics = {name: _number(value) for name, value in self._measured(result).items()}
        if self.model.compiled and not any(name.startswith("val_") for name in metrics):
            found = self.model.evaluate(*evaluation, verbose=0, return_dict=True)
            metrics |= {f"val_{name}": _number(value) for name, value in found.items()}
        metrics |= self._constant
        self._check(metrics)
        self.records.append(EpochRecord(self.epoch + 1, metrics, time.monotonic() - started))
        return self.records[-1]

    def save(self, folder: Path) -> None:
        """Saves weights, the state of dropout and optimizer, and what the epochs gave, in one step."""
        checkpoint.save(folder, self._variables(), self.records)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote.

        Raises:
            ModelError: There is no checkpoint, or it is of another model.
        """
        self.records = checkpoint.load(folder, self._variables())

    def _start_randomness(self) -> None:
        import keras

        seed = np.random.SeedSequence([self._seed, self.epoch]).generate_state(1)[0]
        keras.utils.set_random_seed(int(seed) % 2**31)

    def _prepare_compiled(self) -> None:
        """Builds the optimizer, whose state a checkpoint may hold, and lets many steps run in one call of a graph.

        A `fit` of its own may have callbacks that count batches; so it decides about that by itself.
        """
        if self._optimizer is not None:
            self._optimizer.build(self.model.trainable_variables)
        plain = not self._hypermodel.overrides_fit and not self.model.run_eagerly
        if plain and self.model.steps_per_execution == 1:
            self.model.steps_per_execution = _STEPS_PER_CALL

    def _share(self, rows: float) -> Arrays:
        return self._train if rows == 1.0 else _rows(self._train, subset(len(self._train), rows))

    def _fed(self, arrays: Arrays) -> tuple[Any, Any]:
        return self._view.of(arrays), labels_of(arrays, self._output)

    def _measured(self, result: Any) -> Mapping[str, Any]:
        """Returns what `fit` returned as metrics: a history, a dictionary, or the objective as a number."""
        import keras

        if isinstance(result, keras.callbacks.History):
            return {name: values[-1] for name, values in result.history.items()}
        if isinstance(result, Mapping):
            return result
        if isinstance(result, (int, float, np.number)) and self._measures:
            return {self._measures[0]: result}
        raise ModelError(
            f"{self._hypermodel.path}: fit returned {result!r}; expected what model.fit returns, a dictionary of"
            " metrics, or the objective as a float."
        )

    def _check(self, metrics: Mapping[str, float]) -> None:
        for name in ("loss", "val_loss"):
            if not np.isfinite(metrics.get(name, 0.0)):
                raise ModelError(
                    f"{name} became {metrics[name]} in epoch {self.epoch + 1}; a lower learning rate may help."
                )
        absent = [name for name in self._measures if name not in metrics]
        if absent:
            raise ModelError(
                f"{self._hypermodel.path}: an epoch gave {', '.join(sorted(metrics))}, but the search needs"
                f" {', '.join(absent)}; compile the model with that metric, or return it from fit."
            )

    def _latency(self) -> float:
        import tensorflow as tf

        predict = tf.function(lambda fed: self.model(fed["row"], training=False))
        return latency_ms(predict, {"row": self._row})

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *(self._optimizer.variables if self._optimizer is not None else ())]

    @property
    def _optimizer(self) -> Any:
        """None for a model that is not compiled."""
        return getattr(self.model, "optimizer", None)


def _rows(arrays: Arrays, numbers: Any) -> Arrays:
    return arrays.with_each(lambda values: np.asarray(values[numbers]))


def _number(value: Any) -> float:
    """Some metrics have a value for each class: their mean counts."""
    return float(np.mean(np.asarray(value)))
