"""Divides rows into splits by a hash of their contents, of a key, or by their time.

Never depends on the order of the rows, on the machine or on the number of processes: the same rows go to the same
split. Identical rows always stay together, so that no row of the test split was seen in training.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen.hashing import Hashes, hash_rows
from tfx_automl.components.example_gen.values import as_text
from tfx_automl.errors import DataError

Indices = npt.NDArray[np.int64]
# Different numbers in order, and how many rows each has.
_Counted = tuple[Hashes, Indices]

# Up to so many different rows, or keys, a group (all rows of a class, or all rows) is cut at the exact share. Beyond,
# shares of the range of the hash are exact to less than 0.2 % (four standard deviations), and need no memory.
MOST_EXACT = 1 << 20
_NO_GROUP = ""
_NEVER = np.uint64(2**64 - 1)
_SIGN = 2**63


@dataclass(frozen=True)
class Rule:
    """How rows are divided.

    Attributes:
        ratios: Share of each split, whole numbers above zero.
        by: `row` hashes whole rows, `key` a column; `time` puts the latest rows into the last splits.
        column: The column of `key` or `time`.
        stratify_by: A column each of whose values gets the same shares; only with `row`.

    Raises:
        DataError: There is no column where one is needed.
    """

    ratios: Mapping[str, int]
    by: Literal["row", "key", "time"] = "row"
    column: str | None = None
    stratify_by: str | None = None

    @property
    def columns(self) -> set[str]:
        """The columns that a table must have."""
        return {name for name in (self.column, self.stratify_by) if name is not None}

    def __post_init__(self) -> None:
        if (self.by == "row") == (self.column is not None):
            raise DataError(
                f"Dividing by {self.by} needs {'no' if self.by == 'row' else 'a'} column, got {self.column!r}."
            )


@dataclass(frozen=True)
class Keys:
    """What decides about the rows of a table.

    Attributes:
        order: Rows with a smaller number come first; shape [rows].
        groups: Which rows are cut together, as codes into `names`; shape [rows], in as few bytes as there are names.
        names: Of the groups.
    """

    order: Hashes
    groups: npt.NDArray[np.unsignedinteger[Any]]
    names: tuple[str, ...]

    def together(self) -> "Keys":
        """Returns the same with all rows in one group."""
        return Keys(self.order, np.zeros(len(self.order), np.uint8), (_NO_GROUP,))


def keys_of(table: pa.Table, rule: Rule) -> Keys:
    """Returns what decides about the rows.

    Args:
        table: Rows in the types in which they are stored.
        rule: How they are divided.

    Raises:
        DataError: The table has no such column, or it holds no times.
    """
    for name in (rule.column, rule.stratify_by):
        if name is not None and name not in table.column_names:
            raise DataError(
                f"There is no column {name!r} to divide by; the columns are {', '.join(table.column_names)}."
            )
    if rule.by == "time":
        order = _times(table[str(rule.column)], str(rule.column))
    else:
        order = np.minimum(
            hash_rows(table if rule.column is None else table.select([rule.column])), _NEVER - np.uint64(1)
        )
    if rule.stratify_by is None:
        return Keys(order, np.zeros(table.num_rows, np.uint8), (_NO_GROUP,))
    encoded = as_text(table[rule.stratify_by]).combine_chunks()
    encoded = (encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded).dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return Keys(
        order, codes.astype(np.min_scalar_type(len(encoded.dictionary))), (*encoded.dictionary.to_pylist(), _NO_GROUP)
    )


def _times(column: pa.ChunkedArray, name: str) -> Hashes:
    """Returns times as numbers in their order; rows without a time come first."""
    if column.null_count == len(column):
        column = pa.chunked_array([pa.nulls(len(column), pa.int64())])
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise DataError(f"The column {name!r} holds {column.type}; dividing by time needs dates, times or numbers.")
    if pa.types.is_floating(column.type):
        bits = pc.fill_null(column, float("-inf")).to_numpy().astype(np.float64).view(np.int64)
        ordered = np.where(bits < 0, ~bits ^ np.int64(-_SIGN), bits)  # the order of floats is that of their bits
    else:
        ordered = pc.fill_null(column, -_SIGN).to_numpy().astype(np.int64)
    return ordered.view(np.uint64) ^ np.uint64(_SIGN)


@dataclass(frozen=True)
class Cuts:
    """Where the splits begin.

    Attributes:
        names: Of the splits.
        starts: By group: the first number of each split but the first; shape [splits - 1].
    """

    names: tuple[str, ...]
    starts: Mapping[str, Hashes]

    def assign(self, keys: Keys) -> Indices:
        """Returns the number of the split of each row."""
        nowhere = np.full(len(self.names) - 1, _NEVER)  # of a group without rows
        table = np.array([self.starts.get(name, nowhere) for name in keys.names])
        numbers: Indices = (keys.order[:, None] >= table[keys.groups]).sum(axis=1)
        return numbers


@dataclass
class CutFinder:
    """Collects the keys of all rows, block by block, in any order, and finds the cuts.

    Attributes:
        rule: How rows are divided.
    """

    rule: Rule
    _parts: dict[str, list[_Counted]] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _too_many: set[str] = field(default_factory=set)

    def add(self, keys: Keys) -> None:
        """Takes the keys of some rows, or of none."""
        if len(keys.order) == 0:
            return
        by_group = np.argsort(keys.groups, kind="stable")
        codes, starts = np.unique(keys.groups[by_group], return_index=True)
        for code, rows in zip(codes, np.split(by_group, starts[1:]), strict=True):
            name, part = keys.names[code], keys.order[rows]
            self._sizes[name] = self._sizes.get(name, 0) + len(part)
            if name not in self._too_many:
                self._keep(name, np.unique(part, return_counts=True))

    def _keep(self, name: str, part: _Counted) -> None:
        parts = self._parts.setdefault(name, [])
        parts.append(part)
        if self.rule.by == "time" or sum(len(numbers) for numbers, _ in parts) <= MOST_EXACT:
            return
        parts[:] = [_merged(parts)]
        if len(parts[0][0]) > MOST_EXACT:
            del self._parts[name]
            self._too_many.add(name)

    def cuts(self) -> Cuts:
        """Returns the cuts for all rows that were added.

        Raises:
            DataError: A split stays empty.
        """
        names = tuple(self.rule.ratios)
        shares = np.array([self.rule.ratios[name] for name in names], np.float64)
        filled = np.zeros(len(names), np.bool_)
        starts: dict[str, Hashes] = {}
        for group in self._sizes:
            if group in self._too_many:
                fractions = np.cumsum(shares)[:-1] / shares.sum()
                starts[group] = (fractions * 2.0**64).astype(np.uint64)
                filled[:] = True
                continue
            ordered, counts = _merged(self._parts[group])
            numbers = _cut(counts, shares)
            filled[np.unique(numbers)] = True
            first = np.searchsorted(numbers, np.arange(1, len(names)))
            starts[group] = np.append(ordered, _NEVER)[first]
        empty = [name for name, is_filled in zip(names, filled, strict=True) if not is_filled]
        if empty:
            raise DataError(
                f"{sum(self._sizes.values())} rows, of which those alike stay together, cannot fill the splits"
                f" {dict(self.rule.ratios)}: {', '.join(empty)} stays empty."
            )
        return Cuts(names, starts)


def _merged(parts: list[_Counted]) -> _Counted:
    """Returns the different numbers of all parts in order, and how many rows each has."""
    numbers, which = np.unique(np.concatenate([part for part, _ in parts]), return_inverse=True)
    counts = np.bincount(which, np.concatenate([counts for _, counts in parts]), len(numbers))
    return numbers, counts.astype(np.int64)


def _cut(counts: Indices, shares: npt.NDArray[np.float64]) -> Indices:
    """Cuts one group at the shares; each split has at least one of its numbers, as far as there are enough.

    Args:
        counts: Rows of each number, in order.
        shares: Of the splits.

    Returns:
        The split of each number.
    """
    ends = np.cumsum(counts)
    # The middle of each number's share of the rows decides, so that a large pile of equal rows counts for what it is.
    middles = (2 * ends - counts) / 2 / ends[-1]
    numbers: Indices = np.searchsorted(np.cumsum(shares)[:-1] / shares.sum(), middles, side="right")
    return _fill_empty(numbers, len(shares)) if len(counts) >= len(shares) else numbers


def _fill_empty(numbers: Indices, splits: int) -> Indices:
    """Moves the cuts as little as needed so that every split has a rank; there are at least as many ranks as splits."""
    cuts = np.searchsorted(numbers, np.arange(1, splits))
    for split in range(1, splits):
        cuts[split - 1] = max(cuts[split - 1], split, cuts[split - 2] + 1 if split > 1 else 0)
    for split in range(splits - 1, 0, -1):
        cuts[split - 1] = min(cuts[split - 1], len(numbers) - (splits - split))
    return np.searchsorted(cuts, np.arange(len(numbers)), side="right")
