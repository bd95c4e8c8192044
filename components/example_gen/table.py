"""Reads files as one table in memory; for notebooks, tests and whoever wants to see what ExampleGen sees."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.ingest import files_of
from tfx_automl.components.example_gen.inputs import pattern_of
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import LocalPool, pieces_of
from tfx_automl.components.example_gen.readers import Block, Rejected
from tfx_automl.components.example_gen.reading import conform, read_block
from tfx_automl.components.example_gen.scan import Wanted, scan
from tfx_automl.errors import DataError


def read_names(path: str, options: ReadOptions) -> tuple[str, ...]:
    """Returns the names of the columns, after reading no more than the beginning.

    Args:
        path: A file, a folder or a pattern, as `inputs.pattern_of` takes it.
        options: How to read.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """
    for blocks in pieces_of(files_of(pattern_of(path)), options, None, None):
        for table in read_block(blocks[0], options, {}, []):
            return tuple(table.column_names)
    return ()


def read_table(
    paths: str | Sequence[str], options: ReadOptions | None = None, block_bytes: int | None = None
) -> pa.Table:
    """Reads whole files.

    Args:
        paths: One file, or several with the same columns.
        options: How to read; None takes what `ReadOptions` has by itself.
        block_bytes: Size of a block; None chooses it by the size of the files.

    Returns:
        Columns of int64, float64, string, binary, or lists of them; missing values are nulls.

    Raises:
        DataError: A file cannot be read; the message names file, row and column where they are known.
    """
    options = options or ReadOptions()
    files = [paths] if isinstance(paths, str) else list(paths)
    before = [sources.stamp(path) for path in files]
    [found] = scan([(files, Wanted())], options, LocalPool(1), block_bytes)
    tables = [
        table
        for blocks in pieces_of(files, options, block_bytes, None)
        for block in blocks
        for table in _rows(block, options, found.types)
    ]
    if before != [sources.stamp(path) for path in files] or sum(table.num_rows for table in tables) != found.rows:
        raise DataError(f"{', '.join(files)}: changed while being read; read a finished copy, so that no row is lost.")
    return pa.concat_tables(tables)


def _rows(block: Block, options: ReadOptions, known: Mapping[str, pa.DataType]) -> Iterator[pa.Table]:
    rejected: list[Rejected] = []
    with sources.named(block.path):
        for table in read_block(block, options, known, rejected):
            yield conform(table, known)
