"""Reads CSV and its relatives with Arrow's columnar parser."""

import contextlib
import csv
import dataclasses
import gzip
import io
import os
import re
import zlib
from collections import Counter
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.errors import DataError

# A type is inferred from the first block. When a later block contradicts it, the column is read again as the next type.
_WIDER = {"int64": pa.float64(), "bool": pa.string(), "double": pa.string(), "null": pa.string()}
_CONTRADICTION = re.compile(r"In CSV column #(\d+): .*conversion error to (\w+)", re.DOTALL)
_BLOCK_BYTES = 16 << 20


def read_tabs(path: str, options: ReadOptions) -> pa.Table:
    """Reads a tab-separated file; see `read`."""
    return read(path, dataclasses.replace(options, delimiter="\t"))


def read(path: str, options: ReadOptions) -> pa.Table:
    """Reads a delimited text file, gzip-compressed if its name ends in `.gz`.

    Types hold for the whole file: integers (int64), else numbers (float64), else text without surrounding spaces.
    `true` and `false` become 1 and 0; NaN counts as missing.

    Args:
        path: The file, UTF-8, quoted by `"`.
        options: Names of the columns if there is no header, missing tokens, delimiter.

    Raises:
        DataError: The file is missing, empty, has only a header, is not UTF-8, has a ragged row, or a name twice.
    """
    names, keys = _column_names(path, options)
    table = _parse_consistently(path, options, keys)
    if table.num_rows == 0:
        raise DataError(f"{path}: there are column names but no rows; expected at least one row below the header.")
    return pa.table([_clean(column, options) for column in table.columns], names=names)


