"""Writes Arrow tables as sharded files: gzip-compressed TFRecord of tf.Example, or Parquet."""

import abc
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

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
            table: Columns of int64, float64, string, binary, or lists of them; nulls become absent features. Numbers
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
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    def write(self, table: pa.Table) -> None:
        """Encodes, frames and compresses the rows."""
        for records in encode(table):
            self._file.write(self._compressor.compress(tfrecords.frame(records)))

    def close(self) -> None:
        """Writes what the compressor still holds."""
        self._file.write(self._compressor.flush())
        self._file.close()


class ParquetWriter(ShardWriter):
    """Parquet, compressed with snappy, as stock ExampleGen writes its payload."""

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
    """Numbers with a fraction become float32, as in tf.Example: both payloads hold the same."""
    fields = [pa.field(field.name, _parquet_type(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields), safe=False)


def _parquet_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_parquet_type(kind.value_type))
    return pa.float32() if pa.types.is_floating(kind) else kind


WRITERS: dict[str, type[ShardWriter]] = {"tfrecord": TfRecordWriter, "parquet": ParquetWriter}
