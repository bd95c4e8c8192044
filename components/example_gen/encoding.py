"""Arrow tables to serialized tf.Examples, by tfx_bsl's C++ encoder."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_ROWS_PER_BATCH = 8192


class Encoder:
    """Encodes tables; one object serves one thread."""

    def __init__(self) -> None:
        # The extension itself, because its Python wrapper imports TensorFlow, for which worker processes have no time.
        from tfx_bsl.cc.tfx_bsl_extension.coders import RecordBatchToExamplesEncoder

        self._encoder = RecordBatchToExamplesEncoder(None)

    def encode(self, table: pa.Table) -> Iterator[list[bytes]]:
        """Yields the serialized examples of a table, in batches.

        Args:
            table: Columns of int64, float64, string, binary, or lists of them; nulls become absent features.
        """
        lists = pa.table([_as_lists(column) for column in table.columns], names=table.column_names)
        for batch in lists.to_batches(max_chunksize=_ROWS_PER_BATCH):
            yield self._encoder.Encode(batch)


def _as_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Brings a column into what the encoder wants: lists of int64, float32 or binary, null where missing."""
    chunks = [_listed(chunk) for chunk in column.chunks]
    return pa.chunked_array(chunks, chunks[0].type) if chunks else pa.chunked_array([], pa.large_list(pa.int64()))


def _listed(values: pa.Array) -> pa.Array:
    if pa.types.is_list(values.type):
        items, offsets = values.flatten(), _list_offsets(values)
        valid = pc.is_valid(values).to_numpy(zero_copy_only=False)
    else:
        items = pc.drop_null(values)
        valid = pc.is_valid(values).to_numpy(zero_copy_only=False)
        offsets = np.append(0, np.cumsum(valid))
    null_lists = np.append(~valid, False)  # a null offset marks a null list
    return pa.LargeListArray.from_arrays(pa.array(offsets.astype(np.int64), mask=null_lists), _encodable(items))


def _list_offsets(lists: pa.Array) -> npt.NDArray[np.int64]:
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    ends: npt.NDArray[np.int64] = np.append(0, np.cumsum(lengths))
    return ends


def _encodable(items: pa.Array) -> pa.Array:
    if pa.types.is_floating(items.type):
        return pc.cast(items, pa.float32(), safe=False)
    if pa.types.is_integer(items.type):
        return pc.cast(items, pa.int64())
    return pc.cast(pc.cast(items, pa.binary()), pa.large_binary())
