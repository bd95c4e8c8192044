"""Looks for features that predict the label almost alone: mostly, they are made from it, or known only after it."""

import shlex
from dataclasses import dataclass

import numpy as np

from tfx_automl.components.transform.sample import Codes, Floats, Sample
from tfx_automl.models.task import TaskSpec

_AUC, _R2 = 0.995, 0.99
# With fewer, a feature may well be that good; and on easy data sets of this size some are.
_FEWEST_ROWS = 500
_FEWEST_OF_A_CLASS = 30
_BINS = 50
_FOLDS = 5


@dataclass(frozen=True)
class Suspect:
    """A feature that predicts the label almost alone.

    Attributes:
        name: The column.
        measure: `AUC` or `R²`.
        score: Of this column alone, on rows that it was not fitted to.
        rows: How many.
    """

    name: str
    measure: str
    score: float
    rows: int

    def __str__(self) -> str:
        return (
            f"the column {self.name!r} predicts the label almost alone ({self.measure} {self.score:.4f} on"
            f" {self.rows:,} training rows): was it made from the label, or is it known only afterwards? Then leave it"
            f" out with --exclude {_quoted(self.name)}"
        )


def _quoted(name: str) -> str:
    """Returns a column as the option takes it in a shell."""
    return shlex.quote(f'"{name}"' if "," in name else name)


def find_suspects(sample: Sample, task: TaskSpec) -> list[Suspect]:
    """Returns the columns of a sample that predict the label too well to be true.

    Each is measured alone: by the mean label of its value, or of its fiftieth of the numbers, in four fifths of the
    rows, on the last fifth; numbers by themselves, too.

    Args:
        sample: Of the train split.
        task: What is to be predicted; of several classes, the one that is predicted best counts.
    """
    known = np.isfinite(sample.label) & ((task.kind == "regression") | (sample.label >= 0))
    label = sample.label[known]
    if len(label) < _FEWEST_ROWS:
        return []
    targets = _targets(label, task)
    measure, bound = ("R²", _R2) if task.kind == "regression" else ("AUC", _AUC)
    score = _r2 if task.kind == "regression" else _auc
    guesses = {
        **{name: _of_numbers(values[known]) for name, values in sample.numbers.items()},
        **{name: (codes[known], None) for name, codes in sample.categories.items()},
    }
    best = {
        name: max((score(target, guess) for target in targets for guess in _guesses(*both, target)), default=0.0)
        for name, both in guesses.items()
    }
    return [Suspect(name, measure, found, len(label)) for name, found in best.items() if found > bound]


def _targets(label: Floats, task: TaskSpec) -> list[Floats]:
    """Returns the target, or for every class with enough rows whether a row is of it."""
    if task.kind == "regression":
        return [label] if np.ptp(label) else []
    indices = [1] if task.kind == "binary" else range(len(task.classes))
    found = [(label == index).astype(np.float64) for index in indices]
    return [target for target in found if min(target.sum(), (1 - target).sum()) >= _FEWEST_OF_A_CLASS]


def _bins(values: Floats) -> Codes:
    """Returns for each number in which fiftieth of all it is; those that are missing have a bin of their own."""
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(len(values), np.int64)
    edges = np.unique(np.quantile(values[finite], np.arange(1, _BINS) / _BINS))
    return np.where(finite, np.searchsorted(edges, values, "right"), len(edges) + 1).astype(np.int64)


def _of_numbers(values: Floats) -> tuple[Codes, Floats | None]:
    """Returns the bin of each number, and, where none is missing, the numbers."""
    return _bins(values), values if np.isfinite(values).all() else None


def _guesses(codes: Codes, values: Floats | None, target: Floats) -> list[Floats]:
    """Returns what a column alone says about the target, in the ways that are tried."""
    return [_means_elsewhere(codes, target), *([] if values is None else [values])]


def _means_elsewhere(codes: Codes, target: Floats) -> Floats:
    """Returns, for every row, the mean target of its code in the other folds; the mean of all if there is none."""
    size = int(codes.max()) + 1
    cell = np.arange(len(codes)) % _FOLDS * size + codes
    count = np.bincount(cell, minlength=_FOLDS * size).reshape(_FOLDS, size)
    total = np.bincount(cell, target, _FOLDS * size).reshape(_FOLDS, size)
    count, total = count.sum(0) - count, total.sum(0) - total
    means: Floats = np.where(count > 0, total / np.maximum(count, 1), target.mean()).reshape(-1)[cell]
    return means


def _auc(target: Floats, guess: Floats) -> float:
    """Returns the area under the ROC curve, in whichever direction is better."""
    _, inverse, counts = np.unique(guess, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # of equal guesses, the mean
    positives = target.sum()
    area = (ranks[target > 0].sum() - positives * (positives + 1) / 2) / (positives * (len(target) - positives))
    return float(max(area, 1 - area))


def _r2(target: Floats, guess: Floats) -> float:
    """Returns the squared correlation: the R² of the best line through the guesses."""
    return 0.0 if not np.ptp(guess) else float(np.corrcoef(target, guess)[0, 1] ** 2)
