"""What trees see of the transformed features: missing values as such, categories as sets, wide ones in an order."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.losses import Target
from tfx_automl.models.reweighing import weights_of

MOST_CATEGORIES = 255  # that scikit-learn takes as sets
_SUFFIX, _INDICATOR_SUFFIX = "_xf", "_missing_xf"  # our Transform's names: a number, and where it was missing
_PRIOR_ROWS = 10.0  # the mean target of a category counts as if so many rows had the mean of all
_LARGEST = float(np.finfo(np.float32).max)

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Number:
    """A column that is compared with thresholds.

    Attributes:
        column: Of `Arrays.numeric`.
        indicator: The column that is 1 where the value is missing; None if it never is, or is NaN then.
    """

    column: int
    indicator: int | None = None


@dataclass(frozen=True)
class Category:
    """A column of category indices.

    Attributes:
        column: Of `Arrays.categorical`.
        codes: What trees see for every index, shape [size]: its place among the categories of the training rows, or for
            more than `MOST_CATEGORIES` of them its place by the mean target; NaN for those that no training row has.
    """

    column: int
    codes: _Floats

    @property
    def known(self) -> int:
        """Number of different codes."""
        return int(np.isfinite(self.codes).sum())


@dataclass(frozen=True)
class TreeInputs:
    """The columns of trees, in this order: categories that are split into sets, numbers, ordered categories.

    Attributes:
        sets: Categories that are split into sets.
        numbers: Numbers.
        ordered: Categories that are compared with thresholds, because there are too many.
    """

    sets: tuple[Category, ...]
    numbers: tuple[Number, ...]
    ordered: tuple[Category, ...]

    def __len__(self) -> int:
        return len(self.sets) + len(self.numbers) + len(self.ordered)

    @cached_property
    def is_set(self) -> npt.NDArray[np.bool_]:
        """Which columns are split into sets, shape [columns]."""
        return np.arange(len(self)) < len(self.sets)

    def matrix(self, arrays: Arrays) -> _Floats:
        """Returns rows as scikit-learn takes them: NaN for missing values, shape [rows, columns]."""
        columns = [_coded(category, arrays) for category in self.sets]
        columns += [_number(number, arrays) for number in self.numbers]
        columns += [_coded(category, arrays) for category in self.ordered]
        return np.stack(columns, axis=1)


def tree_inputs(data: TrainingData) -> TreeInputs:
    """Finds out how trees see the features of some data, from its training rows."""
    train, weights = data.split("train"), weights_of(data)
    scores = _scores(data), None if weights is None else weights.of(train)
    categories = [
        _category(column, size, train.categorical[:, column], *scores)
        for column, (_, size) in enumerate(data.inputs.categorical)
    ]
    sets = tuple(category for category in categories if category.known <= MOST_CATEGORIES)
    ordered = tuple(category for category in categories if category.known > MOST_CATEGORIES)
    return TreeInputs(sets, _numbers(data.inputs.numeric, train), ordered)


def _numbers(names: tuple[str, ...], train: Arrays) -> tuple[Number, ...]:
    """Pairs every number with the indicator of its missing values, where the training rows bear it out."""
    places = {name: place for place, name in enumerate(names)}
    pairs = {}
    for name, column in places.items():
        indicator = places.get(f"{name.removesuffix(_SUFFIX)}{_INDICATOR_SUFFIX}")
        if indicator is not None and _is_indicator(train.numeric[:, indicator], train.numeric[:, column]):
            pairs[column] = indicator
    left = set(places.values()) - set(pairs.values())
    return tuple(Number(column, pairs.get(column)) for column in sorted(left))


def _is_indicator(indicator: npt.NDArray[Any], values: npt.NDArray[Any]) -> bool:
    """Tells whether a column is only 0 and 1, and the other has one value where it is 1."""
    missing = indicator == 1
    filled = values[missing]
    return bool((missing | (indicator == 0)).all() and (not len(filled) or (filled == filled[0]).all()))


def _category(column: int, size: int, index: npt.NDArray[Any], scores: _Floats, weight: _Floats | None) -> Category:
    counts = np.bincount(index, minlength=size)
    seen = np.flatnonzero(counts)
    if len(seen) > MOST_CATEGORIES:
        rows = counts if weight is None else np.bincount(index, weight, minlength=size)
        weighed = scores if weight is None else scores * weight
        sums = np.bincount(index, weighed, minlength=size)[seen]
        means = (sums + _PRIOR_ROWS * weighed.mean()) / (rows[seen] + _PRIOR_ROWS)
        seen = seen[np.argsort(means, kind="stable")]
    codes = np.full(len(counts), np.nan)
    codes[seen] = np.arange(len(seen))
    return Category(column, codes)


def _scores(data: TrainingData) -> _Floats:
    """Returns one number per training row whose mean puts categories in order."""
    label = data.split("train").label
    if data.task.kind == "regression":
        return Target(data).scaled(label)
    # Of several classes only one can order: the most frequent one tells most.
    chosen = 1 if data.task.kind == "binary" else int(np.bincount(label).argmax())
    return np.asarray(label == chosen, np.float64)


def _coded(category: Category, arrays: Arrays) -> _Floats:
    """Returns the codes of rows; an index that there was none of is a new category, so it has NaN."""
    index = np.asarray(arrays.categorical[:, category.column])
    size = len(category.codes)
    known = (index >= 0) & (index < size)
    return np.where(known, category.codes[np.where(known, index, 0)], np.nan)


def _number(number: Number, arrays: Arrays) -> _Floats:
    """Returns the values of rows, held in the range of float32 so that infinite ones are not taken for missing."""
    values = np.clip(np.asarray(arrays.numeric[:, number.column], np.float64), -_LARGEST, _LARGEST)
    if number.indicator is None:
        return values
    return np.where(arrays.numeric[:, number.indicator] > 0.5, np.nan, values)
