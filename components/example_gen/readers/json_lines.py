"""Reads JSON lines with Arrow, and with Python's json what Arrow refuses."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.json as pa_json

from tfx_automl.components.example_gen import columns, sources, texts, types
from tfx_automl.components.example_gen.flat import flatten, table_of
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import json_rows
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.components.example_gen.readers.chunks import line_pieces
from tfx_automl.components.example_gen.types import Types
from tfx_automl.errors import DataError


class JsonLines(Format):
    """One JSON object per line. Absent keys and null are missing; nested objects become columns with dots.

    ISO dates and times become seconds since 1970. A key that holds texts in some rows and something else in others is
    text in all of them; one that holds lists in some and single values in others holds lists in all of them. A part of
    the objects in a list is missing where no object there has it.
    """

    open_columns = True

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields pieces that end with a line."""
        in_place = sources.in_place(path, options.encoding)
        start = 0
        with sources.open_stream(path, options.encoding) as stream:
            for piece in sources.guarded(path, line_pieces(stream, block_bytes)):
                yield Block(path, start, start + len(piece), len(piece), payload=None if in_place else piece)
                start += len(piece)

    def read(self, block: Block, options: ReadOptions, known: Types, rejected: list[Rejected]) -> Iterator[pa.Table]:
        """Parses the piece as a whole."""
        data = block.content()
        data = data.removeprefix(b"\xef\xbb\xbf") if block.start == 0 else data
        if not data.strip():
            return
        table = _parse(data, known)
        yield table if table is not None else json_rows.parse(data, block, known, rejected)


def _parse(data: bytes, known: Types) -> pa.Table | None:
    """Parses with Arrow; None where it refuses, or would not do the same with each line by itself."""
    # What is text in all of the data is told to Arrow, which takes a text that looks like a date for one.
    fields = [pa.field(name, kind) for name, kind in map(_told, known.items()) if kind is not None and "." not in name]
    try:
        nested = pa_json.read_json(
            pa.BufferReader(data),
            read_options=pa_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pa_json.ParseOptions(explicit_schema=pa.schema(fields), unexpected_field_behavior="infer"),
        )
        table = flatten(nested)
        if nested.num_rows != _filled_lines(data):  # an object over several lines, or several on one
            return None
    except (pa.ArrowInvalid, UnicodeDecodeError, DataError):
        return None
    if any(
        not _is_sure(column, known.get(name)) for name, column in zip(table.column_names, table.columns, strict=True)
    ):
        return None
    return _settled(
        table, [path for field in nested.schema for path in _lists_of_objects(field.name, field.type)], known
    )


def _told(entry: tuple[str, pa.DataType]) -> tuple[str, pa.DataType | None]:
    name, kind = entry
    if not types.is_text(kind):
        return name, None
    return name, pa.list_(pa.string()) if pa.types.is_list(kind) else pa.string()


def _filled_lines(data: bytes) -> int:
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if b"\n\n" in data or b"\r" in data:
        lines = sum(1 for line in data.splitlines() if line.strip())
    return lines


def _is_sure(column: pa.ChunkedArray, known: pa.DataType | None) -> bool:
    """Tells whether nothing of the text was lost that matters."""
    item = types.item_type(column.type)
    if pa.types.is_binary(item):  # not UTF-8
        return False
    if known is not None and types.is_text(known) and not (pa.types.is_string(item) or pa.types.is_null(item)):
        return False
    if not pa.types.is_floating(item):
        return True
    numbers = pa.chunked_array([chunk.flatten() for chunk in column.chunks]) if item != column.type else column
    return not texts.may_be_big(numbers)


def _lists_of_objects(name: str, kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            yield from _lists_of_objects(f"{name}.{kind.field(number).name}", kind.field(number).type)
    elif pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        yield f"{name}."


def _settled(table: pa.Table, objects: Sequence[str], known: Types) -> pa.Table:
    """Finds times that Arrow leaves text, and parts that no object of a list has."""
    found = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name.startswith(tuple(objects)):
            column = json_rows.without_hollow_lists(column)
        found[name] = column if name in known and types.is_text(known[name]) else _with_times(column)
    return table_of(found, table.num_rows)


def _with_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return texts.find_times(column)
    if not (pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type)):
        return column
    lists = column.combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    items = texts.find_times(pa.chunked_array([lists.flatten()]))
    return pa.chunked_array([pa.ListArray.from_arrays(columns.offsets(lists), items.chunk(0))])
