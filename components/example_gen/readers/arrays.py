"""Reads NumPy's npz files: one array per column, rows along the first axis."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.flat import flatten
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.base import ROWS_PER_TABLE, Block, Format, Rejected
from tfx_automl.errors import DataError, one_line

Array = npt.NDArray[np.generic]
_BYTES_PER_TABLE = 1 << 28


class Npz(Format):
    """NumPy archives. Arrays of one axis become columns, of two axes lists; uint8 of three or four axes become images.

    An image column holds the raw pixels, row by row, beside its `/height`, `/width` and `/channels`.
    """

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields one block: an archive cannot be read in parts."""
        yield Block(path, 0, 1, sources.stamp(path).size)

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Loads the archive and yields it in parts."""
        try:
            with sources.open_raw(block.path) as raw, np.load(raw, allow_pickle=False) as archive:
                arrays = {name: np.asarray(archive[name]) for name in archive.files}
        except DataError:
            raise
        except Exception as error:  # zipfile, zlib and NumPy raise about a dozen kinds for damaged archives
            raise DataError(
                f"{block.path}: not readable as npz without pickled objects ({one_line(error)}); save it again."
            ) from error
        lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
        if len(set(lengths.values())) != 1:
            shown = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
            raise DataError(f"{block.path}: expected arrays of the same length, got {shown}; save one file per split.")
        rows = next(iter(lengths.values()))
        step = rows_per_table(*arrays.values())
        for start in range(0, rows, step):
            parts = {name: array[start : start + step] for name, array in arrays.items()}
            columns = {key: column for name, part in parts.items() for key, column in as_columns(name, part).items()}
            yield flatten(pa.table(columns))


def rows_per_table(*arrays: Array) -> int:
    """Returns how many rows one table may have, so that it takes little memory and Arrow can count its bytes."""
    largest = max(int(np.prod(array.shape[1:])) * max(array.itemsize, 8 * (array.ndim == 2)) for array in arrays)
    return min(ROWS_PER_TABLE, max(1, _BYTES_PER_TABLE // max(1, largest)))


def as_columns(name: str, array: Array) -> dict[str, pa.Array]:
    """Returns the columns that an array becomes; see `Npz`.

    Args:
        name: Of the array.
        array: Rows along the first axis.
    """
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return image_columns(name, array)
    if array.ndim == 1:
        return {name: _values(name, array)}
    width = int(np.prod(array.shape[1:]))
    ends = np.arange(len(array) + 1, dtype=np.int32) * width
    return {name: pa.ListArray.from_arrays(pa.array(ends, pa.int32()), _values(name, array.reshape(-1)))}


def _values(name: str, array: Array) -> pa.Array:
    if array.dtype.kind in "US":  # fixed width in NumPy, any width in Arrow
        return pa.array(array.tolist(), pa.string() if array.dtype.kind == "U" else pa.binary())
    if array.dtype.kind in "Mm":
        return pa.array(array.astype(f"{'datetime' if array.dtype.kind == 'M' else 'timedelta'}64[s]"))
    if array.dtype.kind == "f":
        return pa.array(array.astype(np.float64))
    if array.dtype.kind not in "biu":
        raise DataError(f"column {name!r}: arrays of {array.dtype} have no place in tf.Example; convert it before.")
    return pa.array(array.astype(array.dtype.newbyteorder("=")))


def image_columns(name: str, images: Array) -> dict[str, pa.Array]:
    """Returns raw pixels and their sizes.

    Args:
        name: Of the column with the pixels.
        images: uint8, [rows, height, width] or [rows, height, width, channels].
    """
    count, height, width, *channels = images.shape
    bytes_each = int(np.prod(images.shape[1:]))
    ends = np.arange(count + 1, dtype=np.int32) * bytes_each
    pixels = pa.BinaryArray.from_buffers(
        pa.binary(), count, [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(images))]
    )
    sizes = {"height": height, "width": width, "channels": channels[0] if channels else 1}
    constants = {f"{name}/{key}": pa.array(np.full(count, size, np.int64)) for key, size in sizes.items()}
    return {name: pixels, **constants}
