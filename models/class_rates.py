"""Rates of one class against the rest, and averages over classes, from three counts of each class.

A row of several classes is predicted as its most probable one. For one class, rows of it count as positive and all
others as negative. The Tuner and the Evaluator both go by this.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.models.task import TaskSpec

MOST_CLASSES = 50  # with more there are no rates by class: classes times slices times replicates would not stay small
RATES = ("mean_label", "selection_rate", "tpr", "fpr", "precision")
AVERAGES = ("balanced_accuracy", "macro_f1")
_NAME = re.compile(r"(\w+)@(\d+)")

Floats = npt.NDArray[np.float64]


def has_class_rates(task: TaskSpec) -> bool:
    """Tells whether a task has rates by class: one of several classes, but not of too many."""
    return task.kind == "multiclass" and len(task.classes) <= MOST_CLASSES


def of_class(rate: str, number: int) -> str:
    """Returns the name of a rate of one class: `tpr@2` of the class with index 2."""
    return f"{rate}@{number}"


def rate_and_class(name: str) -> tuple[str, int | None]:
    """Returns what `of_class` made a name of; None in the place of the class for a metric of all classes."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def class_metrics(task: TaskSpec) -> tuple[str, ...]:
    """Returns the names of all rates of all classes, class by class; none where a task has no rates by class."""
    numbers = range(len(task.classes)) if has_class_rates(task) else ()
    return tuple(of_class(rate, number) for number in numbers for rate in RATES)


@dataclass(frozen=True)
class ClassCounts:
    """How many rows are of each class and are predicted as each, perhaps of several slices at once.

    Attributes:
        true: Rows of the class, shape [..., classes].
        chosen: Rows predicted as the class.
        hits: Rows of the class that are predicted as it.
    """

    true: Floats
    chosen: Floats
    hits: Floats

    def rates(self) -> Mapping[str, Floats]:
        """Returns `RATES` by name, each of shape [..., classes]; NaN where one is not defined.

        `mean_label` is the share of rows that are of the class.
        """
        rows = self.true.sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "mean_label": self.true / rows,
                "selection_rate": self.chosen / rows,
                "tpr": self.hits / self.true,
                "fpr": (self.chosen - self.hits) / (rows - self.true),
                "precision": self.hits / self.chosen,
            }

    def averages(self) -> Mapping[str, Floats]:
        """Returns `AVERAGES` by name, each of shape [...]: means over classes, all with the same weight.

        `balanced_accuracy` is the mean true positive rate of the classes with rows; `macro_f1` the mean F1 of those
        that have rows or are predicted. Others have no such values and are left out.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            found = {
                "balanced_accuracy": self.hits / self.true,
                "macro_f1": 2 * self.hits / (self.true + self.chosen),
            }
            return {name: np.nansum(found[name], axis=-1) / (~np.isnan(found[name])).sum(axis=-1) for name in AVERAGES}
