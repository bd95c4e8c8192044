"""Boosted trees in training: an epoch is a number of rounds."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models.compiled import compile_prediction
from tfx_automl.models.data import Arrays
from tfx_automl.models.feeding import columns_of
from tfx_automl.models.losses import class_weights, target_of
from tfx_automl.models.measures import LATENCY, latency_ms
from tfx_automl.models.model import Graph, Workplace
from tfx_automl.models.reweighing import weights_of
from tfx_automl.models.trees import state
from tfx_automl.models.trees.booster import Booster, Rounds
from tfx_automl.models.trees.forest import Forest, pack
from tfx_automl.models.trees.graph import ForestGraph
from tfx_automl.search.job import EpochRecord
from tfx_automl.search.parameters import Value

_ROUNDS_PER_EPOCH = 20  # the 27 epochs of a search are 540 rounds
_TREES_PER_EPOCH = 240  # the most, as far as one round has no more: a round is a tree for each of several classes

_Floats = npt.NDArray[np.float64]


def rounds_per_epoch(trees: int, steps: int | None = None) -> int:
    """Returns how many rounds an epoch has: about the same work whatever the number of classes.

    Args:
        trees: Trees per round.
        steps: The most steps of an epoch, as `Workplace` has it.
    """
    rounds = max(1, min(_ROUNDS_PER_EPOCH, _TREES_PER_EPOCH // trees))
    return rounds if steps is None else max(1, min(rounds, steps))


class TreeSession:
    """Boosted trees in training; the same values, data and seed give the same model, bit for bit, on one thread.

    Predictions of the training rows and of the eval split are kept, so an epoch only costs its own trees.

    Args:
        values: Hyperparameters.
        seed: Decides which features a split may use.
        workplace: The data, and what models share.

    Attributes:
        booster: The trees.
        records: One for every epoch that was trained.
    """

    def __init__(self, values: Mapping[str, Value], seed: int, workplace: Workplace) -> None:
        self.data, self.records = workplace.data, list[EpochRecord]()
        self._workplace, self._binned = workplace, workplace.binned
        self._target = target_of(values, self.data)
        self._label, self._weight = self._labels(values)
        self._rounds = rounds_per_epoch(self.data.task.num_outputs, workplace.steps)
        self.booster = Booster(values, self.data.task, self._binned, seed)
        self._evaluated: tuple[int, _Floats] | None = None

    def _labels(self, values: Mapping[str, Value]) -> tuple[_Floats, _Floats | None]:
        """Returns labels as trees learn them, and weights if there are any, each of shape [rows]."""
        train, weights = self.data.split("train"), weights_of(self.data)
        weight = None if weights is None else weights.of(train)
        if values.get("class_weight") == "balanced":
            of_class = class_weights(train.label, len(self.data.task.classes))[train.label].astype(np.float64)
            weight = of_class if weight is None else of_class * weight
        label = train.label.astype(np.float64) if self._target is None else self._target.scaled(train.label)
        return label, weight

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.records)

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Grows the rounds of one epoch and evaluates on the eval split.

        Args:
            rows: Share of the training rows to train on.

        Returns:
            `loss` on these rows, `val_` metrics (see `metrics_of`), and sizes of the model.

        Raises:
            ModelError: The loss is not finite.
        """
        started = time.monotonic()
        loss = self.booster.grow(self._rounds, self._label, self._weight, rows)
        if self._target is not None:
            loss *= 2  # scikit-learn halves the squared error
        if not np.isfinite(loss):
            raise ModelError(f"The loss became {loss} in epoch {self.epoch + 1}; a lower learning rate may help.")
        metrics = {"loss": loss, **self._workplace.validate(self.validation()), **self._measured()}
        self.records.append(EpochRecord(self.epoch + 1, metrics, time.monotonic() - started))
        return self.records[-1]

    def _evaluate(self) -> _Floats:
        """Returns what the trees give for the eval split; only trees that grew since the last call predict."""
        rounds = len(self.booster.rounds)
        if self._evaluated is None:
            self._evaluated = rounds, self.booster.predict(self._binned.evaluation)
        elif self._evaluated[0] < rounds:
            self.booster.add(self._evaluated[1], self._binned.evaluation, self._evaluated[0])
            self._evaluated = rounds, self._evaluated[1]
        return self._evaluated[1]

    def _measured(self) -> dict[str, float]:
        forest = self._forest()
        leaves = sum(tree.get_n_leaf_nodes() for trees in self.booster.rounds for tree in trees)
        trees = sum(map(len, self.booster.rounds))
        # A split has a threshold, and there is one split less than leaves in every tree.
        measured = {"parameters": float(2 * leaves - trees), "model_bytes": float(forest.nbytes)}
        if LATENCY in self._workplace.measures:
            predict = compile_prediction(self._graph(forest).predict, self.data)
            measured[LATENCY] = latency_ms(predict, columns_of(self._workplace.evaluation, slice(1)))
        return measured

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the predictions of the eval split."""
        return self._to_prediction(self._evaluate())

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets in the form that `metrics_of` takes."""
        return self._to_prediction(self.booster.predict(self._binned.bins(arrays)))

    def _to_prediction(self, raw: _Floats) -> npt.NDArray[np.float32]:
        from scipy.special import expit, softmax

        if self._target is not None:
            return self._target.unscaled(raw[:, 0]).astype(np.float32)
        found: _Floats = expit(raw[:, 0]) if raw.shape[1] == 1 else softmax(raw, axis=1)
        return found.astype(np.float32)

    def save(self, folder: Path) -> None:
        """Saves the trees, the state of randomness, and what the epochs gave, in one step."""
        state.save(folder, self.booster, self.records)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote.

        Raises:
            ModelError: There is no checkpoint, or it is of another model.
        """
        self.records = state.load(folder, self.booster)
        self._evaluated = None

    def _forest(self) -> Forest:
        scale, shift = (1.0, 0.0) if self._target is None else (self._target.std, self._target.mean)
        return pack(self.booster.rounds, self.booster.baseline, self._binned.inputs, scale, shift)

    def graph(self) -> Graph:
        """Returns the trees as they are now, as TensorFlow operations."""
        return self._graph(self._forest())

    def _graph(self, forest: Forest) -> Graph:
        graph, task, target = ForestGraph(forest, self._binned.inputs), self.data.task, self._target

        def predict(columns: Mapping[str, Any]) -> Any:
            import tensorflow as tf

            high, low = graph(columns)
            if target is not None:
                return target.finish_tensor(high, low)
            return tf.nn.sigmoid(high + low) if task.kind == "binary" else tf.nn.softmax(high + low)

        return Graph(predict, graph.variables)

    def snapshot(self) -> tuple[Rounds, _Floats]:
        """Returns the trees; they never change, so a copy of the list is enough."""
        return list(self.booster.rounds), self.booster.baseline

    def restore(self, snapshot: tuple[Rounds, _Floats]) -> None:
        """Puts back what `snapshot` returned."""
        rounds, baseline = snapshot
        self.booster.put_back(list(rounds), baseline)
        self._evaluated = None
