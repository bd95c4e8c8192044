"""Writes Arrow tables as sharded files: gzip-compressed TFRecord of tf.Example, or Parquet."""

import abc
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from isal import isal_zlib

from tfx_automl.components.example_gen import tfrecords
from tfx_automl.components.example_gen.encoding import encode

_GZIP, _LEVEL = 31, 1


class ShardWriter(abc.ABC):
    """Writes one file. Close it, or use it in `with`.

    Args:
        path: The file; its folder must exist.
    """

    #: How stock ExampleGen calls such files: prefix and ending.
    prefix = ""
    ending = ""

    def __init__(self, path: Path) -> None:
        self._path = path

    @abc.abstractmethod
    def write(self, table: pa.Table) -> None:
        """Writes rows.

        Args:
            table: Columns of int64, float64, string, binary, or lists of them; nulls become empty features. Numbers
                with a fraction are written as float32, as tf.Example has it.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Completes the file."""

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class TfRecordWriter(ShardWriter):
    """TFRecord of tf.Example, compressed with gzip."""

    prefix, ending = "data_tfrecord", ".gz"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115  # closed by `close`
        self._compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)

    def write(self, table: pa.Table) -> None:
        """Encodes, frames and compresses the rows."""
        for records in encode(table):
            self._file.write(self._compressor.compress(tfrecords.frame(records)))

    def close(self) -> None:
        """Writes what the compressor still holds."""
        self._file.write(self._compressor.flush())
        self._file.close()


class ParquetWriter(ShardWriter):
    """Parquet of lists, compressed with snappy: what stock components read as a Parquet payload."""

    prefix, ending = "data_parquet", ".parquet"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._writer: Any = None

    def write(self, table: pa.Table) -> None:
        """Writes the rows as a row group."""
        import pyarrow.parquet as pq

        stored = _for_parquet(table)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, stored.schema, compression="snappy")
        self._writer.write_table(stored)

    def close(self) -> None:
        """Writes the footer."""
        if self._writer is not None:
            self._writer.close()


def _for_parquet(table: pa.Table) -> pa.Table:
    """Returns large lists of int64, float32 and large_binary: the types that TFX's Parquet reader compares with."""
    columns = [pa.chunked_array([_listed(chunk) for chunk in column.chunks]) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _listed(values: pa.Array) -> pa.Array:
    valid = pc.is_valid(values).to_numpy(zero_copy_only=False)
    if pa.types.is_list(values.type):
        counts = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        items = values.flatten()
    else:
        counts, items = valid, pc.drop_null(values)
    offsets = pa.array(np.append(0, np.cumsum(counts)).astype(np.int64), mask=np.append(~valid, False))
    return pa.LargeListArray.from_arrays(offsets, items.cast(_parquet_type(items.type), safe=False))


def _parquet_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_floating(kind):
        return pa.float32()
    return kind if pa.types.is_integer(kind) else pa.large_binary()


WRITERS: dict[str, type[ShardWriter]] = {"tfrecord": TfRecordWriter, "parquet": ParquetWriter}
