"""Brings nested tables to flat ones: `a.b` for the field `b` of the struct `a`."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import columns
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
    return pa.table([columns.narrow(name, column) for name, column in parts], names=names)


def _parts(name: str, column: pa.ChunkedArray) -> list[tuple[str, pa.ChunkedArray]]:
    kind = column.type
    if pa.types.is_struct(kind):
        return [
            part
            for number in range(kind.num_fields)
            for part in _parts(f"{name}.{kind.field(number).name}", pc.struct_field(column, indices=[number]))
        ]
    if pa.types.is_map(kind):
        column = pa.chunked_array([_map_as_list(chunk) for chunk in column.chunks])
        kind = column.type
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        fields = [kind.value_type.field(number).name for number in range(kind.value_type.num_fields)]
        return [
            part
            for number, field in enumerate(fields)
            for part in _parts(f"{name}.{field}", _field_lists(column, number))
        ]
    return [(name, column)]


def _map_as_list(chunk: pa.Array) -> pa.Array:
    items = pa.StructArray.from_arrays([chunk.keys, chunk.items], ["key", "value"])
    return pa.ListArray.from_arrays(chunk.offsets, items)


def _field_lists(column: pa.ChunkedArray, number: int) -> pa.ChunkedArray:
    chunks = []
    for chunk in column.chunks:
        values = pc.struct_field(chunk.flatten(), indices=[number])
        chunks.append(pa.ListArray.from_arrays(columns.offsets(chunk), values))
    return pa.chunked_array(chunks)
