"""The slow, careful look at a delimited text in which something is wrong, row by row; sound data never comes here."""

import csv
import io
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tfx_automl.components.example_gen.readers.base import Block, Rejected
from tfx_automl.components.example_gen.readers.chunks import LONGEST_ROW, lines_of

SAVE_AS_UTF8 = "save the file as UTF-8, for instance with `iconv -f latin1 -t utf-8`, or name its encoding."
NEVER_CLOSED = 'a quote is not closed at the end of its value; mend the row, and write quotes within values as "".'
# Python's csv refuses zero bytes before 3.11; half of a surrogate pair stands in for them, which no text holds.
_ZERO, _INSTEAD = "\0", "\ud800"


@dataclass(frozen=True)
class Row:
    """A row of a delimited text.

    Attributes:
        fields: Its values; none of an empty line, and of a row whose quotes are wrong.
        raw: As it stands in the file, with its line end.
        line: Number of its first line, counting from 1.
        sound: Whether its quotes are closed.
    """

    fields: list[str]
    raw: bytes
    line: int
    sound: bool = True


def rows_of(lines: Iterable[bytes], delimiter: str) -> Iterator[Row]:
    """Yields the rows of a delimited text.

    A quote within a value, as in `6" pipe`, stands for itself. A row whose quote is not closed where a value ends has
    no fields, and the next row begins on the next line, so that it takes no other rows with it.

    Args:
        lines: As `lines_of` yields them.
        delimiter: A single ASCII character.
    """
    csv.field_size_limit(sys.maxsize)
    feed = _Feed(lines, delimiter)
    while True:
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        try:
            for fields in reader:
                yield feed.take(fields)
            return
        except csv.Error:
            yield feed.take_first()


class _Feed:
    """Feeds lines to a csv reader, remembers which ones made the last row, and takes them back."""

    def __init__(self, lines: Iterable[bytes], delimiter: str) -> None:
        self._lines, self._delimiter = iter(lines), delimiter
        self._returned: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._size, self._number = 0, 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self._size > LONGEST_ROW:
            raise csv.Error
        line = self._returned.popleft() if self._returned else next(self._lines)
        self._taken.append(line)
        self._size += len(line)
        return _text(line)

    def take(self, fields: list[str], sound: bool = True) -> Row:
        """Returns the row that was just read."""
        row = Row(fields, b"".join(self._taken), self._number + 1, sound)
        self._number += len(self._taken)
        self._taken, self._size = [], 0
        return row

    def take_first(self) -> Row:
        """Returns the first line of the lines that make no row, and takes back the others."""
        first, *others = self._taken
        self._returned.extendleft(reversed(others))
        self._taken = [first]
        # What follows a closing quote is part of the value, where all is on one line and nothing else is lost.
        read = list(csv.reader([_text(first), "x"], delimiter=self._delimiter))
        return self.take(read[0] if len(read) == 2 else [], sound=len(read) == 2)


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="surrogateescape").replace(_ZERO, _INSTEAD)


class _Rewriter:
    """Writes rows anew, with quotes where they belong; each takes as many lines as before."""

    def __init__(self, delimiter: str) -> None:
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator="\r\n")
        self.write = self._writer.writerow

    def size(self) -> int:
        """Returns about how many bytes there are."""
        return self._text.tell()

    def take(self) -> bytes:
        """Returns what was written, and begins anew."""
        written = self._text.getvalue().replace(_INSTEAD, _ZERO).encode("utf-8", errors="surrogateescape")
        self._text.seek(0)
        self._text.truncate()
        return written


def without_bad_rows(data: bytes, block: Block, delimiter: str, rejected: list[Rejected]) -> bytes:
    """Returns a piece without the rows that have another number of columns, are not UTF-8, or do not close a quote.

    Args:
        data: Whole rows.
        block: Where they are from.
        delimiter: A single ASCII character.
        rejected: Takes the rows that are left out.
    """
    kept = _Rewriter(delimiter)
    number = 0
    for row in rows_of(lines_of(io.BytesIO(data)), delimiter):
        if row.sound and not row.fields:
            continue
        number += 1
        reason = _reason(row, len(block.names), delimiter)
        if reason is None:
            kept.write(row.fields)
        else:
            shown = row.raw.decode("utf-8", errors="replace").rstrip("\r\n")
            rejected.append(Rejected(block.path, number, reason, shown, row.line))
    return kept.take()


def _reason(row: Row, expected: int, delimiter: str) -> str | None:
    if not row.sound:
        return NEVER_CLOSED
    if len(row.fields) != expected:
        return (
            f"{len(row.fields)} columns where {expected} are expected; mend the row, or quote values that hold"
            f" {delimiter!r}."
        )
    try:
        row.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} is not UTF-8; {SAVE_AS_UTF8}"
    return None


def regular_pieces(stream: BinaryIO, size: int, delimiter: str) -> Iterator[tuple[bytes, int]]:
    """Yields the rows of a text with irregular quotes, such as `6" pipe`, written anew with regular ones.

    A row that does not close a quote is a piece by itself, as it is: its number of quotes is odd.

    Args:
        stream: Where a row begins.
        size: About how many bytes a piece has.
        delimiter: A single ASCII character.

    Yields:
        A piece, and how many bytes of the stream it stands for.
    """
    kept, used = _Rewriter(delimiter), 0
    for row in rows_of(lines_of(stream), delimiter):
        if not row.sound or kept.size() >= size:
            if used:
                yield kept.take(), used
            used = 0
        if row.sound:
            kept.write(row.fields)
            used += len(row.raw)
        else:
            yield row.raw, len(row.raw)
    if used:
        yield kept.take(), used
