"""Cuts a text stream into pieces that end where a row ends."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_NEAR_THE_END = 1 << 16
_CHUNK = 1 << 20
#: A row of more bytes is taken for one whose quote is never closed.
LONGEST_ROW = 1 << 27


class IrregularQuotesError(Exception):
    """A quote stands where it neither begins nor ends a value, so that counting quotes does not tell where rows end."""


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yields the lines of a text with their ends, which may be those of Unix, of Windows, or of old Macs."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        lines = (rest + chunk).splitlines(keepends=True)
        # A carriage return at the end may be the first half of a line end.
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        yield from lines
    if rest:
        yield rest


def count_lines(stream: BinaryIO, size: int) -> int:
    """Returns how many lines end in the next `size` bytes of a text."""
    lines, last = 0, b""
    while size and (chunk := stream.read(min(size, _CHUNK))):
        halves = chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
        lines, size, last = lines + chunk.count(b"\n") + chunk.count(b"\r") - halves, size - len(chunk), chunk[-1:]
    return lines


def line_pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yields pieces of about `size` bytes that end with a line; for formats whose lines are rows."""
    rest = b""
    while chunk := stream.read(max(size, len(rest))):  # twice as much each time, for the sake of long rows
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
    while chunk := stream.read(max(size, len(rest))):  # twice as much each time, for the sake of long rows
        data = rest + chunk
        end = _end_of_last_row(data, delimiter)
        if end:
            yield data[:end]
        elif len(data) > LONGEST_ROW:
            raise IrregularQuotesError
        rest = data[end:]
    if rest:
        _check_quotes(np.frombuffer(rest, np.uint8), delimiter, complete=True)
        yield rest


def _end_of_last_row(data: bytes, delimiter: str) -> int:
    """Returns where the last complete row ends, 0 if none does."""
    if b'"' not in data:
        return (data.rfind(b"\n") + 1) or _end_of_old_line(data)
    array = np.frombuffer(data, np.uint8)
    quotes = _check_quotes(array, delimiter, complete=False)
    return _last_outside(array, quotes, _NEWLINE) or _last_outside(array[: _end_of_old_line(data)], quotes, _RETURN)


def _end_of_old_line(data: bytes) -> int:
    """Returns where the last line ends by a lone carriage return; the very last byte may be half of another end."""
    return data.rfind(b"\r", 0, len(data) - 1) + 1


def _last_outside(array: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], end: int) -> int:
    """Returns where the last line ends that does so outside of quotes, 0 if none does."""
    start = max(0, len(array) - _NEAR_THE_END)
    while True:
        newlines = np.flatnonzero(array[start:] == end) + start
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