def _open(path: str) -> BinaryIO:
    if os.path.isdir(path):
        raise DataError(f"{path}: this is a folder; name a file.")
    try:
        return cast(BinaryIO, gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the path.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


def _column_names(path: str, options: ReadOptions) -> tuple[list[str], list[str]]:
    """Returns the names of the columns, and the same as Arrow will read them; after what only the first row needs."""
    with _open(path) as file:
        try:
            first = _first_row(file, options.delimiter)
        except UnicodeDecodeError:
            _raise_not_utf8(path)
        except csv.Error as error:
            raise DataError(f"{path}, row 1: not readable ({error}); check quotes and the delimiter.") from error
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: not a complete gzip file ({error}).") from error
    if first is None:
        raise DataError(f"{path}: the file is empty; expected column names and rows.")
    if options.columns is not None:
        if len(options.columns) != len(first):
            raise DataError(
                f"{path}, row 1: {len(first)} columns, but {len(options.columns)} names were given"
                f" ({', '.join(options.columns)}); give one name per column."
            )
        return list(options.columns), list(options.columns)
    names = [name.strip() for name in first]
    _check_names(path, names)
    return names, first


def _first_row(file: BinaryIO, delimiter: str) -> list[str] | None:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        return next((row for row in csv.reader(text, delimiter=delimiter) if row), None)
    finally:
        text.detach()  # the caller closes the file


def _check_names(path: str, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}, row 1: the column name {twice[0]!r} stands there twice; rename one of them.")
    if "" in names:
        raise DataError(f"{path}, row 1: column {names.index('') + 1} has no name; give it one.")


def _parse_consistently(path: str, options: ReadOptions, keys: list[str]) -> pa.Table:
    """Parses as often as it takes to find types that hold for the whole file."""
    types: dict[str, pa.DataType] = {}
    while True:
        try:
            table = _parse(path, options, keys, types)
        except pa.ArrowInvalid as error:
            _widen(str(error), path, options, keys, types)
            continue
        if any(pa.types.is_binary(kind) for kind in table.schema.types):  # what Arrow makes of text that is not UTF-8
            _raise_not_utf8(path)
        # Dates and times have no place in tf.Example: they stay the text that the file holds.
        dates = [key for key, kind in zip(keys, table.schema.types, strict=True) if pa.types.is_temporal(kind)]
        if not dates:
            return table
        types |= dict.fromkeys(dates, pa.string())


def _parse(path: str, options: ReadOptions, keys: list[str], types: dict[str, pa.DataType]) -> pa.Table:
    padded = [f" {token}" for token in options.missing]
    # Arrow opens the file itself: its threads must not wait for Python's lock, as they would for a Python file object.
    try:
        return pa_csv.read_csv(
            pa.input_stream(path, compression="gzip" if path.endswith(".gz") else None),
            read_options=pa_csv.ReadOptions(
                # Arrow reads the header itself, because it passes over empty lines before it.
                column_names=keys if options.columns is not None else None,
                block_size=_BLOCK_BYTES,
            ),
            parse_options=pa_csv.ParseOptions(delimiter=options.delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                null_values=[*options.missing, *padded],
                strings_can_be_null=True,
                column_types=types,
                timestamp_parsers=[],
            ),
        )
    except OSError as error:
        raise DataError(f"{path}: not a complete gzip file ({error}).") from error


def _widen(message: str, path: str, options: ReadOptions, keys: list[str], types: dict[str, pa.DataType]) -> None:
    """Notes a wider type for the column that a later block contradicted; any other trouble becomes a DataError."""
    if "invalid UTF8" in message or "Invalid UTF8" in message or "invalid UTF-8" in message:
        _raise_not_utf8(path)
    if "Expected" in message and "columns, got" in message:
        _raise_ragged(path, options, len(keys))
    found = _CONTRADICTION.search(message)
    if found is None or types.get(keys[int(found[1])]) == pa.string():
        if "Empty CSV" in message:
            raise DataError(f"{path}: there are column names but no rows; expected at least one row below the header.")
        raise DataError(f"{path}: not readable as a table separated by {options.delimiter!r} ({message}).")
    key, narrow = keys[int(found[1])], found[2]
    wider = _WIDER.get(narrow, pa.string())
    types[key] = pa.string() if types.get(key) == wider else wider


def _raise_ragged(path: str, options: ReadOptions, expected: int) -> None:
    """Looks for the first ragged row again, this time counting lines; only ever runs on the way to an error."""
    with _open(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", errors="replace")
        reader = csv.reader(text, delimiter=options.delimiter)
        try:
            found = next(((n, row) for n, row in enumerate(reader, start=1) if row and len(row) != expected), None)
            line = reader.line_num
        finally:
            text.detach()
    if found is not None:
        raise DataError(
            f"{path}, row {found[0]} (line {line}): {len(found[1])} columns where {expected} are expected;"
            f" mend the row, or quote values that hold {options.delimiter!r}."
        )
    raise DataError(f"{path}: a row does not have {expected} columns; check quotes and delimiters.")


def _raise_not_utf8(path: str) -> None:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}, byte {error.start + 1}: not UTF-8; save the file as UTF-8"
                    f" (for instance `iconv -f latin1 -t utf-8`)."
                ) from error
    raise DataError(f"{path}: not UTF-8; save the file as UTF-8.")


def _clean(column: pa.ChunkedArray, options: ReadOptions) -> pa.ChunkedArray:
    """Gives a column its final type and turns every way to say missing into null."""
    if pa.types.is_boolean(column.type):
        return pc.cast(column, pa.int64())
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_null(column.type):
        return pc.cast(column, pa.string())
    if not pa.types.is_string(column.type):
        return column
    trimmed = pc.ascii_trim_whitespace(column)
    gone = pc.is_in(trimmed, value_set=pa.array([token.strip() for token in options.missing], pa.string()))
    cleaned = pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)
    # Numbers that Arrow took for text because of a missing token among several spaces.
    return _as_numbers(cleaned) if cleaned.null_count > column.null_count else cleaned


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns the column as integers or numbers if every value is one, else as it is."""
    if column.null_count == len(column):
        return column
    for kind in (pa.int64(), pa.float64()):
        with contextlib.suppress(pa.ArrowInvalid):
            return pc.cast(column, kind)
    return column
