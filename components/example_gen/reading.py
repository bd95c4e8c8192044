"""Reads blocks as both passes over the data do: bad rows left out, columns and types those of all of the data."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from tfx_automl.components.example_gen import columns, types
from tfx_automl.components.example_gen.flat import table_of
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import Block, Rejected, format_of
from tfx_automl.components.example_gen.types import Types


def read_block(block: Block, options: ReadOptions, known: Types, rejected: list[Rejected]) -> Iterator[pa.Table]:
    """Yields the rows of a block; those that do not fit the types that the user gave are rejected, too."""
    given = types.given_types(options.types)
    unread: list[Rejected] = []
    before = 0
    for table in format_of(block.path).read(block, options, {**known, **given}, unread):
        bad: dict[int, str] = {}
        for name in [name for name in given if name in table.column_names]:
            bad |= columns.misfits(name, table[name], given[name])
        numbers = {row: _number(before + row + 1, unread) for row in bad}
        rejected += [Rejected(block.path, numbers[row], reason) for row, reason in sorted(bad.items())]
        before += table.num_rows
        yield table.filter(pa.array([row not in bad for row in range(table.num_rows)])) if bad else table
    rejected += unread
    rejected.sort(key=lambda entry: entry.row)


def _number(row: int, unread: Sequence[Rejected]) -> int:
    """Returns the number of a row in its block, counting those that could not even be read."""
    for entry in sorted(unread, key=lambda entry: entry.row):
        row += entry.row <= row
    return row


def conform(table: pa.Table, joined: Types) -> pa.Table:
    """Brings a table to the columns and types that hold for all of the data, in the form in which they are stored."""
    own = dict(zip(table.column_names, table.columns, strict=True))
    absent = pa.chunked_array([pa.nulls(table.num_rows)])
    found = {name: columns.widen(name, own.get(name, absent), kind) for name, kind in joined.items()}
    return table_of(found, table.num_rows)


def with_label(table: pa.Table, label: str | None) -> pa.Table:
    """Returns the rows that have a label."""
    if label is None or label not in table.column_names or table[label].null_count == 0:
        return table
    return table.filter(table[label].is_valid())
