"""Reads the idx files of MNIST and its successors: images in one file, labels in its neighbour."""

import gzip
import os
import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.errors import DataError

_IMAGES_MAGIC = 2051
_LABELS_MAGIC = 2049


def read(path: str, options: ReadOptions) -> pa.Table:
    """Reads `X-images-idx3-ubyte[.gz]` and its neighbour `X-labels-idx1-ubyte[.gz]`.

    Args:
        path: The file with the images.
        options: Not used: the format has no options, except that `columns` must not be given.

    Returns:
        Columns `image` (binary: height × width bytes, row by row), `image/height`, `image/width`, `image/channels` and
        `label` (int64).

    Raises:
        DataError: A file is missing, is not idx, or the two do not belong together.
    """
    if options.columns is not None:
        raise DataError(f"{path}: idx files have no columns to name; leave the column names out.")
    images = _load(path, _IMAGES_MAGIC, 3)
    labels_path = path.replace("images-idx3", "labels-idx1")
    labels = _load(labels_path, _LABELS_MAGIC, 1)
    if len(images) != len(labels):
        raise DataError(f"{path}: {len(images)} images, but {len(labels)} labels in {labels_path}.")
    count, height, width = images.shape
    pixels = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(height * width), count, [None, pa.py_buffer(np.ascontiguousarray(images))]
    )
    sizes = {"image/height": height, "image/width": width, "image/channels": 1}
    constants = {name: pa.array(np.full(count, size, np.int64)) for name, size in sizes.items()}
    return pa.table({"image": pixels.cast(pa.binary()), **constants, "label": pa.array(labels.astype(np.int64))})


def _load(path: str, magic: int, dimensions: int) -> npt.NDArray[np.uint8]:
    if not os.path.isfile(path):
        raise DataError(f"{path}: there is no such file; the images and the labels must lie in one folder.")
    try:
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from error
    header = np.frombuffer(content[: 4 * (1 + dimensions)], ">i4")
    if len(header) != 1 + dimensions or header[0] != magic:
        raise DataError(f"{path}: not an idx file with {dimensions} dimensions; expected the magic number {magic}.")
    body = np.frombuffer(content, np.uint8, offset=header.nbytes)
    shape = tuple(int(size) for size in header[1:])
    if body.size != np.prod(shape):
        raise DataError(f"{path}: {body.size} bytes of data where its header says {shape}; the file is cut off.")
    return body.reshape(shape)
