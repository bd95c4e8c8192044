"""Trains one model on data in memory: an epoch is one compiled graph."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.families import get_family
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.parameters import Value

_CHECKPOINT = "checkpoint.npz"
_ROWS_PER_PREDICTION = 8192


class Session:
    """A model in training; the same values, data and seed give the same model, bit for bit, on one thread.

    Args:
        values: Hyperparameters, the family's name among them.
        data: The training data.
        seed: Where initial weights, dropout and the order of the rows start.

    Attributes:
        model: The `keras.Model`; see `Family.build` for what it returns.
        epoch: Epochs trained so far.
    """

    def __init__(self, values: Mapping[str, Value], data: TrainingData, seed: int) -> None:
        import keras

        keras.utils.set_random_seed(seed % 2**31)
        family = get_family(str(values["family"]))
        self.data, self.epoch = data, 0
        self.model = family.build(values, data)
        self._seed = seed
        self._optimizer = family.optimizer(values)
        self._optimizer.build(self.model.trainable_variables)
        self._train, self._eval = data.split("train"), data.split("eval")
        self._batch = min(family.batch_size(values), len(self._train))
        self._run_epoch: Any = None
        self._predict: Any = None

    def train_epoch(self) -> dict[str, float]:
        """Trains one epoch and evaluates on the eval split.

        Rows are drawn in a new order; a last batch that is not full is left out, which every epoch are other rows.

        Returns:
            `loss` on the rows as they were trained on, and `val_` metrics; see `metrics_of`.

        Raises:
            ModelError: The loss is not finite.
        """
        if self._run_epoch is None:
            self._run_epoch = _compile_epoch(self.model, self._optimizer, self.data, self._train, self._batch)
        rng = np.random.default_rng([self._seed, self.epoch])
        steps = len(self._train) // self._batch
        order = rng.permutation(len(self._train))[: steps * self._batch].reshape(steps, self._batch)
        loss = float(self._run_epoch(order.astype(np.int32)))
        if not np.isfinite(loss):
            raise ModelError(f"The loss became {loss} in epoch {self.epoch + 1}; a lower learning rate may help.")
        self.epoch += 1
        validation = self.evaluate(self._eval)
        return {"loss": loss, **{f"val_{name}": value for name, value in validation.items()}}

    def evaluate(self, arrays: Arrays) -> dict[str, float]:
        """Returns the metrics on a split."""
        return metrics_of(self.data.task, arrays.label, self.predict(arrays))

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets in the form that `metrics_of` takes."""
        if self._predict is None:
            self._predict = _compile_prediction(self.model, self.data)
        starts = range(0, len(arrays), _ROWS_PER_PREDICTION)
        parts = [self._predict(columns_of(arrays, slice(s, s + _ROWS_PER_PREDICTION))).numpy() for s in starts]
        joined: npt.NDArray[np.float32] = np.concatenate(parts)
        return joined if self.data.task.kind == "multiclass" else joined[:, 0]

    def save(self, folder: Path) -> None:
        """Saves weights, the state of dropout and optimizer, and the epoch, in one step."""
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{_CHECKPOINT}"
        with open(temporary, "wb") as file:
            np.savez(file, epoch=self.epoch, **{f"v{n}": np.asarray(v) for n, v in enumerate(self._variables())})
        os.replace(temporary, folder / _CHECKPOINT)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote.

        Raises:
            ModelError: There is no checkpoint, or it is of another model.
        """
        path = folder / _CHECKPOINT
        if not path.is_file():
            raise ModelError(f"{folder} holds no checkpoint {_CHECKPOINT}.")
        variables = self._variables()
        with np.load(path) as saved:
            if len(saved.files) != len(variables) + 1:
                raise ModelError(f"{path} is of another model: {len(saved.files) - 1} variables, not {len(variables)}.")
            for number, variable in enumerate(variables):
                variable.assign(saved[f"v{number}"])
            self.epoch = int(saved["epoch"])

    def weights(self) -> list[npt.NDArray[Any]]:
        """Returns a copy of the model's weights."""
        copies: list[npt.NDArray[Any]] = self.model.get_weights()
        return copies

    def set_weights(self, weights: list[npt.NDArray[Any]]) -> None:
        """Puts back what `weights` returned."""
        self.model.set_weights(weights)

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self._optimizer.variables]


def timed_epoch(session: Session) -> tuple[dict[str, float], float]:
    """Trains one epoch; returns its metrics and its seconds."""
    started = time.monotonic()
    metrics = session.train_epoch()
    return metrics, time.monotonic() - started


def columns_of(arrays: Arrays, rows: slice) -> dict[str, npt.NDArray[Any]]:
    """Returns rows in the form that a model takes: only the kinds of columns that there are."""
    kinds: dict[str, npt.NDArray[Any]] = {
        "numeric": arrays.numeric,
        "categorical": arrays.categorical,
        "image": arrays.image,
    }
    return {name: np.asarray(values[rows]) for name, values in kinds.items() if values.shape[1]}


def to_prediction(task: TaskSpec, output: Any, mean: float, std: float) -> Any:
    """Turns what a model returns into probabilities or targets, as TensorFlow operations."""
    import tensorflow as tf

    if task.kind == "regression":
        return output * std + mean
    return tf.nn.sigmoid(output) if task.kind == "binary" else tf.nn.softmax(output)


def _compile_prediction(model: Any, data: TrainingData) -> Any:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def predict(columns: dict[str, Any]) -> Any:
        return to_prediction(data.task, model(columns, training=False), data.target_mean, data.target_std)

    return predict


def _loss(data: TrainingData) -> Any:
    """Returns the mean loss of a batch as a function of labels and what the model returns."""
    import tensorflow as tf

    def binary(label: Any, output: Any) -> Any:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(label, tf.float32), output[:, 0])
        return tf.reduce_mean(losses)

    def multiclass(label: Any, output: Any) -> Any:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(label, output))

    def regression(label: Any, output: Any) -> Any:
        return tf.reduce_mean(tf.square((label - data.target_mean) / data.target_std - output[:, 0]))

    return {"binary": binary, "multiclass": multiclass, "regression": regression}[data.task.kind]


def _compile_epoch(model: Any, optimizer: Any, data: TrainingData, train: Arrays, batch: int) -> Any:
    """Returns a function from row numbers, shape [steps, batch], to the mean loss of the epoch.

    All steps run in one graph: calling into TensorFlow once per step would cost more than a step of a small network.
    """
    import tensorflow as tf

    columns = {name: tf.constant(values) for name, values in columns_of(train, slice(None)).items()}
    labels = tf.constant(np.asarray(train.label))
    loss_of, weights = _loss(data), model.trainable_variables

    @tf.function(input_signature=[tf.TensorSpec([None, batch], tf.int32)])
    def epoch(order: Any) -> Any:
        total = tf.constant(0.0)
        for rows in order:
            inputs = {name: tf.gather(values, rows) for name, values in columns.items()}
            with tf.GradientTape() as tape:
                loss = loss_of(tf.gather(labels, rows), model(inputs, training=True))
            optimizer.apply(tape.gradient(loss, [w.value for w in weights]), weights)
            total += loss
        return total / tf.cast(tf.shape(order)[0], tf.float32)

    return epoch
