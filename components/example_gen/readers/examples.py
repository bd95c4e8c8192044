"""Reads TFRecord files of tf.Example."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import sources, tfrecords
from tfx_automl.components.example_gen.flat import table_of
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.errors import DataError, one_line

_PER_BATCH = 8192


class Examples(Format):
    """TFRecord files of tf.Example, compressed or not, also without the ending `.gz`.

    A feature that never has more than one value becomes a single value, others become lists; bytes that are UTF-8
    become text. A feature without values is missing: that is how TFX itself writes a missing value.
    """

    open_columns = True

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields pieces that end with a record."""
        start = 0
        with sources.open_by_magic(path) as stream:
            try:
                for piece in sources.guarded(path, tfrecords.pieces(stream, block_bytes)):
                    yield Block(path, start, start + len(piece), len(piece), payload=piece)
                    start += len(piece)
            except tfrecords.DamagedError as error:
                raise DataError(f"{path}: not a whole TFRecord file ({error}); fetch or write it again.") from error

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Decodes the records in batches, in C++."""
        from tfx_bsl.cc.tfx_bsl_extension.coders import ExamplesToRecordBatchDecoder

        decode = ExamplesToRecordBatchDecoder(None).DecodeBatch
        try:
            records = tfrecords.records(block.payload or b"")
        except tfrecords.DamagedError as error:
            raise DataError(f"{block.path}: not a sound TFRecord file ({error}); fetch or write it again.") from error
        for first in range(0, len(records), _PER_BATCH):
            for batch in _decoded(decode, records[first : first + _PER_BATCH], first, block.path, rejected):
                simple = [_simplest(column) for column in batch.columns]
                yield table_of(dict(zip(batch.schema.names, simple, strict=True)), batch.num_rows)


def _decoded(
    decode: Callable[[list[bytes]], pa.RecordBatch],
    records: list[bytes],
    first: int,
    path: str,
    rejected: list[Rejected],
) -> Iterator[pa.RecordBatch]:
    """Decodes records together; by halves where that fails, because one is bad or a feature has several types."""
    try:
        yield decode(records)
    except RuntimeError as error:
        if len(records) == 1:
            reason = f"not a tf.Example ({one_line(error)}); write it again, or remove it."
            rejected.append(Rejected(path, first + 1, reason))
            return
        middle = len(records) // 2
        yield from _decoded(decode, records[:middle], first, path, rejected)
        yield from _decoded(decode, records[middle:], first + middle, path, rejected)


def _simplest(lists: pa.Array) -> pa.ChunkedArray:
    """Returns single values where no list has more than one, and text where all bytes are UTF-8."""
    if pa.types.is_null(lists.type):
        return pa.chunked_array([lists])
    items = lists.flatten()
    if pa.types.is_floating(items.type):
        items = pc.cast(items, pa.float64())
    elif not pa.types.is_integer(items.type):
        items = _text_if_possible(pc.cast(items, pa.binary()))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    ends, empty = np.cumsum(lengths), lengths == 0
    if lengths.max(initial=0) > 1:
        bounds = pa.array(np.append(0, ends).astype(np.int32), mask=np.append(empty, False))
        return pa.chunked_array([pa.ListArray.from_arrays(bounds, items)])
    return pa.chunked_array([pc.take(items, pa.array(ends - 1, mask=empty))])


def _text_if_possible(items: pa.Array) -> pa.Array:
    try:
        return pc.cast(items, pa.string())
    except pa.ArrowInvalid:
        return items
