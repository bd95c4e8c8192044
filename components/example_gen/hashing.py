"""A hash of each row that depends on nothing but its values."""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

_PRIME_1, _PRIME_2, _PRIME_3 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_NULL = np.uint64(0x2545F4914F6CDD1D)
_LONG = 64  # bytes; longer values, such as images, are digested one by one


def hash_rows(table: pa.Table) -> Hashes:
    """Returns one 64-bit hash per row, a function of the names, the values and what is missing.

    Args:
        table: Columns of numbers, text, binary, or lists of them.

    Returns:
        Shape [rows]. The order of the columns does not matter; 1 and 1.0 are one value, and whole numbers beyond 2^53
        that round to the same float64 are. A missing value counts, unlike a column that is not there.
    """
    total = np.zeros(table.num_rows, np.uint64)
    with np.errstate(over="ignore"):
        for name in sorted(table.column_names):
            column = table[name].combine_chunks()
            array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            total = _mix(total * _PRIME_1 + _hash_array(array))
    return total


def _mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit changes about half of the output."""
    values = (values ^ (values >> np.uint64(30))) * _PRIME_2
    values = (values ^ (values >> np.uint64(27))) * _PRIME_3
    return values ^ (values >> np.uint64(31))


def _hash_array(array: pa.Array) -> Hashes:
    if pa.types.is_null(array.type):
        return np.full(len(array), _NULL)
    if pa.types.is_list(array.type):
        hashes = _hash_lists(array)
    elif pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        hashes = _hash_numbers(array)
    else:
        return _hash_texts(array)
    if array.null_count:
        hashes = np.where(pc.is_null(array).to_numpy(zero_copy_only=False), _NULL, hashes)
    return hashes


def _hash_numbers(array: pa.Array) -> Hashes:
    values = pc.fill_null(array, 0).to_numpy(zero_copy_only=False).astype(np.float64) + 0.0  # 0 and -0 are one value
    return _mix(values.view(np.uint64))


def _hash_texts(array: pa.Array) -> Hashes:
    """Hashes the distinct values once, then spreads them over the rows."""
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    hashes: Hashes = np.append(_hash_bytes(encoded.dictionary), _NULL)[codes]
    return hashes


def _hash_bytes(values: pa.Array) -> Hashes:
    """A polynomial hash over the bytes of each value, for all short values at once."""
    values = pc.cast(pc.cast(values, pa.binary()), pa.large_binary())
    if len(values) == 0:
        return np.zeros(0, np.uint64)
    _, offsets_buffer, data = values.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[values.offset : values.offset + len(values) + 1]
    starts, lengths = offsets[:-1], np.diff(offsets)
    flat = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    result: Hashes = lengths.astype(np.uint64)
    short = np.where(lengths <= _LONG, lengths, 0)
    # One step per position, for all the values that are long enough, longest first: the work is the number of bytes.
    order = np.argsort(-short, kind="stable")
    longer = len(short) - np.searchsorted(np.sort(short), np.arange(short.max()), side="right")
    for position, count in enumerate(longer):
        rows = order[:count]
        result[rows] = result[rows] * _PRIME_1 + flat[starts[rows] + position].astype(np.uint64) + np.uint64(1)
    for row in np.flatnonzero(lengths > _LONG):
        digest = hashlib.blake2b(flat[starts[row] : offsets[row + 1]].tobytes(), digest_size=8).digest()
        result[row] = int.from_bytes(digest, "little")
    return _mix(result)


def _hash_lists(array: pa.Array) -> Hashes:
    """Hashes each item with its position, and adds up the items of each list."""
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum(lengths)
    items = _hash_array(array.flatten())
    positions = np.arange(len(items)) - np.repeat(ends - lengths, lengths)
    sums = np.append(np.uint64(0), np.cumsum(_mix(items + positions.astype(np.uint64) * _PRIME_1), dtype=np.uint64))
    return _mix(sums[ends] - sums[ends - lengths] + lengths.astype(np.uint64) * _PRIME_3)
