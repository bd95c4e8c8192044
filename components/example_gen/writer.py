"""Writes Arrow tables as sharded, gzip-compressed TFRecord files of tf.Example, encoded in C++ by tfx_bsl."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SHARD_BYTES = 64 << 20
_ROWS_PER_BATCH = 8192


def write_split(table: pa.Table, folder: Path, shard_bytes: int = SHARD_BYTES) -> int:
    """Writes the rows of one split.

    Args:
        table: Columns of int64, float64, string or binary; nulls become absent features. Numbers with a fraction are
            written as float32, as tf.Example has it.
        folder: Where to; made if absent. Files are named as stock ExampleGen names them.
        shard_bytes: A new file begins after so many bytes of serialized examples.

    Returns:
        The number of examples written.
    """
    import tensorflow as tf
    from tfx_bsl.coders import example_coder

    folder.mkdir(parents=True, exist_ok=True)
    encoder = example_coder.RecordBatchToExamplesEncoder()
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    batches = _for_encoder(table).to_batches(max_chunksize=_ROWS_PER_BATCH)
    shards = _shards(batches, max(1, -(-table.nbytes // shard_bytes)))
    written = 0
    for number, shard in enumerate(shards):
        path = folder / f"data_tfrecord-{number:05d}-of-{len(shards):05d}.gz"
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for batch in shard:
                records = encoder.encode(batch)
                for record in records:  # already encoded; the writer takes one record at a time
                    writer.write(record)
                written += len(records)
    return written


def _shards(batches: list[pa.RecordBatch], number: int) -> list[list[pa.RecordBatch]]:
    """Deals whole batches to the shards, in order; there is always at least one shard."""
    number = max(1, min(number, len(batches)))
    size = -(-len(batches) // number) if batches else 1
    return [batches[start : start + size] for start in range(0, max(1, len(batches)), size)]


def _for_encoder(table: pa.Table) -> pa.Table:
    """Brings columns into what the encoder wants: lists of int64, float32 or binary, null where missing."""
    return pa.table([_as_lists(column) for column in table.columns], names=table.column_names)


def _as_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        column = pc.cast(column, pa.float32(), safe=False)
    elif pa.types.is_integer(column.type):
        column = pc.cast(column, pa.int64())
    else:
        column = pc.cast(column, pa.large_binary())
    return pa.chunked_array([_listed(chunk) for chunk in column.chunks], pa.large_list(column.type))


def _listed(values: pa.Array) -> pa.Array:
    """Wraps each value in a list of one; a missing value becomes a missing list."""
    valid = pc.is_valid(values).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(valid, out=offsets[1:])
    null_lists = np.append(~valid, False)  # a null offset marks a null list
    return pa.LargeListArray.from_arrays(pa.array(offsets, mask=null_lists), pc.drop_null(values))
