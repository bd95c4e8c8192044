"""Arrow tables to serialized tf.Examples, column by column.

A tf.Example is a map from names to lists; on the wire, each entry is a prefix that depends only on the name and on the
length of the list's bytes, then those bytes. So all prefixes and all bytes of a column are made at once, and Arrow
joins them row by row. tfx_bsl's C++ encoder, which builds a message per row, takes several times as long; and here the
same table always gives the same bytes.

The wire format is described at https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_ROWS_PER_BATCH = 8192
_FEW_LENGTHS = 1 << 12
_LENGTHS = npt.NDArray[np.int64]
# Tags (field number and wire type) of the messages Example, Features, Features.feature, Feature and *List.
_FIRST, _SECOND = b"\x0a", b"\x12"
_NOTHING = _SECOND + b"\0"
_BYTES, _FLOATS, _INTEGERS = b"\x0a", b"\x12", b"\x1a"


def encode(table: pa.Table) -> Iterator[pa.Array]:
    """Yields the serialized examples of a table, in batches of some thousand rows, as large_binary.

    Args:
        table: Columns of int64, float64, string, binary, or lists of them; nulls become empty features. Numbers with a
            fraction are written as float32, as tf.Example has it.
    """
    for batch in table.to_batches(max_chunksize=_ROWS_PER_BATCH):
        if batch.num_rows:
            yield _encode_batch(batch)


def _encode_batch(batch: pa.RecordBatch) -> pa.Array:
    parts: list[pa.Array] = []
    for name, column in sorted(zip(batch.schema.names, batch.columns, strict=True), key=lambda pair: pair[0]):
        parts += _entries(name.encode(), column)
    features = _join(batch.num_rows, parts)
    sizes = _lengths(features)
    return _join(batch.num_rows, [_by_length(sizes, lambda size: _FIRST + _varint(size)), features])


def _entries(name: bytes, column: pa.Array) -> list[pa.Array]:
    """Returns the prefixes and the bytes of one column's entries; where the value is missing, the entry is empty.

    It is there all the same, as stock ExampleGens have it: so a column that is missing everywhere is still known.
    """
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    if pa.types.is_list(column.type):
        counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        items = column.flatten()
    else:
        counts, items = valid.astype(np.int64), pc.drop_null(column)
    tag, is_packed, ends, content = _items(items)
    ends_of_rows = np.append(0, ends)[np.append(0, np.cumsum(counts))]
    sizes = np.where(valid, np.diff(ends_of_rows), -1)
    prefixes = _by_length(sizes, lambda size: _prefix(name, tag, is_packed, size))
    return [prefixes, _binary(ends_of_rows, content)]


def _items(items: pa.Array) -> tuple[bytes, bool, _LENGTHS, "pa.Buffer"]:
    """Returns the tag of the list, whether it is packed, where the bytes of each item end, and the bytes."""
    if pa.types.is_floating(items.type):
        values = items.to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):
            content = pa.py_buffer(np.ascontiguousarray(values.astype("<f4")))
        return _FLOATS, True, np.arange(1, len(items) + 1, dtype=np.int64) * 4, content
    if pa.types.is_integer(items.type):
        ends, content = _varints(items.to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64))
        return _INTEGERS, True, ends, content
    texts = pc.cast(pc.cast(items, pa.binary()), pa.large_binary())
    tagged = _join(len(texts), [_by_length(_lengths(texts), lambda size: _FIRST + _varint(size)), texts])
    ends, content = _ends(tagged)
    return _BYTES, False, ends, content


def _prefix(name: bytes, tag: bytes, is_packed: bool, size: int) -> bytes:
    """Returns what stands before the `size` bytes of a list's items in a feature's entry; -1 is for no list."""
    key = _FIRST + _varint(len(name)) + name
    if size < 0:
        return _FIRST + _varint(len(key) + len(_NOTHING)) + key + _NOTHING
    packed = _FIRST + _varint(size) if is_packed and size else b""
    list_ = tag + _varint(len(packed) + size) + packed
    value = _SECOND + _varint(len(list_) + size) + list_
    return _FIRST + _varint(len(key) + len(value) + size) + key + value


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _varints(numbers: "npt.NDArray[np.uint64]") -> tuple[_LENGTHS, "pa.Buffer"]:
    """Returns where the base-128 form of each number ends, and all of them one after another."""
    widths = np.ones(len(numbers), np.int64)
    rest = numbers >> np.uint64(7)
    while rest.any():
        widths += rest > 0
        rest = rest >> np.uint64(7)
    widest = int(widths.max(initial=1))
    digits = np.empty((len(numbers), widest), np.uint8)
    for position in range(widest):
        digit = (numbers >> np.uint64(7 * position)).astype(np.uint8) & 0x7F
        digits[:, position] = digit | ((widths > position + 1) * np.uint8(0x80))
    kept = digits if (widths == widest).all() else digits[np.arange(widest) < widths[:, None]]
    return np.cumsum(widths), pa.py_buffer(np.ascontiguousarray(kept))


def _by_length(sizes: _LENGTHS, make: Callable[[int], bytes]) -> pa.Array:
    """Returns for each row what is made of its size; rows of the same size share it."""
    distinct, which = _distinct(sizes)
    made = pa.array([make(int(size)) for size in distinct], pa.large_binary())
    return made.take(pa.array(which))


def _distinct(sizes: _LENGTHS) -> tuple[_LENGTHS, _LENGTHS]:
    """Returns what `np.unique` does with `return_inverse`, without sorting; sizes begin at -1."""
    if sizes.max(initial=-1) >= _FEW_LENGTHS:
        return np.unique(sizes, return_inverse=True)
    found = np.flatnonzero(np.bincount(sizes + 1))
    positions = np.zeros(_FEW_LENGTHS + 1, np.int64)
    positions[found] = np.arange(len(found))
    return found - 1, positions[sizes + 1]


def _join(rows: int, parts: list[pa.Array]) -> pa.Array:
    if not parts:
        return pa.array([b""] * rows, pa.large_binary())
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))


def _lengths(array: pa.Array) -> _LENGTHS:
    found: _LENGTHS = pc.binary_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _ends(array: pa.Array) -> tuple[_LENGTHS, "pa.Buffer"]:
    """Returns where each value of a large_binary array without an offset ends, and the bytes of all."""
    _, offsets, content = array.buffers()
    found = np.frombuffer(offsets, np.int64)[1 : len(array) + 1]
    return found, content if content is not None else pa.py_buffer(b"")


def _binary(bounds: _LENGTHS, content: "pa.Buffer") -> pa.Array:
    offsets = pa.py_buffer(np.ascontiguousarray(bounds, np.int64))
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, [None, offsets, content])
