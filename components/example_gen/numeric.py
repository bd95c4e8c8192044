"""Casts of numbers that Arrow refuses, or that it rounds wrongly."""

import contextlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import types

# Whole numbers and powers of ten up to these are exact as float64, so that their quotient is rounded but once.
_MOST_EXACT, _MOST_PLACES = 2**53, 22


def whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns whole numbers as int64, else as `types.BIG`, else as text: the first in which no digit is lost.

    Args:
        column: uint64 or decimals without a fraction.
    """
    for target in (pa.int64(), types.BIG):
        with contextlib.suppress(pa.ArrowInvalid):
            return pc.cast(column, target)
    return as_digits(column)


def as_digits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns whole numbers of any size as text."""
    digits = [
        None if value is None else format(value, "d" if isinstance(value, int) else "f") for value in _each(column)
    ]
    return pa.chunked_array([pa.array(digits, pa.string())])


def as_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns decimals or float16 as the nearest float64."""
    convert = _decimal_floats if pa.types.is_decimal(column.type) else _half_floats
    return pa.chunked_array([convert(chunk) for chunk in column.chunks], pa.float64())


def _each(column: pa.ChunkedArray) -> "list[object]":
    values: list[object] = column.to_pylist()
    return values


def _decimal_floats(chunk: pa.Array) -> pa.Array:
    """Divides the digits by the power of ten, where both are exact; Arrow's product is off by one unit at times."""
    words = chunk.type.byte_width // 8
    data = np.frombuffer(chunk.buffers()[1], "<i8").reshape(-1, words)[chunk.offset : chunk.offset + len(chunk)]
    missing = _missing(chunk)
    low = np.where(missing, 0, data[:, 0])
    fits = (data[:, 1:] == (data[:, :1] >> 63)).all(axis=1) & (low <= _MOST_EXACT) & (low >= -_MOST_EXACT)
    if 0 <= chunk.type.scale <= _MOST_PLACES and (fits | missing).all():
        return pa.array(low / 10.0**chunk.type.scale, mask=missing)
    return pa.array([None if value is None else float(value) for value in chunk.to_pylist()], pa.float64())


def _half_floats(chunk: pa.Array) -> pa.Array:
    data = np.frombuffer(chunk.buffers()[1], "<f2")[chunk.offset : chunk.offset + len(chunk)]
    return pa.array(data.astype(np.float64), mask=_missing(chunk))


def _missing(chunk: pa.Array) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_null(chunk).to_numpy(zero_copy_only=False)
    return found
