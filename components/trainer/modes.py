"""What the modes of the Trainer do."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tfx_automl import console
from tfx_automl.components.trainer.course import Course, Trained, train, train_on
from tfx_automl.components.trainer.found import Found
from tfx_automl.errors import ModelError
from tfx_automl.models.ensembles.assembled import Assembled
from tfx_automl.models.ensembles.ensemble import Ensemble
from tfx_automl.models.families import start_model
from tfx_automl.models.model import Workplace
from tfx_automl.models.thresholds import best_threshold
from tfx_automl.search.parameters import Point


def train_as(mode: str, course: Course, found: Found) -> Trained:
    """Returns a model to export; see `Trainer` for the modes."""
    if found.ensemble is None:
        return _MODES[mode](course, found)
    if mode == "continue":
        console.line("  goes on with the best trial alone, not with the ensemble")
        return _continue(course, found)
    return _ensemble(mode, course, found, found.ensemble)


def _ensemble(mode: str, course: Course, found: Found, ensemble: Ensemble) -> Trained:
    """Each member is trained, or reused, as a single model would be; their weights stay."""
    parts = []
    for number, member in enumerate(ensemble.members):
        console.line(f"  member {number + 1} of {len(ensemble.members)}: {member.values.get('family')}")
        parts.append(_MODES[mode](course, found.of_member(number)))
    whole = together(course, ensemble, parts, found.values)
    before = [part.before for part in parts if part.before]
    if len(before) == len(parts):
        return replace(whole, before=together(course, ensemble, before, found.values))
    return whole


def together(course: Course, ensemble: Ensemble, parts: Sequence[Trained], values: Point) -> Trained:
    """Returns the members of an ensemble, trained, as one model.

    Args:
        course: How they were trained.
        ensemble: How they are weighed.
        parts: In the order of its members.
        values: Hyperparameters to name the ensemble by.
    """
    model = Assembled(ensemble, course.data.task, [part.model for part in parts])
    epochs = sum(part.epochs for part in parts)
    first = parts[0]
    history = [{"member": n, **entry} for n, part in enumerate(parts) for entry in part.history]
    return Trained(model, values, epochs, history, first.on_all_rows, folds=first.folds, members=tuple(parts))


def choose_threshold(course: Course, trained: Trained) -> float:
    """Returns the probability from which on the positive class is predicted.

    One that is chosen by a metric is chosen on the eval split, by a model that did not learn from it.
    """
    options = course.options
    if isinstance(options.threshold, float):
        return options.threshold
    found = best_threshold(options.threshold, *course.judge(trained))
    console.line(f"  predicts the positive class from {found:.4f} on, which gives the best {options.threshold}")
    return found


def _retrain(course: Course, found: Found) -> Trained:
    return train(course, found.values)


def _retrain_all(course: Course, found: Found) -> Trained:
    """First on the train split alone where something has to be found out on rows that are not trained on."""
    epochs = found.epochs(course.options.steps_per_epoch)
    epochs = None if epochs is None else min(epochs, course.options.max_epochs)
    before = None
    if epochs is None or course.options.chooses or course.data.groups.reweigh:
        console.line(f"  first on the train split alone: {_why(epochs, course)} on the eval split")
        before = train(course, found.values, epochs)
        epochs = max(1, before.epochs)
    console.line(f"  on the rows of train and eval, {epochs} epochs")
    return replace(train(course, found.values, epochs, on_all_rows=True), before=before)


def _why(epochs: int | None, course: Course) -> str:
    if epochs is None:
        return "the number of epochs, which these hyperparameters do not come with, is chosen"
    return "the threshold is chosen" if course.options.chooses else "what the weights do is measured"


def _continue(course: Course, found: Found) -> Trained:
    return train_on(course, found.values, _checkpoint(found), found.folds)


def _reuse(course: Course, found: Found) -> Trained:
    model = start_model(found.values, 0, Workplace(course.data, folds=found.folds))
    model.load(_checkpoint(found))
    mean = f", the mean of {found.folds} folds" if found.folds > 1 else ""
    console.line(f"  the search's model as it is, after {model.epoch} epochs{mean}")
    return Trained(model, found.values, model.epoch, folds=found.folds)


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
