"""What the modes of the Trainer do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tfx_automl import console
from tfx_automl.components.trainer.course import Course, Trained, train, train_on
from tfx_automl.components.trainer.found import Found
from tfx_automl.errors import ModelError
from tfx_automl.models.families import start_model
from tfx_automl.models.model import Workplace
from tfx_automl.models.thresholds import best_threshold


def train_as(mode: str, course: Course, found: Found) -> Trained:
    """Returns a model to export; see `Trainer` for the modes."""
    return _MODES[mode](course, found)


def choose_threshold(course: Course, trained: Trained) -> float:
    """Returns the probability from which on the positive class is predicted.

    One that is chosen by a metric is chosen on the eval split, by a model that did not learn from it.
    """
    options = course.options
    if isinstance(options.threshold, float):
        return options.threshold
    rows = course.data.split("eval")
    found = best_threshold(options.threshold, rows.label, trained.judged.model.predict(rows))
    console.line(f"  predicts the positive class from {found:.4f} on, which gives the best {options.threshold}")
    return found


def _retrain(course: Course, found: Found) -> Trained:
    return train(course, found.values)


def _retrain_all(course: Course, found: Found) -> Trained:
    """First on the train split alone where something has to be found out on rows that are not trained on."""
    epochs = found.epochs(course.options.steps_per_epoch)
    epochs = None if epochs is None else min(epochs, course.options.max_epochs)
    before = None
    if epochs is None or course.options.rule is not None:
        what = "the threshold" if epochs else "the number of epochs, which these hyperparameters do not come with,"
        console.line(f"  first on the train split alone: {what} is chosen on the eval split")
        before = train(course, found.values, epochs)
        epochs = max(1, before.epochs)
    console.line(f"  on the rows of train and eval, {epochs} epochs")
    return replace(train(course, found.values, epochs, on_all_rows=True), before=before)


def _continue(course: Course, found: Found) -> Trained:
    return train_on(course, found.values, _checkpoint(found))


def _reuse(course: Course, found: Found) -> Trained:
    model = start_model(found.values, 0, Workplace(course.data))
    model.load(_checkpoint(found))
    console.line(f"  the search's best model as it is, after {model.epoch} epochs")
    return Trained(model, found.values, model.epoch)


def _checkpoint(found: Found) -> Path:
    if found.checkpoint is None:
        raise ModelError("This mode needs the input base_model: our Tuner's best_model.")
    return found.checkpoint


_MODES: dict[str, Callable[[Course, Found], Trained]] = {
    "retrain": _retrain,
    "retrain_all": _retrain_all,
    "continue": _continue,
    "reuse": _reuse,
}
