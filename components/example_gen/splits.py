"""Divides rows into splits by a hash of their contents.

Never depends on the order of the rows, on the machine or on the process: the same rows go to the same split. Identical
rows always stay together, so that no row of the test split was seen in training.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.errors import DataError

Indices = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_PRIME_1, _PRIME_2, _PRIME_3 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_NULL = np.uint64(0x2545F4914F6CDD1D)


def _mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit changes about half of the output."""
    values = (values ^ (values >> np.uint64(30))) * _PRIME_2
    values = (values ^ (values >> np.uint64(27))) * _PRIME_3
    return values ^ (values >> np.uint64(31))


def hash_rows(table: pa.Table) -> Hashes:
    """Returns one 64-bit hash per row, a function of the names, the values and what is missing.

    Args:
        table: Columns of numbers, text or binary.

    Returns:
        Shape [rows]. The order of the columns does not matter.
    """
    total = np.zeros(table.num_rows, np.uint64)
    with np.errstate(over="ignore"):
        for name in sorted(table.column_names):
            total = _mix(total * _PRIME_1 + _hash_column(table[name]))
    return total


def _hash_column(column: pa.ChunkedArray) -> Hashes:
    """Hashes the distinct values once, then spreads them over the rows."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    values = _hash_values(encoded.dictionary)
    codes = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    hashes: Hashes = np.append(values, _NULL)[codes]
    return hashes


def _hash_values(values: pa.Array) -> Hashes:
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        bits = (
            values.to_numpy(zero_copy_only=False).astype(np.float64) + 0.0
        )  # 1 and 1.0 are one value, so are 0 and -0
        return _mix(bits.view(np.uint64))
    return _hash_bytes(values.cast(pa.binary()))


def _hash_bytes(values: pa.Array) -> Hashes:
    """A polynomial hash over the bytes of each value, for all values at once."""
    lengths = pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64)
    if len(lengths) == 0:
        return np.zeros(0, np.uint64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    flat = np.frombuffer(b"".join(values.to_pylist()), np.uint8).astype(np.uint64)
    result: Hashes = lengths.astype(np.uint64)
    # One step per position, for all the values that are long enough, longest first: the work is the number of bytes.
    order = np.argsort(-lengths, kind="stable")
    longer = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
    for position, count in enumerate(longer):
        rows = order[:count]
        result[rows] = result[rows] * _PRIME_1 + flat[starts[rows] + position] + np.uint64(1)
    return _mix(result)


def split_rows(
    table: pa.Table, ratios: Mapping[str, int], stratify_by: str | None, key: str | None = None
) -> dict[str, Indices]:
    """Divides the rows in exact shares.

    Within each class (or over all rows), rows are put in the order of their hash and cut at the shares.

    Args:
        table: All rows.
        ratios: The share of each split, whole numbers above zero.
        stratify_by: A column whose values each get the same shares; None does not stratify.
        key: A column to hash instead of the whole row: rows with the same key stay together.

    Returns:
        For each split the positions of its rows, ascending. A class with at least as many distinct rows as there are
        splits has a row in each of them.

    Raises:
        DataError: A split stays empty, or there is no such key.
    """
    if key is not None and key not in table.column_names:
        raise DataError(f"There is no column {key!r} to divide by; the columns are {', '.join(table.column_names)}.")
    hashes = hash_rows(table if key is None else table.select([key]))
    groups = _codes(table[stratify_by]) if stratify_by is not None else np.zeros(table.num_rows, np.int64)
    assigned = _assign(hashes, groups, np.array(list(ratios.values()), np.float64))
    splits = {name: np.flatnonzero(assigned == number) for number, name in enumerate(ratios)}
    empty = [name for name, rows in splits.items() if not len(rows)]
    if empty:
        raise DataError(f"{table.num_rows} rows cannot fill the splits {dict(ratios)}: {', '.join(empty)} stays empty.")
    return splits


def _codes(column: pa.ChunkedArray) -> Indices:
    encoded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes: Indices = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _assign(hashes: Hashes, groups: Indices, shares: npt.NDArray[np.float64]) -> Indices:
    """Returns the number of the split of each row."""
    order = np.lexsort((hashes, groups))
    sorted_hashes, sorted_groups = hashes[order], groups[order]
    starts = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    assigned = np.empty(len(hashes), np.int64)
    for start, stop in zip(starts, np.r_[starts[1:], len(order)], strict=True):  # once per class, not per row
        assigned[order[start:stop]] = _cut(sorted_hashes[start:stop], shares)
    return assigned


def _cut(sorted_hashes: Hashes, shares: npt.NDArray[np.float64]) -> Indices:
    """Cuts one class: distinct hashes get a rank, and ranks are cut at the shares, at least one for each split."""
    first = np.r_[True, sorted_hashes[1:] != sorted_hashes[:-1]]
    ranks = np.cumsum(first) - 1
    distinct = int(ranks[-1]) + 1
    # The middle of each rank's share of the rows decides, so that a large pile of identical rows counts for what it is.
    middles = (np.flatnonzero(first) + np.r_[np.flatnonzero(first)[1:], len(first)]) / 2 / len(first)
    numbers = np.searchsorted(np.cumsum(shares)[:-1] / shares.sum(), middles, side="right")
    if distinct >= len(shares):
        numbers = _fill_empty(numbers, len(shares))
    assigned: Indices = numbers[ranks]
    return assigned


def _fill_empty(numbers: Indices, splits: int) -> Indices:
    """Moves the cuts as little as needed so that every split has a rank; there are at least as many ranks as splits."""
    cuts = np.searchsorted(numbers, np.arange(1, splits))
    for split in range(1, splits):
        cuts[split - 1] = max(cuts[split - 1], split, cuts[split - 2] + 1 if split > 1 else 0)
    for split in range(splits - 1, 0, -1):
        cuts[split - 1] = min(cuts[split - 1], len(numbers) - (splits - split))
    return np.searchsorted(cuts, np.arange(len(numbers)), side="right")
