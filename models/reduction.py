"""Fewer columns: principal components, or the columns that say most about the label."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.model import Graph, Model, Workplace
from tfx_automl.search.job import EpochRecord
from tfx_automl.search.parameters import Choice, Condition, Parameter, Value

FEWEST_COLUMNS = 20
REDUCTION, SHARE = "reduction", "columns_kept"
_MOST_ROWS = 10_000  # for mutual information, whose cost grows faster than the rows
_SEED = 19480701


def reduction_parameters(inputs: InputSpec) -> tuple[Parameter, ...]:
    """Returns what is searched: nothing for tables with few columns, or images.

    Returns:
        `reduction`: `none`; `pca`, which turns all numbers into their principal components; or `mutual_information`,
        which keeps the columns that say most about the label. `columns_kept`: the share that is kept.
    """
    kinds = ("none", *(("pca",) if len(inputs.numeric) >= FEWEST_COLUMNS else ()), "mutual_information")
    if inputs.image is not None or len(inputs.numeric) + len(inputs.categorical) < FEWEST_COLUMNS:
        return ()
    when = (Condition(REDUCTION, kinds[1:]),)
    return Choice(REDUCTION, kinds), Choice(SHARE, (0.25, 0.5, 0.75), conditions=when)


@dataclass(frozen=True)
class Reduction:
    """How columns become fewer ones; learned from the training rows.

    Attributes:
        numeric: Numbers of the numeric columns that are kept.
        categorical: Numbers of the categorical columns that are kept.
        mean: Of the kept numeric columns, shape [kept]; None without components.
        components: Principal components, shape [kept, components]; None without.
    """

    numeric: npt.NDArray[np.int64]
    categorical: npt.NDArray[np.int64]
    mean: npt.NDArray[np.float32] | None = None
    components: npt.NDArray[np.float32] | None = None

    def arrays(self, arrays: Arrays) -> Arrays:
        """Returns the rows with fewer columns, in memory."""
        numeric = np.asarray(arrays.numeric)[:, self.numeric]
        if self.mean is not None and self.components is not None:
            numeric = (numeric - self.mean) @ self.components
        return replace(arrays, numeric=numeric, categorical=np.asarray(arrays.categorical)[:, self.categorical])

    def columns(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Does the same to the columns that a graph takes, as TensorFlow operations."""
        import tensorflow as tf

        reduced: dict[str, Any] = {}
        if len(self.numeric):
            numeric = tf.gather(columns["numeric"], self.numeric, axis=1)
            if self.mean is not None and self.components is not None:
                numeric = tf.matmul(numeric - self.mean, self.components)
            reduced["numeric"] = numeric
        if len(self.categorical):
            reduced["categorical"] = tf.gather(columns["categorical"], self.categorical, axis=1)
        return reduced

    def inputs(self, inputs: InputSpec) -> InputSpec:
        """Returns what the fewer columns are."""
        numeric = tuple(inputs.numeric[n] for n in self.numeric)
        if self.components is not None:
            numeric = tuple(f"component_{n}" for n in range(self.components.shape[1]))
        return InputSpec(numeric, tuple(inputs.categorical[n] for n in self.categorical))


def learn_reduction(kind: str, share: float, data: TrainingData) -> Reduction:
    """Learns from the training rows.

    Args:
        kind: `pca` or `mutual_information`.
        share: Of the columns (for `pca`, of the numbers), above 0 and up to 1; at least one is kept.
        data: A table.
    """
    train = data.split("train")
    numeric, categorical = train.numeric.shape[1], train.categorical.shape[1]
    if kind == "pca":
        mean, components = principal_components(np.asarray(train.numeric), max(1, round(share * numeric)))
        return Reduction(np.arange(numeric), np.arange(categorical), mean, components)
    information = _mutual_information(train, data.task.kind == "regression")
    kept = np.sort(np.argsort(-information, kind="stable")[: max(1, round(share * len(information)))])
    return Reduction(kept[kept < numeric], kept[kept >= numeric] - numeric)


def principal_components(
    values: npt.NDArray[np.float32], count: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Returns the mean, shape [columns], and the first principal components, shape [columns, count].

    The same as `tft.pca`, up to signs, from the rows in memory instead of a pass of Beam. The sign of a component is
    the one in which its largest entry is positive.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    centred = values - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    components = vectors[:, ::-1][:, :count]
    largest = components[np.abs(components).argmax(axis=0), np.arange(components.shape[1])]
    return mean.astype(np.float32), (components * np.sign(largest)).astype(np.float32)


def _mutual_information(train: Arrays, regression: bool) -> npt.NDArray[np.float64]:
    """Returns the mutual information of each column with the label, shape [numeric + categorical columns]."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    rng = np.random.default_rng(_SEED)
    rows = np.sort(rng.permutation(len(train))[:_MOST_ROWS])
    values = np.hstack([train.numeric[rows], train.categorical[rows]])
    discrete = np.arange(values.shape[1]) >= train.numeric.shape[1]
    estimate = mutual_info_regression if regression else mutual_info_classif
    information: npt.NDArray[np.float64] = estimate(
        values, train.label[rows], discrete_features=discrete, random_state=_SEED
    )
    return information


class Reduced:
    """A model on fewer columns.

    Args:
        start: Begins the model from a workplace with fewer columns.
        values: A point with `reduction` and `columns_kept`.
        workplace: The data with all columns.
    """

    def __init__(self, start: Callable[[Workplace], Model], values: Mapping[str, Value], workplace: Workplace) -> None:
        kind, share = str(values[REDUCTION]), float(values[SHARE])
        self._reduction, place = workplace.once(("reduced", kind, share), lambda: _reduce(kind, share, workplace))
        self._model = start(place)

    @property
    def records(self) -> list[EpochRecord]:
        """One for every epoch that was trained."""
        return self._model.records

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self._model.epoch

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch, and evaluates."""
        return self._model.train_epoch(rows)

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the predictions of the eval split."""
        return self._model.validation()

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets."""
        return self._model.predict(self._reduction.arrays(arrays))

    def graph(self) -> Graph:
        """Returns the reduction and the model as TensorFlow operations."""
        graph, reduction = self._model.graph(), self._reduction
        return Graph(lambda columns: graph.predict(reduction.columns(columns)), graph.variables)

    def snapshot(self) -> Any:
        """Returns a copy of what the model learned."""
        return self._model.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Puts back what `snapshot` returned."""
        self._model.restore(snapshot)

    def save(self, folder: Path) -> None:
        """Saves the model; the reduction is learned again from the same rows."""
        self._model.save(folder)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote."""
        self._model.load(folder)


def _reduce(kind: str, share: float, workplace: Workplace) -> tuple[Reduction, Workplace]:
    reduction = learn_reduction(kind, share, workplace.data)
    splits = {name: reduction.arrays(workplace.data.split(name)) for name in ("train", "eval")}
    place = workplace.on(**splits)
    return reduction, replace(place, _made={}, data=replace(place.data, inputs=reduction.inputs(workplace.data.inputs)))
