"""Brings the values of columns to the types of `types`."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import numeric, texts, types
from tfx_automl.errors import DataError, one_line

_SECONDS_PER_DAY = 86_400
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def narrow(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Brings a column of any Arrow type to one of the few that `join` knows.

    Args:
        name: For messages.
        column: Without structs; see `flat.flatten`.

    Raises:
        DataError: The type has no place in tf.Example, or a value does not fit into 64 bits.
    """
    target = types.narrow_type(name, column.type)
    try:
        if pa.types.is_dictionary(column.type):
            return narrow(name, pc.cast(column, column.type.value_type))
        if target == types.BIG:
            return numeric.whole(column)
        if pa.types.is_string(target):
            return _checked(pc.cast(column, target))
        if column.type == target and not pa.types.is_string(types.item_type(target)):
            return column
        if pa.types.is_temporal(column.type):
            chunks = [pc.cast(chunk, target) for chunk in _whole_seconds(column)]
            return pa.chunked_array(chunks, target)
        if types.is_any_list(column.type):
            return _narrow_lists(name, column)
        if pa.types.is_decimal(column.type) or pa.types.is_float16(column.type):
            return numeric.as_floats(column)
        return pc.cast(column, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"column {name!r}: {one_line(error)}; convert it before, or leave it out.") from error


def _checked(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns text, or bytes where some program wrote what is not UTF-8 as text."""
    try:
        text.validate(full=True)
        return text
    except pa.ArrowInvalid:
        return pa.chunked_array([chunk.view(pa.binary()) for chunk in text.chunks], pa.binary())


def _narrow_lists(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Narrows the items of all chunks together, so that they get one type."""
    chunks = column.chunks or [pa.array([], column.type)]
    flat = [chunk.flatten() for chunk in chunks]
    items = narrow(name, pa.chunked_array(flat, column.type.value_type)).combine_chunks()
    starts = np.cumsum([0, *map(len, flat)])
    parts = [_flat_array(items).slice(start, len(part)) for start, part in zip(starts[:-1], flat, strict=True)]
    lists = [pa.ListArray.from_arrays(offsets(chunk), part) for chunk, part in zip(chunks, parts, strict=True)]
    return pa.chunked_array(lists)


def _whole_seconds(column: pa.ChunkedArray) -> list[pa.Array]:
    """Returns dates, times and durations as integer seconds, rounded down; the time zone is UTC, as Arrow stores it."""
    kind = column.type
    if pa.types.is_date32(kind):
        factor, per_second = _SECONDS_PER_DAY, 1
    else:
        unit = "ms" if pa.types.is_date64(kind) else str(kind).split("[")[1].split("]")[0].split(",")[0]
        factor, per_second = 1, _PER_SECOND[unit]
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    return [_divided(chunk.view(width), factor, per_second) for chunk in column.chunks]


def _divided(chunk: pa.Array, factor: int, divisor: int) -> pa.Array:
    values = pc.fill_null(chunk, 0).to_numpy(zero_copy_only=False).astype(np.int64) * factor // divisor
    return pa.array(values, mask=pc.is_null(chunk).to_numpy(zero_copy_only=False))


def widen(name: str, column: pa.ChunkedArray, joined: pa.DataType) -> pa.ChunkedArray:
    """Brings a column of a block to the type that holds for all of the data, as `stored_type` has it.

    Args:
        name: For messages.
        column: As `narrow` returns it.
        joined: The type that holds everywhere, or that the user gave.

    Raises:
        DataError: A value does not fit the type that the user gave.
    """
    if pa.types.is_list(joined):
        return _widen_list(name, column, joined)
    joined = pa.string() if joined == types.BIG else joined
    if column.type == joined or pa.types.is_null(column.type):
        return _to_stored(column, joined)
    try:
        return _to_stored(_cast(column, joined), joined)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"column {name!r}: a value is not of the type {joined} ({one_line(error)}).") from error


def _cast(column: pa.ChunkedArray, joined: pa.DataType) -> pa.ChunkedArray:
    if types.is_text(joined):
        return pc.cast(_as_text(column), joined)
    if pa.types.is_string(column.type):
        return _from_text(column, joined)
    if column.type == types.BIG and pa.types.is_floating(joined):
        return numeric.as_floats(column)
    if pa.types.is_temporal(column.type) != pa.types.is_temporal(joined) and not pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int64())  # seconds
    # Whole numbers among fractions are rounded, others must not be.
    return pc.cast(column, joined, safe=not (pa.types.is_integer(column.type) and pa.types.is_floating(joined)))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "true", "false")
    if column.type == types.BIG:
        return numeric.as_digits(column)
    return column if pa.types.is_binary(column.type) else pc.cast(column, pa.string())


