"""Splits by sets of categories, as tables from a category to the side that it goes to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.models.trees.inputs import Category

Table = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]


def pack_sets(
    splits: npt.NDArray[Any], bits: npt.NDArray[np.uint32], sets: Sequence[Category]
) -> tuple[_Ints, tuple[Table, ...]]:
    """Makes the tables of all columns of sets.

    Args:
        splits: scikit-learn's nodes that split by a set, shape [splits].
        bits: For each of them the codes that go left, as bits, shape [splits, 8].
        sets: The columns.

    Returns:
        For every split its place among the columns of all tables, shape [splits]; and for every column of sets a table
        of what goes right: a row for each index and a last one for any other index, a column for each different set.
    """
    place, tables, start = np.zeros(len(splits), np.int64), list[Table](), 0
    for column, category in enumerate(sets):
        chosen = splits["feature_idx"] == column
        goes_right = _goes_right(bits[chosen], splits["missing_go_to_left"][chosen], category)
        different, inverse = np.unique(goes_right, axis=0, return_inverse=True)
        place[chosen] = start + inverse.reshape(-1)
        tables.append(np.ascontiguousarray(different.T))
        start += len(different)
    return place, tuple(tables)


def _goes_right(bits: npt.NDArray[np.uint32], missing_left: npt.NDArray[Any], category: Category) -> Table:
    """Returns 1 for every split and index that goes right, shape [splits, size + 1]."""
    if not len(bits):
        return np.zeros((0, len(category.codes) + 1), np.uint8)
    known = np.isfinite(category.codes)
    codes = np.where(known, category.codes, 0).astype(np.int64)
    goes_left = np.unpackbits(bits.astype("<u4").view(np.uint8), axis=1, bitorder="little")[:, codes]
    missing = missing_left.astype(np.uint8)[:, None]
    table = np.where(known, goes_left, missing)
    return np.asarray(1 - np.concatenate([table, missing], axis=1), np.uint8)
