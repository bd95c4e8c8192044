"""Reads CSV and its relatives with Arrow's columnar parser."""

import csv
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from tfx_automl.components.example_gen import columns, sources
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import audit
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.components.example_gen.readers.chunks import IrregularQuotesError, row_pieces
from tfx_automl.errors import DataError

# Only words: with 1 and 0 among them, the type of a column would depend on which rows are looked at together.
_TRUE, _FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]
_COPY_BYTES = 1 << 20


class Delimited(Format):
    """Delimited text: one row per line, values quoted by `"` where they hold delimiters, quotes or newlines.

    Types hold for all of the data: integers (int64), else numbers (float64), else text without surrounding spaces.
    `true` and `false` become 1 and 0, ISO dates and times seconds since 1970; NaN counts as missing.

    Args:
        delimiter: What separates the columns; None takes that of the options.
    """

    nothing = "there are column names but no rows; expected at least one row below the header."

    def __init__(self, delimiter: str | None = None) -> None:
        self._delimiter = delimiter

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields pieces that begin and end with a row; `start` and `stop` are bytes of the decompressed text."""
        options = self._with_delimiter(options)
        names, start = self._header(path, options)
        in_place = sources.in_place(path, options.encoding)
        with sources.open_stream(path, options.encoding) as stream:
            _skip(path, stream, start)
            try:
                for piece in sources.guarded(path, row_pieces(stream, block_bytes, options.delimiter)):
                    payload = None if in_place else piece
                    yield Block(path, start, start + len(piece), len(piece), names, payload)
                    start += len(piece)
                return
            except IrregularQuotesError:
                pass  # the rest is cut below, by a parser that is slower but knows what a quote within a value means
        yield from self._irregular(path, names, start, options, block_bytes)

    def _irregular(
        self, path: str, names: tuple[str, ...], start: int, options: ReadOptions, block_bytes: int
    ) -> Iterator[Block]:
        """Writes the rows anew, with quotes where they belong."""
        with sources.open_stream(path, options.encoding) as stream:
            _skip(path, stream, start)
            for piece in sources.guarded(path, audit.regular_pieces(stream, block_bytes, options.delimiter)):
                yield Block(path, start, start + len(piece), len(piece), names, piece)
                start += len(piece)

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Parses the piece as a whole."""
        options = self._with_delimiter(options)
        data = block.payload if block.payload is not None else sources.piece(block.path, block.start, block.stop)
        try:
            table = _parse(data, block, options, known)
            sound = not any(pa.types.is_binary(kind) for kind in table.schema.types)  # what is not UTF-8 becomes binary
        except pa.ArrowInvalid:
            sound = False
        if not sound:
            data = audit.without_bad_rows(data, block, options.delimiter, rejected)
            table = _parse_or_raise(data, block, options, known)
        cleaned = [_clean(c, options, keep_text=known.get(n)) for n, c in zip(block.names, table.columns, strict=True)]
        yield pa.table(cleaned, names=list(block.names))

    def rows_before(self, block: Block, options: ReadOptions) -> tuple[int, int | None]:
        """Returns 1 for a header, and the lines before the block, counted in the file."""
        options = self._with_delimiter(options)
        lines = 0
        with sources.open_stream(block.path, options.encoding) as stream:
            left = block.start
            while left and (chunk := stream.read(min(left, _COPY_BYTES))):
                lines, left = lines + chunk.count(b"\n"), left - len(chunk)
        return int(options.columns is None), lines

    def _with_delimiter(self, options: ReadOptions) -> ReadOptions:
        return options if self._delimiter is None else dataclasses.replace(options, delimiter=self._delimiter)

    def _header(self, path: str, options: ReadOptions) -> tuple[tuple[str, ...], int]:
        """Returns the names of the columns, and where the rows begin."""
        with sources.open_stream(path, options.encoding) as stream:
            try:
                first, start = next(sources.guarded(path, _first_row(stream, options.delimiter)))
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line 1, byte {error.start + 1}: not UTF-8; {audit.SAVE_AS_UTF8}") from error
            except csv.Error as error:
                raise DataError(f"{path}, row 1: not readable ({error}); check quotes and the delimiter.") from error
        if first is None:
            raise DataError(f"{path}: the file is empty; expected column names and rows.")
        if options.columns is None:
            names = tuple(name.strip() for name in first)
            _check_names(path, names)
            return names, start
        if len(options.columns) != len(first):
            raise DataError(
                f"{path}, row 1: {len(first)} columns, but {len(options.columns)} names were given"
                f" ({', '.join(options.columns)}); give one name per column."
            )
        return options.columns, 0


def _first_row(stream: BinaryIO, delimiter: str) -> Iterator[tuple[list[str] | None, int]]:
    """Yields, once, the first row that is not empty and where it ends."""
    consumed = 0

    def lines() -> Iterator[str]:
        nonlocal consumed
        for line in stream:
            consumed += len(line)
            yield line.decode("utf-8-sig" if consumed == len(line) else "utf-8")

    csv.field_size_limit(sys.maxsize)
    row = next((row for row in csv.reader(lines(), delimiter=delimiter) if row), None)
    yield row, consumed


def _skip(path: str, stream: BinaryIO, count: int) -> None:
    for _ in sources.guarded(path, _reads(stream, count)):
        pass


def _reads(stream: BinaryIO, count: int) -> Iterator[None]:
    while count and (chunk := stream.read(min(count, _COPY_BYTES))):
        count -= len(chunk)
        yield


def _check_names(path: str, names: tuple[str, ...]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}, row 1: the column name {twice[0]!r} stands there twice; rename one of them.")
    if "" in names:
        raise DataError(f"{path}, row 1: column {names.index('') + 1} has no name; give it one.")


def _parse_or_raise(data: bytes, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType]) -> pa.Table:
    try:
        return _parse(data, block, options, known)
    except pa.ArrowInvalid as error:
        message = " ".join(str(error).split())
        raise DataError(
            f"{block.path}: not readable as a table separated by {options.delimiter!r} ({message})."
        ) from error


def _parse(data: bytes, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType]) -> pa.Table:
    """Parses a piece as a single block of Arrow's, so that every type holds for all of it."""
    if not data.strip():
        return pa.table([pa.nulls(0)] * len(block.names), names=list(block.names))
    padded = [f" {token}" for token in options.missing]
    # Columns that are text elsewhere stay the text that they are here.
    as_text = {name: pa.string() for name in block.names if name in known and _is_text(known[name])}
    # Not `read_csv`, which on Python 3.10 walks over all objects of the process every time, to work around a cycle.
    reader = pa_csv.open_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(
            column_names=list(block.names), block_size=max(len(data) + 1, 1024), use_threads=False
        ),
        parse_options=pa_csv.ParseOptions(delimiter=options.delimiter, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            null_values=[*options.missing, *padded],
            true_values=_TRUE,
            false_values=_FALSE,
            strings_can_be_null=True,
            column_types=as_text,
        ),
    )
    return reader.read_all()


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _clean(column: pa.ChunkedArray, options: ReadOptions, keep_text: pa.DataType | None) -> pa.ChunkedArray:
    """Narrows a column and turns every way to say missing into null."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if not pa.types.is_string(column.type):
        return columns.narrow("", column)
    trimmed = pc.ascii_trim_whitespace(column)
    gone = pc.is_in(trimmed, value_set=pa.array([token.strip() for token in options.missing], pa.string()))
    cleaned = pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)
    if keep_text is not None and _is_text(keep_text):
        return cleaned
    # Numbers that Arrow took for text because of spaces around a missing token.
    return columns.infer(cleaned) if cleaned.null_count > column.null_count else cleaned