def _from_text(text: pa.ChunkedArray, joined: pa.DataType) -> pa.ChunkedArray:
    """Takes each value for what it is by itself: 1.0 is a whole number, whatever text stands in other rows."""
    found = texts.infer(text)
    if pa.types.is_null(found.type):
        return pc.cast(found, joined)
    if not pa.types.is_string(found.type):
        return _cast(found, joined)
    encoded = _flat_array(text.combine_chunks()).dictionary_encode()
    alone = [texts.infer(pa.chunked_array([encoded.dictionary.slice(at, 1)])) for at in range(len(encoded.dictionary))]
    if len(alone) == 1 or any(pa.types.is_string(value.type) for value in alone):
        raise pa.ArrowInvalid("it is text")
    values = pa.concat_arrays([_flat_array(_cast(value, joined).combine_chunks()) for value in alone])
    return pa.chunked_array([pc.take(values, encoded.indices)])


def _to_stored(column: pa.ChunkedArray, joined: pa.DataType) -> pa.ChunkedArray:
    target = types.stored_type(joined)
    if pa.types.is_null(column.type):
        return pa.chunked_array([pa.nulls(len(column), target)], target)
    return pc.cast(column, target)


def _widen_list(name: str, column: pa.ChunkedArray, joined: pa.DataType) -> pa.ChunkedArray:
    target = types.stored_type(joined)
    if pa.types.is_null(column.type):
        return pa.chunked_array([pa.nulls(len(column), target)], target)
    chunks = []
    for chunk in column.chunks:
        if not pa.types.is_list(chunk.type):  # single values in a column that is a list elsewhere
            chunk = _listed(chunk)
        items = widen(name, pa.chunked_array([chunk.flatten()]), joined.value_type).combine_chunks()
        chunks.append(pa.ListArray.from_arrays(offsets(chunk), _flat_array(_without_nulls(name, items))))
    return pa.chunked_array(chunks, target)


def _flat_array(array: "pa.Array | pa.ChunkedArray") -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _without_nulls(name: str, items: pa.Array) -> pa.Array:
    """Missing items of a list: tf.Example has none, so numbers become NaN and texts empty."""
    if items.null_count == 0:
        return items
    if pa.types.is_integer(items.type):
        raise DataError(
            f"column {name!r}: a list of whole numbers has a missing item, which tf.Example cannot hold;"
            f" give the column the type float, where it becomes NaN."
        )
    filler = float("nan") if pa.types.is_floating(items.type) else (b"" if pa.types.is_binary(items.type) else "")
    return pc.fill_null(items, pa.scalar(filler, items.type))


def offsets(lists: pa.Array) -> pa.Array:
    """Returns the offsets of lists of any kind, from zero; a missing list has a missing offset."""
    return _starts(pc.fill_null(pc.list_value_length(lists), 0), pc.is_null(lists))


def _listed(values: pa.Array) -> pa.Array:
    """Returns each value as a list of one, and a missing value as a missing list."""
    return pa.ListArray.from_arrays(_starts(pc.is_valid(values), pc.is_null(values)), pc.drop_null(values))


def _starts(lengths: pa.Array, missing: pa.Array) -> pa.Array:
    ends = pc.cumulative_sum(pc.cast(lengths, pa.int32()))
    starts = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    return pc.if_else(pa.concat_arrays([missing, pa.array([False])]), pa.scalar(None, pa.int32()), starts)


def misfits(name: str, column: pa.ChunkedArray, given: pa.DataType) -> dict[int, str]:
    """Returns the positions of values that are not of the type that the user gave, each with the reason.

    Args:
        name: Of the column.
        column: As `narrow` returns it.
        given: As `given_types` returns it.
    """
    found: dict[int, str] = {}
    pending = [(0, len(column))]
    while pending:  # halves of halves: few rows are wrong among many
        start, stop = pending.pop()
        try:
            widen(name, column.slice(start, stop - start), given)
        except DataError:
            if stop - start == 1:
                found[start] = (
                    f"column {name!r}: {column[start].as_py()!r} is not of the type {given}; mend the value, or give"
                    " the column another type."
                )
            else:
                pending += [(start, (start + stop) // 2), ((start + stop) // 2, stop)]
    return found
