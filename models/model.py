"""What every model is, whatever trains it: a network, boosted trees, the folds of a cross-validation."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays, TrainingData, joined
from tfx_automl.models.feeding import Feed
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.measures import keras_metric, keras_metrics
from tfx_automl.models.metrics import DECISION_THRESHOLD, metrics_of
from tfx_automl.models.thresholds import threshold_for
from tfx_automl.models.trees.binned import Binned, bin_rows
from tfx_automl.search.job import EpochRecord

Made = TypeVar("Made")


class InTraining(Protocol):
    """A model in training, as a worker of a search sees it."""

    @property
    def records(self) -> list[EpochRecord]:
        """One for every epoch that was trained."""

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch on a share of the training rows, and evaluates."""

    def save(self, folder: Path) -> None:
        """Saves everything that training goes on from, in one step."""

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote."""


@dataclass(frozen=True)
class Graph:
    """A trained model as TensorFlow operations: what is exported, and nothing of ours is needed to run it.

    Attributes:
        predict: From columns as `feeding.columns_of` gives them to probabilities (float32: of the positive class, shape
            [rows, 1], for a binary task; else of every class, shape [rows, classes]) or targets, shape [rows, 1].
        variables: The `tf.Variable`s that it reads.
    """

    predict: Callable[[Mapping[str, Any]], Any]
    variables: tuple[Any, ...] = ()


class Predictor(Protocol):
    """A trained model, whatever it is made of."""

    @property
    def records(self) -> list[EpochRecord]:
        """One for every epoch that was trained."""

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets in the form that `metrics_of` takes."""

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the predictions of the rows that epochs are evaluated on, none of which it was trained on."""

    def graph(self) -> Graph:
        """Returns the model, as it is now, as TensorFlow operations."""


class Model(InTraining, Predictor, Protocol):
    """A model of a family: it learns, predicts, and can be exported.

    One epoch is a pass over the training rows, or the same amount of work for a family that counts otherwise.
    """

    def snapshot(self) -> Any:
        """Returns a copy of what was learned, to be put back with `restore`."""

    def restore(self, snapshot: Any) -> None:
        """Puts back what `snapshot` returned."""


_FOLD_SEED = 20190611  # which rows a fold has must be the same for all trials


@dataclass(frozen=True)
class Workplace:
    """What the models of one process share.

    Attributes:
        data: The training data.
        measures: Further metrics of an epoch that are wanted: `latency_ms`, or `val_` and the name of a fairness gap or
            of a Keras metric.
        resident_bytes: The most bytes of training rows to keep in memory; see `Feed`.
        steps: The most steps of an epoch; see `Feed`.
        folds: Into how many folds the rows of train and eval are cut, to evaluate every model on all of them; 1 trains
            on train and evaluates on eval.
        strategy: A `tf.distribute` strategy for networks; see `models.distribution`.
        threshold: Of a binary task: from which probability on a row is predicted positive, or a rule of
            `models.thresholds` to choose that by, anew for every model.
    """

    data: TrainingData
    measures: Sequence[str] = ()
    resident_bytes: int | None = None
    steps: int | None = None
    folds: int = 1
    strategy: Any = None
    threshold: float | str = DECISION_THRESHOLD
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what `make` returned when it was first asked for by this key."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    @cached_property
    def feed(self) -> Feed:
        """The training rows, for models that take them in steps."""
        return Feed(self.data, self.resident_bytes, self.steps)

    @cached_property
    def binned(self) -> Binned:
        """The rows in bins, for trees."""
        return bin_rows(self.data)

    @cached_property
    def gaps(self) -> GapMeter:
        """What measures fairness gaps."""
        return GapMeter(self.data, self.measures, self.threshold)

    @cached_property
    def evaluation(self) -> Arrays:
        """The rows that every epoch is evaluated on."""
        return self.data.split("eval")

    @cached_property
    def pool(self) -> tuple[Arrays, npt.NDArray[np.int64]]:
        """The rows of train and eval together, and the fold of each."""
        pool = joined(self.data.split("train"), self.data.split("eval"))
        return pool, cut(pool.label, self.folds, stratified=self.data.task.kind != "regression")

    @cached_property
    def of_folds(self) -> "tuple[Workplace, ...]":
        """For each fold a workplace that trains on the other folds and evaluates on it."""
        pool, fold = self.pool
        masks = [fold == number for number in range(self.folds)]
        return tuple(self.on(train=pool.take(~mask), eval=pool.take(mask)) for mask in masks)

    @cached_property
    def pooled(self) -> "Workplace":
        """A workplace that evaluates on all folds together."""
        return self.on(eval=self.pool[0])

    def on(self, **splits: Arrays) -> "Workplace":
        """Returns a workplace without folds, with other rows in some splits."""
        return replace(self, data=self.data.with_splits(**splits), folds=1, _made={})

    def own_metrics(self, prediction: npt.NDArray[np.float32]) -> dict[str, float]:
        """Returns the task's own metrics, each with `val_` in front, from the predictions of the eval split."""
        task, label = self.data.task, self.evaluation.label
        threshold = threshold_for(self.threshold, label, prediction) if task.kind == "binary" else DECISION_THRESHOLD
        return {f"val_{name}": value for name, value in metrics_of(task, label, prediction, threshold).items()}

    def validate(self, prediction: npt.NDArray[np.float32]) -> dict[str, float]:
        """Returns the metrics of an epoch, each with `val_` in front, from the predictions of the eval split."""
        task, label = self.data.task, self.evaluation.label
        found = self.own_metrics(prediction)
        for name in keras_metrics(self.measures, task):
            found[name] = keras_metric(name.removeprefix("val_"), task, label, prediction)
        return found | self.gaps.measure(prediction)


def cut(label: npt.NDArray[Any], folds: int, stratified: bool) -> npt.NDArray[np.int64]:
    """Returns the fold of each row, 0 to folds - 1, shape [rows].

    Args:
        label: Class index or target, shape [rows].
        folds: How many.
        stratified: Gives every fold its share of each class; else folds are drawn by chance.
    """
    order = np.random.default_rng(_FOLD_SEED).permutation(len(label))
    if stratified:
        order = order[np.argsort(label[order], kind="stable")]
    fold = np.empty(len(label), np.int64)
    fold[order] = np.arange(len(label)) % folds
    return fold
