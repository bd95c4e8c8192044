"""Reads NumPy's npz files: one array per column, rows along the first axis."""

import zipfile
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.flat import flatten
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.base import ROWS_PER_TABLE, Block, Format, Rejected
from tfx_automl.errors import DataError

Array = npt.NDArray[np.generic]


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
                arrays = {name: archive[name] for name in archive.files}
        except (ValueError, OSError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            raise DataError(f"{block.path}: not readable as npz without pickled objects ({error}).") from error
        lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
        if len(set(lengths.values())) != 1:
            shown = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "none"
            raise DataError(f"{block.path}: expected arrays of the same length, got {shown}; save one file per split.")
        rows = next(iter(lengths.values()))
        for start in range(0, rows, ROWS_PER_TABLE):
            parts = {name: array[start : start + ROWS_PER_TABLE] for name, array in arrays.items()}
            columns = {key: column for name, part in parts.items() for key, column in as_columns(name, part).items()}
            yield flatten(pa.table(columns))


def as_columns(name: str, array: Array) -> dict[str, pa.Array]:
    """Returns the columns that an array becomes; see `Npz`.

    Args:
        name: Of the array.
        array: Rows along the first axis.
    """
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return image_columns(name, array)
    if array.ndim == 1:
        return {name: _values(array)}
    width = int(np.prod(array.shape[1:]))
    return {name: pa.FixedSizeListArray.from_arrays(_values(array.reshape(-1)), width)}


def _values(array: Array) -> pa.Array:
    if array.dtype.kind in "US":  # fixed width in NumPy, any width in Arrow
        return pa.array(array.tolist(), pa.string() if array.dtype.kind == "U" else pa.binary())
    if array.dtype.kind == "M":
        return pa.array(array.astype("datetime64[s]"))
    return pa.array(array.astype(array.dtype.newbyteorder("=")))


def image_columns(name: str, images: Array) -> dict[str, pa.Array]:
    """Returns raw pixels and their sizes.

    Args:
        name: Of the column with the pixels.
        images: uint8, [rows, height, width] or [rows, height, width, channels].
    """
    count, height, width, *channels = images.shape
    bytes_each = int(np.prod(images.shape[1:]))
    pixels = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(bytes_each), count, [None, pa.py_buffer(np.ascontiguousarray(images))]
    )
    sizes = {"height": height, "width": width, "channels": channels[0] if channels else 1}
    constants = {f"{name}/{key}": pa.array(np.full(count, size, np.int64)) for key, size in sizes.items()}
    return {name: pixels.cast(pa.binary()), **constants}
