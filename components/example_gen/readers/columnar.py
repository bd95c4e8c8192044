"""Reads files that are columnar already: Parquet, Arrow IPC (Feather) and ORC."""

import abc
import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.flat import flatten
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.base import ROWS_PER_TABLE, Block, Format, Rejected
from tfx_automl.errors import DataError, one_line

# A piece of a group is read by passing over all that is before it, so there are never many.
_MOST_PIECES = 4
# All that Arrow raises for files that are damaged; memory, too, runs out where a length is wrong.
_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, MemoryError)
_BYTES_PER_BATCH = 1 << 26
# An ORC file ends with its name and the length of what tells how to read it.
_ORC_END = 4


class _Columnar(Format):
    """A file of groups of rows (row groups, record batches, stripes); a block is a range of rows of one group."""

    expansion = 8  # dictionaries and compression
    kind = ""

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields ranges of rows; a small group is a block of its own, a large one becomes several."""
        size = sources.stamp(path).size * self.expansion
        with self._readable(path):
            counts = self._group_rows(path)
        per_row = size / max(1, sum(counts))
        step = max(1, int(block_bytes / per_row)) if per_row else ROWS_PER_TABLE
        for group, rows in enumerate(counts):
            pieces = min(_MOST_PIECES, max(1, -(-rows // step)))
            cuts = [rows * number // pieces for number in range(pieces + 1)]
            for start, stop in itertools.pairwise(cuts):
                yield Block(path, start, stop, int((stop - start) * per_row), group=group)

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Reads the group in batches, and leaves out those before and after the range."""
        position = 0
        per_row = max(1, block.size // max(1, block.stop - block.start))
        with self._readable(block.path):
            for batch in self._batches(
                block.path, block.group, min(ROWS_PER_TABLE, max(1, _BYTES_PER_BATCH // per_row))
            ):
                first, last = max(0, block.start - position), min(batch.num_rows, block.stop - position)
                position += batch.num_rows
                if first < last:
                    yield flatten(pa.Table.from_batches([batch.slice(first, last - first)]))
                if position >= block.stop:
                    return

    @contextlib.contextmanager
    def _readable(self, path: str) -> Iterator[None]:
        try:
            yield
        except _ERRORS as error:
            raise DataError(
                f"{path}: not readable as {self.kind} ({one_line(error)}); write the file again."
            ) from error

    @abc.abstractmethod
    def _group_rows(self, path: str) -> list[int]:
        """Returns the number of rows of each group."""

    @abc.abstractmethod
    def _batches(self, path: str, group: int, rows: int) -> Iterator[pa.RecordBatch]:
        """Yields the rows of a group, about so many at a time where the format lets one choose."""


class Parquet(_Columnar):
    """Parquet: groups are row groups."""

    kind = "Parquet"

    def _group_rows(self, path: str) -> list[int]:
        with _parquet(path) as file:
            return [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]

    def _batches(self, path: str, group: int, rows: int) -> Iterator[pa.RecordBatch]:
        with _parquet(path) as file:
            yield from file.iter_batches(batch_size=rows, row_groups=[group], use_threads=False)


@contextlib.contextmanager
def _parquet(path: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with sources.open_raw(path) as raw:
        yield pq.ParquetFile(raw)


class Ipc(_Columnar):
    """Arrow IPC: the file format (Feather version 2) and the stream format; groups are record batches."""

    kind = "Arrow IPC (Feather)"

    def _group_rows(self, path: str) -> list[int]:
        with sources.open_raw(path) as raw:
            return [batch.num_rows for batch in _ipc_batches(raw)]

    def _batches(self, path: str, group: int, rows: int) -> Iterator[pa.RecordBatch]:
        with sources.open_raw(path) as raw:
            yield from _ipc_batches(raw, only=group)


def _ipc_batches(raw: BinaryIO, only: int | None = None) -> Iterator[pa.RecordBatch]:
    magic = raw.read(6)
    raw.seek(0)
    if magic == b"ARROW1":
        reader = pa.ipc.open_file(raw)
        numbers = range(reader.num_record_batches) if only is None else (only,)
        yield from (reader.get_batch(number) for number in numbers)
    elif magic[:4] == b"FEA1":  # Feather version 1: a single table without batches
        from pyarrow import feather

        yield from feather.read_table(raw).combine_chunks().to_batches()
    else:
        batches = pa.ipc.open_stream(raw)
        yield from (batch for number, batch in enumerate(batches) if only in (None, number))


class Orc(_Columnar):
    """ORC: groups are stripes."""

    kind = "ORC"

    def _group_rows(self, path: str) -> list[int]:
        with _orc(path) as file:
            if file.nstripes == 1:
                return [file.nrows]
            # Only the columns of a stripe tell how many rows it has.
            first = [field.name for field in file.schema][:1]
            return [file.read_stripe(number, columns=first).num_rows for number in range(file.nstripes)]

    def _batches(self, path: str, group: int, rows: int) -> Iterator[pa.RecordBatch]:
        with _orc(path) as file:
            yield file.read_stripe(group)


@contextlib.contextmanager
def _orc(path: str) -> Iterator[Any]:
    from pyarrow import orc

    with sources.open_raw(path) as raw:
        raw.seek(-min(_ORC_END, sources.stamp(path).size), os.SEEK_END)
        if raw.read(3) != b"ORC":  # Arrow's reader would end the process
            raise OSError("its end is missing")
        raw.seek(0)
        yield orc.ORCFile(raw)
