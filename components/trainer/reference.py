"""What weights of the training rows change: the same model is trained once more, with rows that all count the same."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl import console
from tfx_automl.components.trainer.course import Course, Trained, train
from tfx_automl.components.trainer.found import Found
from tfx_automl.components.trainer.modes import together
from tfx_automl.errors import ModelError
from tfx_automl.models.fairness import GAPS, GapMetric
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.groups import group_text
from tfx_automl.models.metrics import metrics_of
from tfx_automl.models.reweighing import without_weights
from tfx_automl.models.reweighing_cells import Cell, cells_of, effective_rows
from tfx_automl.models.thresholds import threshold_for

_SPLIT = "eval"
_AIM = "demographic_parity_difference"


@dataclass(frozen=True)
class _Measured:
    """How a model does on the eval split, whose rows all count the same.

    Attributes:
        threshold: Of a binary task.
        metrics: By name.
        gaps: By group, then by name.
    """

    threshold: float
    metrics: dict[str, float]
    gaps: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Reference:
    """A model that was trained with weights, beside the same without.

    Attributes:
        course: How the first was trained.
        trained: The first.
        other: The second.
        threshold: Of the first, for a binary task.
    """

    course: Course
    trained: Trained
    other: Trained
    threshold: float

    @cached_property
    def weighed(self) -> _Measured:
        """How the model does."""
        return _measure(self.course, self.trained, self.threshold)

    @cached_property
    def plain(self) -> _Measured:
        """How the model without weights does; a threshold that is chosen by a metric is its own."""
        course = _plain_course(self.course)
        return _measure(course, self.other, threshold_for(self.course.options.threshold, *course.judge(self.other)))

    @property
    def summary(self) -> str:
        """The gap that weights aim at and the accuracy, before and after, in one line."""
        group, gaps = group_text(self.course.data.groups.reweigh), GAPS[self.course.data.task.kind]
        gap = next((each.name for each in gaps if each.name.startswith(_AIM)), gaps[0].name)
        both = (self.plain, self.weighed)
        values = {gap: [measured.gaps[group][gap] for measured in both]}
        values["accuracy"] = [measured.metrics["accuracy"] for measured in both]
        changes = (f"{name.replace('_', ' ')} {' → '.join(map(_shown, pair))}" for name, pair in values.items())
        return f"reweighing {group}: {', '.join(changes)} ({_SPLIT})"

    def to_card(self) -> dict[str, Any]:
        """Returns what the model card says of it."""
        cells, rows = _cells(self.course, self.trained)
        return {
            "group": list(self.course.data.groups.reweigh),
            "rows": list(rows),
            "cells": [asdict(cell) for cell in cells],
            "effective_rows": effective_rows(cells),
            "split": _SPLIT,
            "epochs": self.other.epochs,
            "without": asdict(self.plain),
            "with": asdict(self.weighed),
        }


def check_base(course: Course, found: Found) -> None:
    """Makes sure that a model of a search, if it is to be used, was trained with the weights that are asked for.

    Raises:
        ModelError: It was not.
    """
    asked, given = group_text(course.data.groups.reweigh), found.training.get("reweigh") or ""
    if found.checkpoint is not None and asked != given:
        raise ModelError(
            f"base_model was trained {_in_words(given)}, but the Trainer is to train {_in_words(asked)}; give both the"
            " same reweigh, or take the mode retrain."
        )


def _in_words(group: str) -> str:
    return f"on rows weighed by {group!r}" if group else "on rows without weights"


def train_reference(course: Course, found: Found, trained: Trained) -> Trained | None:
    """Trains the model that is judged once more, without weights; None if it had none.

    Args:
        course: How the model was trained.
        found: Where its hyperparameters come from.
        trained: The model. The other one is trained from the same seed for as many epochs; where a search trained the
            first ones on fewer rows, these are on all rows, too.
    """
    if not course.data.groups.reweigh:
        return None
    console.line(f"  once more without weights, to tell what weighing by {group_text(course.data.groups.reweigh)} does")
    return _again(_plain_course(course), found, trained.judged)


def _again(course: Course, found: Found, trained: Trained) -> Trained:
    if trained.members and found.ensemble is not None:
        parts = [_again(course, found.of_member(number), member) for number, member in enumerate(trained.members)]
        return together(course, found.ensemble, parts, found.values)
    if found.checkpoint is not None:  # its epochs, or the first of them, were those of a trial
        trial = {name: found.training[name] for name in ("seed", "steps_per_epoch") if name in found.training}
        course = replace(course, options=replace(course.options, **trial))
    return train(course, trained.values, max(1, trained.epochs), folds=trained.folds)


def _plain_course(course: Course) -> Course:
    return replace(course, data=without_weights(course.data))


def _measure(course: Course, trained: Trained, threshold: float) -> _Measured:
    data = course.data
    label, prediction = _on_eval(course, trained)
    kind, groups = data.task.kind, data.groups.sensitive
    named = {group_text(group): [GapMetric(gap, group) for gap in GAPS[kind]] for group in groups}
    meter = GapMeter(data, [gap.name for gaps in named.values() for gap in gaps], threshold)
    found = meter.measure(prediction)
    gaps = {group: {gap.definition.name: found[gap.name] for gap in gaps} for group, gaps in named.items()}
    return _Measured(threshold, metrics_of(data.task, label, prediction, threshold), gaps)


def _on_eval(course: Course, trained: Trained) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    """Returns labels and predictions of the eval split, by models that were not trained on these rows."""
    rows = len(course.data.split(_SPLIT))
    label, prediction = course.judge(trained)  # of folds, the rows of train come before those of eval
    return label[-rows:], prediction[-rows:]


def _cells(course: Course, trained: Trained) -> tuple[list[Cell], Sequence[str]]:
    """Returns the weights of the rows that a model was trained on, and in which splits these are."""
    if trained.on_all_rows or trained.folds > 1:
        return cells_of(course.workplace_of_all.data), ("train", _SPLIT)
    return cells_of(course.data), ("train",)


def _shown(value: float) -> str:
    return "not defined" if value != value else f"{value:.3f}"
