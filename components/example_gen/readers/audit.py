"""The slow, careful look at a delimited text in which something is wrong, row by row; sound data never comes here."""

import csv
import io
import sys
from collections.abc import Iterator
from typing import BinaryIO

from tfx_automl.components.example_gen.readers.base import Block, Rejected

SAVE_AS_UTF8 = "save the file as UTF-8, for instance with `iconv -f latin1 -t utf-8`, or name its encoding."


def without_bad_rows(data: bytes, block: Block, delimiter: str, rejected: list[Rejected]) -> bytes:
    """Returns a piece without the rows that have another number of columns or are not UTF-8.

    Args:
        data: Whole rows.
        block: Where they are from.
        delimiter: A single ASCII character.
        rejected: Takes the rows that are left out.
    """
    kept = io.StringIO()
    writer = csv.writer(kept, delimiter=delimiter, lineterminator="\n")
    lines = _Lines(data)
    row_number = 0
    for row in _rows(lines, delimiter):
        first_line, text = lines.take()
        if not row:
            continue
        row_number += 1
        reason = _reason(row, text, len(block.names), delimiter)
        if reason is None:
            writer.writerow(row)
        else:
            shown = text.decode("utf-8", errors="replace").rstrip("\r\n")
            rejected.append(Rejected(block.path, row_number, reason, shown, first_line))
    return kept.getvalue().encode("utf-8", errors="surrogateescape")


def _reason(row: list[str], text: bytes, expected: int, delimiter: str) -> str | None:
    if len(row) != expected:
        return (
            f"{len(row)} columns where {expected} are expected; mend the row, or quote values that hold {delimiter!r}."
        )
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} is not UTF-8; {SAVE_AS_UTF8}"
    return None


class _Lines:
    """Feeds lines to a csv reader and remembers which ones made the last row."""

    def __init__(self, data: bytes) -> None:
        self._source = io.BytesIO(data)
        self._taken: list[bytes] = []
        self._number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._source:
            self._taken.append(line)
            self._number += 1
            yield line.decode("utf-8", errors="surrogateescape")

    def take(self) -> tuple[int, bytes]:
        """Returns the number of the first line of the row that was just read, and its bytes."""
        first, text = self._number - len(self._taken) + 1, b"".join(self._taken)
        self._taken.clear()
        return first, text


def _rows(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(sys.maxsize)
    return csv.reader(iter(lines), delimiter=delimiter)


def regular_pieces(stream: BinaryIO, size: int, delimiter: str) -> Iterator[bytes]:
    """Yields the rows of a text with irregular quotes, such as `6" pipe`, written anew with regular ones.

    Args:
        stream: Where a row begins.
        size: About how many bytes a piece has.
        delimiter: A single ASCII character.
    """
    csv.field_size_limit(sys.maxsize)
    text = (line.decode("utf-8", errors="surrogateescape") for line in stream)
    kept = io.StringIO()
    writer = csv.writer(kept, delimiter=delimiter, lineterminator="\n")
    for row in csv.reader(text, delimiter=delimiter):
        writer.writerow(row)
        if kept.tell() >= size:
            yield kept.getvalue().encode("utf-8", errors="surrogateescape")
            kept.seek(0)
            kept.truncate()
    if kept.tell():
        yield kept.getvalue().encode("utf-8", errors="surrogateescape")
