"""Cuts a text stream into pieces that end where a row ends."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_NEAR_THE_END = 1 << 16
_LONGEST_ROW = 1 << 30


class IrregularQuotesError(Exception):
    """A quote stands where it neither begins nor ends a value, so that counting quotes does not tell where rows end."""


def line_pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yields pieces of about `size` bytes that end with a line; for formats whose lines are rows."""
    rest = b""
    while chunk := stream.read(size):
        data = rest + chunk
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
        rest = data[end:]
    if rest:
        yield rest


def row_pieces(stream: BinaryIO, size: int, delimiter: str) -> Iterator[bytes]:
    """Yields pieces of about `size` bytes that end with a row of a delimited text; quoted values may hold newlines.

    Args:
        stream: Where a row begins.
        size: In bytes.
        delimiter: A single ASCII character.

    Raises:
        IrregularQuotesError: A quote stands in the middle of a value.
    """
    rest = b""
    while chunk := stream.read(size):
        data = rest + chunk
        end = _end_of_last_row(data, delimiter)
        if end:
            yield data[:end]
        elif len(data) > _LONGEST_ROW:
            raise IrregularQuotesError
        rest = data[end:]
    if rest:
        _check_quotes(np.frombuffer(rest, np.uint8), delimiter, complete=True)
        yield rest


def _end_of_last_row(data: bytes, delimiter: str) -> int:
    """Returns where the last complete row ends, 0 if none does."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    array = np.frombuffer(data, np.uint8)
    quotes = _check_quotes(array, delimiter, complete=False)
    start = max(0, len(data) - _NEAR_THE_END)
    while True:
        newlines = np.flatnonzero(array[start:] == _NEWLINE) + start
        outside = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        if len(outside):
            return int(outside[-1]) + 1
        if start == 0:
            return 0
        start = max(0, start - 16 * _NEAR_THE_END)


def _check_quotes(array: npt.NDArray[np.uint8], delimiter: str, complete: bool) -> npt.NDArray[np.int64]:
    """Returns the positions of the quotes, after making sure that they open and close values in turn."""
    quotes = np.flatnonzero(array == _QUOTE)
    before = np.where(quotes > 0, array[quotes - 1], _NEWLINE)[0::2]
    last = len(array) - 1
    after = np.where(quotes < last, array[np.minimum(quotes + 1, last)], _NEWLINE)[1::2]
    allowed = np.array([_QUOTE, _NEWLINE, _RETURN, ord(delimiter)], np.uint8)
    if not (np.isin(before, allowed).all() and np.isin(after, allowed).all()) or (complete and len(quotes) % 2):
        raise IrregularQuotesError
    return quotes
