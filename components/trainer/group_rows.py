"""Which slice of a group the rows are in that a model is judged on, with the raw values that make the slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.data import Inputs
from tfx_automl.components.groups import raw_values
from tfx_automl.components.sensitive import MISSING, cut_values
from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData
from tfx_automl.models.group_thresholds import Parity, Value
from tfx_automl.models.groups import group_text
from tfx_automl.models.parity import comparable
from tfx_automl.models.raw_tensors import MISSING_INTEGER

# Of every split that an estimate may come from: the folds of a cross-validation are made of both.
_SPLITS = ("train", "eval")


@dataclass(frozen=True)
class GroupRows:
    """The rows of train and eval by slice.

    Attributes:
        parity: What is to be equal, between the slices of which group.
        types: Of each feature of the group `text`, `int` or `float`: of its raw values.
        slices: The values of each slice, one of each feature.
        codes: By split, which slice each row is in; -1 for a row with a missing value; shape [rows].
    """

    parity: Parity
    types: tuple[str, ...]
    slices: tuple[tuple[Value, ...], ...]
    codes: Mapping[str, npt.NDArray[np.int64]]

    def of(self, folds: int) -> npt.NDArray[np.int64]:
        """Returns the slices of the rows that a model is judged on: of the eval split, or of all folds."""
        return np.concatenate([self.codes[split] for split in _SPLITS]) if folds > 1 else self.codes["eval"]


def read_group_rows(data: TrainingData, parity: Parity, inputs: Inputs) -> GroupRows:
    """Reads the group of every row from raw examples.

    Args:
        data: The arrays, with groups.
        parity: What is to be equal.
        inputs: Of the component, as for `groups.with_groups`.

    Raises:
        ModelError: Fewer than two slices can be compared on the eval split.
    """
    parts = [raw_values(data, parity.group, inputs, split) for split in _SPLITS]
    lengths = [len(part[data.task.label]) for part in parts]
    columns = [_column([part[name] for part in parts], name, data.groups.cuts.get(name)) for name in parity.group]
    slices, codes = _slices([column.values for column in columns], [column.codes for column in columns])
    by_split = dict(zip(_SPLITS, np.split(codes, [lengths[0]]), strict=True))
    found = GroupRows(parity, tuple(column.type for column in columns), slices, by_split)
    _check(found, data)
    return found


@dataclass(frozen=True)
class _Column:
    """A feature: its type, its different values, and which of them each row has, -1 where it is missing."""

    type: str
    values: tuple[Value, ...]
    codes: npt.NDArray[np.int64]


def _column(parts: Sequence[pa.Array], name: str, points: Sequence[float] | None) -> _Column:
    type_ = next((part.type for part in parts if not pa.types.is_null(part.type)), pa.utf8())
    joined = pa.concat_arrays([part.cast(type_) for part in parts])
    encoded = (joined if points is None else cut_values(joined, points, name)).dictionary_encode()
    values: dict[Value, int] = {}
    numbers = [
        -1 if _is_missing(value) else values.setdefault(value, len(values)) for value in encoded.dictionary.to_pylist()
    ]
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    kind = "float" if pa.types.is_floating(type_) else "int" if pa.types.is_integer(type_) else "text"
    return _Column(kind, tuple(values), np.array([*numbers, -1], np.int64)[codes])


def _is_missing(value: Any) -> bool:
    """Tells whether a value is what stands for a missing one, in a request or in a report."""
    return value in ("", MISSING, MISSING_INTEGER) or value != value


def _slices(
    values: Sequence[Sequence[Value]], codes: Sequence[npt.NDArray[np.int64]]
) -> tuple[tuple[tuple[Value, ...], ...], npt.NDArray[np.int64]]:
    """Returns the combinations of values that occur, and which of them each row has, -1 where one is missing."""
    table = np.stack(codes, axis=1)
    whole = (table >= 0).all(axis=1)
    combinations, place = np.unique(table[whole], axis=0, return_inverse=True)
    found = np.full(len(table), -1, np.int64)
    found[whole] = place.reshape(-1)
    slices = tuple(tuple(column[at] for column, at in zip(values, row, strict=True)) for row in combinations.tolist())
    return slices, found


def _check(rows: GroupRows, data: TrainingData) -> None:
    smallest, codes = data.groups.min_slice_size, rows.codes["eval"]
    compared = comparable(rows.parity.criterion, data.split("eval").label, codes, smallest)
    if compared.sum() < 2:
        sizes = np.sort(np.bincount(codes[codes >= 0]))[::-1][:5]
        raise ModelError(
            f"group_thresholds: {rows.parity} compares at least two groups of {group_text(rows.parity.group)} with"
            f" {smallest} rows or more{_needed(rows.parity)} in the eval split, which has {compared.sum()} of these"
            f" (rows of its groups, the largest first: {', '.join(map(str, sizes))}). Give the eval split a larger"
            " share of the rows, lower min_slice_size, or leave group_thresholds out."
        )


def _needed(parity: Parity) -> str:
    rates = {"tpr": "some of them positive", "fpr": "some of them negative"}
    return "".join(f", {rates[name]}" for name in parity.criterion.rates if name in rates)
