"""Cross-validation: on few rows, a single eval split says too little about a trial."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.files import write_in_one_step
from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.fairness import is_gap
from tfx_automl.models.model import Graph, Model, Workplace
from tfx_automl.models.training import Session
from tfx_automl.models.turns import take_turns
from tfx_automl.search.job import EpochRecord

# Of train and eval together. With 20,000 rows an eval split of 15 % has 3,000: the best of hundreds of trials, and more
# so an ensemble of them, is then partly the luckiest on just these. Training on images is too slow for so many.
FEW_ROWS, FEW_IMAGES = 20_000, 3_000
FOLDS = 5
_POINTER = "folds.json"


def folds_for(data: TrainingData, wanted: int | None, measures: Sequence[str] = ()) -> int:
    """Returns into how many folds the rows of train and eval are cut; 1 is a single eval split.

    Args:
        data: The training data.
        wanted: What the user asked for; None takes 5 folds for few rows.
        measures: What is measured; a fairness gap can be on the eval split alone.

    Raises:
        ModelError: There are fewer rows than folds, or gaps cannot be measured on the folds that are asked for.
    """
    rows = data.rows + len(data.split("eval"))
    few = FEW_ROWS if data.inputs.image is None else FEW_IMAGES
    gaps = any(is_gap(name, data.task.kind) for name in measures)
    if wanted is None:
        return FOLDS if 4 * FOLDS <= rows < few and not gaps else 1
    if wanted > 1 and gaps:
        raise ModelError(f"folds: gaps are measured on the eval split, not on {wanted} folds; expected folds=1.")
    if wanted > rows // 2:
        raise ModelError(f"folds: expected at most half of the {rows} rows of train and eval, got {wanted}.")
    return wanted


class CrossValidated:
    """One model for each fold, trained side by side; metrics are those of the rows that a model did not see.

    Predicts the mean of the models.

    Args:
        start: Begins a model from a seed and a workplace.
        seed: Where the randomness starts.
        workplace: The data, whose rows of train and eval are cut into folds.

    Attributes:
        records: One for every epoch that was trained.
    """

    def __init__(self, start: Callable[[int, Workplace], Model], seed: int, workplace: Workplace) -> None:
        self.records: list[EpochRecord] = []
        self._workplace = workplace
        self._models = _models(lambda place: start(seed, place), workplace.of_folds)

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.records)

    def train_epoch(self, rows: float = 1.0) -> EpochRecord:
        """Trains one epoch of every model, and evaluates each on the rows that it did not see."""
        parts = [model.train_epoch(rows) for model in self._models]
        metrics = {name: float(np.mean([part.metrics[name] for part in parts])) for name in parts[0].metrics}
        metrics |= self._workplace.pooled.validate(self.validation())
        self.records.append(EpochRecord(self.epoch + 1, metrics, sum(part.seconds for part in parts)))
        return self.records[-1]

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the prediction of every row of train and eval by the model that did not see it."""
        parts = [model.validation() for model in self._models]
        _, fold = self._workplace.pool
        prediction = np.empty((len(fold), *parts[0].shape[1:]), np.float32)
        for number, part in enumerate(parts):
            prediction[fold == number] = part
        return prediction

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns the mean of the models' predictions."""
        mean: npt.NDArray[np.float32] = np.mean([model.predict(arrays) for model in self._models], axis=0)
        return mean

    def graph(self) -> Graph:
        """Returns the mean of the models as TensorFlow operations."""
        return mean_graph([model.graph() for model in self._models], [1.0] * len(self._models))

    def snapshot(self) -> list[Any]:
        """Returns a copy of what the models learned."""
        return [model.snapshot() for model in self._models]

    def restore(self, snapshot: list[Any]) -> None:
        """Puts back what `snapshot` returned."""
        for model, part in zip(self._models, snapshot, strict=True):
            model.restore(part)

    def save(self, folder: Path) -> None:
        """Saves all models; the file that says which epoch counts is written last, in one step."""
        current = folder / f"epoch-{self.epoch:05d}"
        shutil.rmtree(current, ignore_errors=True)  # of a process that was killed while it saved
        for number, model in enumerate(self._models):
            model.save(current / f"fold-{number}")
        text = json.dumps({"folder": current.name, "records": [asdict(record) for record in self.records]})
        write_in_one_step(folder / _POINTER, text)
        for old in folder.glob("epoch-*"):
            if old != current:
                shutil.rmtree(old)

    def load(self, folder: Path) -> None:
        """Continues from what `save` wrote.

        Raises:
            ModelError: There is no checkpoint of as many folds.
        """
        path = folder / _POINTER
        if not path.is_file():
            raise ModelError(f"{folder} holds no checkpoint {_POINTER}.")
        saved = json.loads(path.read_text(encoding="utf-8"))
        for number, model in enumerate(self._models):
            model.load(folder / saved["folder"] / f"fold-{number}")
        self.records = [EpochRecord(**record) for record in saved["records"]]


def _models(start: Callable[[Workplace], Model], places: Sequence[Workplace]) -> Sequence[Model]:
    """Returns a model for each fold; networks share one graph."""
    first = start(places[0])
    if isinstance(first, Session):
        return take_turns(first, places, lambda place: cast(Session, start(place)))
    return [first, *(start(place) for place in places[1:])]


def mean_graph(graphs: Sequence[Graph], weights: Sequence[float]) -> Graph:
    """Returns the weighted mean of what several graphs predict.

    Args:
        graphs: With outputs of one shape.
        weights: 0 or more each; their sum need not be 1.
    """
    shares = [weight / sum(weights) for weight in weights]

    def predict(columns: Mapping[str, Any]) -> Any:
        total = 0.0
        for graph, share in zip(graphs, shares, strict=True):
            total += graph.predict(columns) * share
        return total

    return Graph(predict, tuple(variable for graph in graphs for variable in graph.variables))
