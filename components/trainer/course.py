"""Trains one model: what all modes of the Trainer share."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import tfx_automl
from tfx_automl import console
from tfx_automl.components.trainer.options import TrainOptions
from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData, joined
from tfx_automl.models.distribution import check_agreement, is_chief
from tfx_automl.models.families import check_distributable, start_model
from tfx_automl.models.fitting import Entry, best_epoch, fit
from tfx_automl.models.measures import judged_by_decisions, objectives_of
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.model import Model, Predictor, Workplace
from tfx_automl.models.saved_epochs import SavedEpochs
from tfx_automl.search.ledger import content_key
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point

# These decide nothing about how a model is trained; the threshold does where progress is told by it.
_OF_NO_INFLUENCE = ("mode", "threshold", "group_thresholds")


@dataclass(frozen=True)
class Trained:
    """A model that can be exported.

    Attributes:
        model: With the weights to export.
        values: Its hyperparameters.
        epochs: Of training, up to these weights.
        history: Every epoch; empty if there was none.
        on_all_rows: Whether it was trained on the eval split, too: its metrics there are then no estimate of anything.
        before: A model with the same hyperparameters that was trained on the train split alone, if there is one.
        folds: Into how many folds the rows were cut; the model is then the mean of as many.
        members: The models of an ensemble.
    """

    model: Predictor
    values: Point
    epochs: int
    history: Sequence[Entry] = ()
    on_all_rows: bool = False
    before: "Trained | None" = None
    folds: int = 1
    members: "tuple[Trained, ...]" = ()

    @property
    def judged(self) -> "Trained":
        """The model whose metrics on the eval split say something: this one, or the one before."""
        return self.before or self


@dataclass(frozen=True)
class Course:
    """What models are trained on, and how.

    Attributes:
        data: The training data.
        options: How to train.
        folder: Where checkpoints go, and those of a run that was killed are found.
        strategy: A `tf.distribute` strategy, or None.
    """

    data: TrainingData
    options: TrainOptions
    folder: Path
    strategy: Any = None

    @cached_property
    def objectives(self) -> Objectives:
        """What tells progress."""
        options = self.options
        return objectives_of(self.data.task, options.objective, options.constraints, self.data.groups.sensitive)

    @cached_property
    def workplace(self) -> Workplace:
        """What models that are trained on the train split share."""
        return self._workplace(self.data)

    def workplace_of(self, folds: int) -> Workplace:
        """Returns what models of a search that cut the rows into folds share."""
        return self.workplace if folds == 1 else replace(self.workplace, folds=folds)

    def judge(self, trained: Trained) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
        """Returns the labels of rows that a model was not trained on, and what it predicts for them."""
        judged = trained.judged
        if judged.folds > 1:
            return self.workplace_of(judged.folds).pool[0].label, judged.model.validation()
        rows = self.data.split("eval")
        return rows.label, judged.model.predict(rows)

    @cached_property
    def workplace_of_all(self) -> Workplace:
        """What models that are trained on the rows of train and eval share."""
        rows = joined(self.data.split("train"), self.data.split("eval"))
        return self._workplace(self.data.with_splits(train=rows))

    def _workplace(self, data: TrainingData) -> Workplace:
        measures, steps = self.objectives.metrics, self.options.steps_per_epoch
        made = Workplace(data, measures, steps=steps, strategy=self.strategy, threshold=self._decides)
        made.gaps.check()
        return made

    @property
    def _decides(self) -> float | str:
        """The threshold, if progress is told by which rows are predicted positive; else the default."""
        decided = judged_by_decisions(self.objectives.metrics, self.data.task.kind)
        return self.options.threshold if decided else DECISION_THRESHOLD

    def saved(self, **what: Any) -> SavedEpochs:
        """Returns the checkpoints of one training of this course; `what` tells it from others."""
        options = {name: value for name, value in asdict(self.options).items() if name not in _OF_NO_INFLUENCE}
        data = {"data": self.data.fingerprint, "groups": self.data.groups.to_json(), "task": self.data.task.to_json()}
        data["threshold"] = str(self._decides)
        key = content_key(**data, options=options, version=tfx_automl.__version__, **what)
        writes = is_chief(self.strategy)
        return SavedEpochs(self.folder / hashlib.sha256(key.encode()).hexdigest()[:16], writes)


def train(
    course: Course, values: Point, epochs: int | None = None, on_all_rows: bool = False, folds: int = 1
) -> Trained:
    """Trains one model from scratch; a training that was killed goes on after its last epoch.

    Args:
        course: On what, and how.
        values: Its hyperparameters.
        epochs: Trains so many, and keeps the last; None stops early, and keeps the one that is best on the eval split.
        on_all_rows: Whether to train on the rows of the eval split, too. With more rows a pass has more steps; the
            number of epochs stays.
        folds: Into how many folds to cut the rows of train and eval; 1 trains one model.
    """
    workplace = course.workplace_of_all if on_all_rows else course.workplace_of(folds)
    model = _start(course, values, workplace)
    limit, patience = (course.options.max_epochs, course.options.patience) if epochs is None else (epochs, None)
    saved = course.saved(values=values, epochs=epochs, on_all_rows=on_all_rows, folds=folds)
    history = _fit(course, model, saved, limit, patience)
    if on_all_rows:
        history = [{**entry, "in_sample": True} for entry in history]
    _tell_what_was_kept(course, history)
    alone = _alone(model, values, workplace, course)
    return Trained(alone, values, best_epoch(history), history, on_all_rows, folds=folds)


def train_on(course: Course, values: Point, checkpoint: Path, folds: int = 1) -> Trained:
    """Trains a model on that a search has trained; as it came, it may stay the best.

    Args:
        course: On what, and how.
        values: Its hyperparameters.
        checkpoint: Its folder.
        folds: Into how many folds the search cut the rows.

    Raises:
        ModelError: It lacks a metric that tells progress, and that only training measures.
    """
    workplace = course.workplace_of(folds)
    model = _start(course, values, workplace)
    model.load(checkpoint)
    console.line(f"  goes on after the {model.epoch} epochs of the search")
    limit, patience = model.epoch + course.options.max_epochs, course.options.patience
    saved = course.saved(values=values, base=str(checkpoint))
    history = _fit(course, model, saved, limit, patience, _as_it_is(workplace, model))
    _tell_what_was_kept(course, history)
    return Trained(_alone(model, values, workplace, course), values, best_epoch(history), history, folds=folds)


def _start(course: Course, values: Point, workplace: Workplace) -> Model:
    if course.strategy is not None:
        check_distributable(str(values["family"]))
    return start_model(values, course.options.seed, workplace)


def _fit(
    course: Course,
    model: Model,
    saved: SavedEpochs,
    limit: int,
    patience: int | None,
    before: Mapping[str, float] | None = None,
) -> list[Entry]:
    goal = course.objectives.first
    check_agreement(course.strategy, saved.last or 0)
    if saved.last is not None:
        console.line(f"  goes on after epoch {saved.last} of a training that was interrupted")

    def tell(epoch: int, metrics: Mapping[str, float]) -> None:
        loss, score = metrics["loss"], goal.score(metrics)
        console.line(f"  epoch {epoch}/{limit}  loss {loss:.4f}  {goal.metric} {score:.4f}")

    return fit(model, course.objectives, limit, patience, tell, saved, before)


def _as_it_is(workplace: Workplace, model: Model) -> dict[str, float]:
    """Returns the metrics of a model before it is trained on: on this eval split, which may be another one."""
    place = workplace.pooled if workplace.folds > 1 else workplace
    metrics = {**model.records[-1].metrics, **place.validate(model.validation())}
    absent = [name for name in workplace.measures if name not in metrics]
    if absent:
        raise ModelError(
            f"mode continue: the search did not measure {', '.join(absent)}, so the model as it came cannot be compared"
            " with what it becomes; give the search the same objective and constraints."
        )
    return metrics


def _alone(model: Model, values: Point, workplace: Workplace, course: Course) -> Model:
    """Returns a model that no longer belongs to a strategy, so that it can be exported like any other."""
    if course.strategy is None:
        return model
    alone = start_model(values, course.options.seed, replace(workplace, strategy=None))
    alone.restore(model.snapshot())
    alone.records.extend(model.records)
    return alone


def _tell_what_was_kept(course: Course, history: Sequence[Entry]) -> None:
    kept = best_epoch(history)
    entry = next((entry for entry in history if entry["epoch"] == kept), {})
    broken = [str(bound) for bound in course.objectives.constraints if entry and bound.violation(entry)]
    note = f", although it breaks {', '.join(broken)}; no epoch keeps to all constraints" if broken else ""
    console.line(f"  kept the weights of epoch {kept}{note}")
