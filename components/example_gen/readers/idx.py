"""Reads the idx files of MNIST and its successors: images in one file, labels in its neighbour."""

import os
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.arrays import image_columns, rows_per_table
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.errors import DataError

_IMAGES_MAGIC = 2051
_LABELS_MAGIC = 2049


class Idx(Format):
    """`X-images-idx3-ubyte[.gz]` and its neighbour `X-labels-idx1-ubyte[.gz]`.

    Columns `image` (binary: height × width bytes, row by row), `image/height`, `image/width`, `image/channels` and
    `label` (int64).
    """

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields one block."""
        if options.columns is not None:
            raise DataError(f"{path}: idx files have no columns to name; leave the column names out.")
        yield Block(path, 0, 1, sources.stamp(path).size)

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Loads both files and yields them in parts."""
        images = _load(block.path, _IMAGES_MAGIC, 3)
        folder, name = os.path.split(block.path)
        labels_path = os.path.join(folder, name.replace("images-idx3", "labels-idx1"))
        labels = _load(labels_path, _LABELS_MAGIC, 1)
        if len(images) != len(labels):
            raise DataError(f"{block.path}: {len(images)} images, but {len(labels)} labels in {labels_path}.")
        step = rows_per_table(images)
        for start in range(0, len(images), step):
            rows = slice(start, start + step)
            label = pa.array(labels[rows].astype(np.int64))
            yield pa.table({**image_columns("image", images[rows]), "label": label})


def _load(path: str, magic: int, dimensions: int) -> npt.NDArray[np.uint8]:
    with sources.open_stream(path) as stream:
        content = b"".join(sources.guarded(path, iter(lambda: stream.read(1 << 24), b"")))
    header = np.frombuffer(content[: 4 * (1 + dimensions)].ljust(4 * (1 + dimensions), b"\0"), ">i4")
    if len(content) < header.nbytes or header[0] != magic:
        raise DataError(f"{path}: not an idx file with {dimensions} dimensions; expected the magic number {magic}.")
    body = np.frombuffer(content, np.uint8, offset=header.nbytes)
    shape = tuple(int(size) for size in header[1:])
    if min(shape) < 0 or body.size != np.prod(shape):
        raise DataError(f"{path}: {body.size} bytes of data where its header says {shape}; the file is cut off.")
    return body.reshape(shape)
