"""Brings nested tables to flat ones: `a.b` for the field `b` of the struct `a`."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import columns, types
from tfx_automl.errors import DataError


def flatten(table: pa.Table) -> pa.Table:
    """Returns the table without structs, every column in one of the types of `columns.narrow`.

    A struct becomes a column per field, named with dots; lists of structs (maps among them) become a list per field.

    Raises:
        DataError: Two columns get the same name, or a type has no place in tf.Example.
    """
    parts: list[tuple[str, pa.ChunkedArray]] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        parts += _parts(name, column)
    names = [name for name, _ in parts]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"two columns are called {twice[0]!r}, counting nested fields; rename one of them.")
    return table_of({name: columns.narrow(name, column) for name, column in parts}, table.num_rows)


def table_of(parts: Mapping[str, "pa.Array | pa.ChunkedArray"], rows: int) -> pa.Table:
    """Returns a table of some columns, which keeps its rows even where it has no column.

    Args:
        parts: The columns.
        rows: Their length.
    """
    return pa.table(dict(parts)) if parts else pa.table({"": pa.nulls(rows)}).select([])


def _parts(name: str, column: pa.ChunkedArray) -> list[tuple[str, pa.ChunkedArray]]:
    kind = column.type
    if pa.types.is_struct(kind) and kind.num_fields == 0:  # of which nobody knows the parts yet
        return [(name, pa.chunked_array([pa.nulls(len(column))]))]
    if pa.types.is_struct(kind):
        return [
            part
            for number in range(kind.num_fields)
            for part in _parts(f"{name}.{kind.field(number).name}", pc.struct_field(column, indices=[number]))
        ]
    if pa.types.is_map(kind):
        column = _maps_as_lists(column)
        kind = column.type
    if types.is_any_list(kind) and pa.types.is_struct(kind.value_type):
        fields = [kind.value_type.field(number).name for number in range(kind.value_type.num_fields)]
        return [
            part
            for number, field in enumerate(fields)
            for part in _parts(f"{name}.{field}", _field_lists(column, number))
        ]
    return [(name, column)]


def _maps_as_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = pa.list_(pa.struct([("key", column.type.key_type), ("value", column.type.item_type)]))
    return pa.chunked_array([_map_as_list(chunk) for chunk in column.chunks], kind)


def _map_as_list(chunk: pa.Array) -> pa.Array:
    """Arrow's offsets count from the beginning of all maps, of which the chunk may be a part, and miss no map."""
    items = pa.StructArray.from_arrays([chunk.keys, chunk.items], ["key", "value"])
    missing = pa.concat_arrays([pc.is_null(chunk), pa.array([False])])
    return pa.ListArray.from_arrays(pc.if_else(missing, pa.scalar(None, pa.int32()), chunk.offsets), items)


def _field_lists(column: pa.ChunkedArray, number: int) -> pa.ChunkedArray:
    kind = column.type.value_type.field(number).type
    chunks = [
        pa.ListArray.from_arrays(columns.offsets(chunk), pc.struct_field(chunk.flatten(), indices=[number]))
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.list_(kind))
