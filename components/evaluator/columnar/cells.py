"""Cells: the rows that agree in every sensitive feature. Every slice is made of whole cells."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.measured import SliceKey
from tfx_automl.components.evaluator.predictions import Column
from tfx_automl.models.groups import Group


@dataclass(frozen=True)
class Slicing:
    """The slices of one group of features.

    Attributes:
        keys: Of each slice its features and values, in TFMA's order: by the name of the feature.
        of_cell: Which slice each cell is in, shape [cells].
    """

    keys: tuple[SliceKey, ...]
    of_cell: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Cells:
    """How rows are divided.

    Attributes:
        of_row: The cell of each row, shape [rows].
        names: Of each cell the features and their values, by the name of the feature.
        slicings: All rows as one slice, then one for each group.
    """

    of_row: npt.NDArray[np.int32]
    names: tuple[SliceKey, ...]
    slicings: tuple[Slicing, ...]

    def __len__(self) -> int:
        return len(self.names)


def divide(features: Mapping[str, Column], groups: Sequence[Group], rows: int) -> Cells:
    """Divides rows into cells, and cells into slices.

    Args:
        features: The features of all groups.
        groups: Which features are sliced on together.
        rows: How many rows there are.
    """
    names = sorted({name for group in groups for name in group})
    values, of_row = _distinct([features[name].codes for name in names], rows)
    plain = [[features[name].values[code] for code in values[:, at]] for at, name in enumerate(names)]
    cells = tuple(tuple(zip(names, row, strict=True)) for row in zip(*plain, strict=True)) if names else ((),)
    everything = Slicing(((),), np.zeros(len(cells), np.int32))
    return Cells(of_row, cells, (everything, *(_slicing(cells, group) for group in groups)))


def _distinct(
    columns: Sequence[npt.NDArray[np.int32]], rows: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Returns the combinations of codes that occur, shape [cells, columns], and which one each row has."""
    of_row = np.zeros(rows, np.int64)
    for column in columns:  # renumbered after every column, so that the numbers stay below rows x values
        _, of_row = np.unique(of_row * (int(column.max(initial=0)) + 1) + column, return_inverse=True)
    count = int(of_row.max(initial=0)) + 1
    example = np.zeros(count, np.int64)
    example[of_row] = np.arange(rows)
    values = np.stack([column[example] for column in columns], axis=1) if columns else np.zeros((1, 0), np.int32)
    return values, of_row.astype(np.int32)


def _slicing(cells: Sequence[SliceKey], group: Group) -> Slicing:
    chosen = [tuple(pair for pair in cell if pair[0] in group) for cell in cells]
    keys = tuple(dict.fromkeys(chosen))
    number = {key: at for at, key in enumerate(keys)}
    return Slicing(keys, np.array([number[key] for key in chosen], np.int32))


def cell_hash(name: SliceKey) -> int:
    """Returns 64 bits that tell a cell from others, whatever else is evaluated: the same in every process."""
    text = json.dumps([[feature, type(value).__name__, str(value)] for feature, value in name])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
