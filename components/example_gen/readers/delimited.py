"""Reads CSV and its relatives with Arrow's columnar parser."""

import codecs
import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from tfx_automl.components.example_gen import columns, sources, texts, types
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import audit
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.components.example_gen.readers.chunks import IrregularQuotesError, count_lines, lines_of, row_pieces
from tfx_automl.errors import DataError, one_line

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
            for piece, used in sources.guarded(path, audit.regular_pieces(stream, block_bytes, options.delimiter)):
                yield Block(path, start, start + used, used, names, piece)
                start += used

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Parses the piece as a whole."""
        options = self._with_delimiter(options)
        data = block.content()
        table = _parse_if_sound(data, block, options, known)
        if table is None:
            data = audit.without_bad_rows(data, block, options.delimiter, rejected)
            table = _parse_or_raise(data, block, options, known)
        found = dict(zip(block.names, table.columns, strict=True))
        may_be_hex = _has_hexadecimals(data)
        doubtful = [name for name, column in found.items() if _is_doubtful(column, may_be_hex)]
        as_written = _parse(data, block, options, {name: pa.string() for name in doubtful}, doubtful)
        found |= {name: as_written[name] for name in doubtful}
        keep_text = {name for name, kind in known.items() if types.is_text(kind)}
        found = {name: _clean(column, options, name in keep_text) for name, column in found.items()}
        yield pa.table(found)

    def rows_before(self, block: Block, options: ReadOptions) -> tuple[int, int | None]:
        """Returns 1 for a header, and the lines before the block, counted in the file."""
        with sources.open_stream(block.path, options.encoding) as stream:
            lines = count_lines(stream, block.start)
        return int(options.columns is None), lines

    def _with_delimiter(self, options: ReadOptions) -> ReadOptions:
        return options if self._delimiter is None else dataclasses.replace(options, delimiter=self._delimiter)

    def _header(self, path: str, options: ReadOptions) -> tuple[tuple[str, ...], int]:
        """Returns the names of the columns, and where the rows begin."""
        with sources.open_stream(path, options.encoding) as stream:
            try:
                first, start, mark = next(sources.guarded(path, _first_row(stream, options.delimiter)))
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line 1, byte {error.start + 1}: not UTF-8; {audit.SAVE_AS_UTF8}") from error
        if first is None:
            raise DataError(f"{path}: the file is empty; expected column names and rows.")
        if not first.sound:
            raise DataError(f"{path}, row 1: {audit.NEVER_CLOSED}")
        fields = first.fields
        if options.columns is None:
            names = tuple(name.strip() for name in fields)
            _check_names(path, names)
            return names, start
        if len(options.columns) != len(fields):
            raise DataError(
                f"{path}, row 1: {len(fields)} columns, but {len(options.columns)} names were given"
                f" ({', '.join(options.columns)}); give one name per column."
            )
        return options.columns, mark


def _first_row(stream: BinaryIO, delimiter: str) -> Iterator[tuple[audit.Row | None, int, int]]:
    """Yields, once, the first row that is not empty, where it ends, and the size of the byte order mark before it."""
    content = lines_of(stream)
    line = next(content, b"")
    end = mark = len(codecs.BOM_UTF8) if line.startswith(codecs.BOM_UTF8) else 0
    for row in audit.rows_of(itertools.chain([line[mark:]], content), delimiter):
        row.raw.decode("utf-8")
        end += len(row.raw)
        if row.fields or not row.sound:
            yield row, end, mark
            return
    yield None, end, mark


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


def _parse_if_sound(
    data: bytes, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType]
) -> pa.Table | None:
    if data.count(b'"') % 2:  # Arrow would take all that follows for one value
        return None
    try:
        table = _parse(data, block, options, known)
    except pa.ArrowInvalid:
        return None
    # What is not UTF-8 becomes binary.
    return None if any(pa.types.is_binary(kind) for kind in table.schema.types) else table


def _has_hexadecimals(data: bytes) -> bool:
    """Tells whether there is a 0x; looking for the x first is many times as fast as looking for both."""
    content = np.frombuffer(data, np.uint8)
    places = np.flatnonzero((content[1:] | 0x20) == ord("x"))  # of either case
    return bool((content[places] == ord("0")).any())


def _is_doubtful(column: pa.ChunkedArray, may_be_hex: bool) -> bool:
    """Tells whether Arrow may have taken text for something else, or lost a part of it.

    It reads 0x1F as 31, rounds whole numbers of more than 64 bits, and times with fractions are wrong after 2262.
    """
    if pa.types.is_integer(column.type):
        return may_be_hex
    if pa.types.is_floating(column.type):
        return texts.may_be_big(column)
    return bool(pa.types.is_timestamp(column.type) and column.type.unit == "ns")


def _parse_or_raise(data: bytes, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType]) -> pa.Table:
    try:
        return _parse(data, block, options, known)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{block.path}: not readable as a table separated by {options.delimiter!r} ({one_line(error)}); check the"
            " delimiter."
        ) from error


def _parse(
    data: bytes,
    block: Block,
    options: ReadOptions,
    known: Mapping[str, pa.DataType],
    only: Sequence[str] | None = None,
) -> pa.Table:
    """Parses a piece as a single block of Arrow's, so that every type holds for all of it."""
    names = list(block.names if only is None else only)
    if not data.strip(b"\r\n") or not names:
        return pa.table([pa.nulls(0)] * len(names), names=names)
    padded = [f" {token}" for token in options.missing]
    # Columns that are text elsewhere stay the text that they are here.
    as_text = {name: pa.string() for name in names if name in known and types.is_text(known[name])}
    # Not `read_csv`, which on Python 3.10 walks over all objects of the process every time, to work around a cycle.
    reader = pa_csv.open_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(
            column_names=list(block.names), block_size=max(len(data) + 1, 1024), use_threads=False
        ),
        parse_options=pa_csv.ParseOptions(delimiter=options.delimiter, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            null_values=[*options.missing, *padded],
            true_values=texts.TRUE,
            false_values=texts.FALSE,
            strings_can_be_null=True,
            column_types=as_text,
            include_columns=names,
        ),
    )
    return reader.read_all()


def _clean(column: pa.ChunkedArray, options: ReadOptions, keep_text: bool) -> pa.ChunkedArray:
    """Narrows a column and turns every way to say missing into null."""
    if not pa.types.is_string(column.type):
        return _without_nan(columns.narrow("", column))
    trimmed = pc.ascii_trim_whitespace(column)
    gone = pc.is_in(trimmed, value_set=pa.array([token.strip() for token in options.missing], pa.string()))
    cleaned = pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)
    # Numbers, for instance, that Arrow took for text because of spaces around a missing token.
    return cleaned if keep_text else _without_nan(texts.infer(cleaned))


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
