"""One reader per file format: each turns a file into an Arrow table.

A new format is one function `(path, options) -> pyarrow.Table` and one line in `READERS`.
"""

import glob
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import delimited, idx
from tfx_automl.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

Reader = Callable[[str, ReadOptions], "pa.Table"]

READERS: dict[str, Reader] = {
    ".csv": delimited.read,
    ".csv.gz": delimited.read,
    ".data": delimited.read,
    ".tsv": delimited.read_tabs,
    ".tsv.gz": delimited.read_tabs,
    ".txt": delimited.read,
    "-idx3-ubyte": idx.read,
    "-idx3-ubyte.gz": idx.read,
}


def fingerprint_pattern(path: str) -> str:
    """Returns a glob pattern for a file and those that belong to it, so that a change of either is seen.

    The labels of idx images lie in a file of their own.
    """
    return glob.escape(path).replace("images-idx3", "*-idx[13]")


def is_companion(path: str) -> bool:
    """Tells whether a file is read together with another one, and never alone."""
    return "labels-idx1" in os.path.basename(path)


def read_table(path: str, options: ReadOptions) -> "pa.Table":
    """Reads a whole file.

    Args:
        path: The file; its ending tells the format.
        options: How to read it.

    Returns:
        Columns of int64, float32-able float64, string or binary; missing values are nulls.

    Raises:
        DataError: The file cannot be read; the message names file, row and column where they are known.
    """
    for ending in sorted(READERS, key=len, reverse=True):
        if path.lower().endswith(ending):
            return READERS[ending](path, options)
    raise DataError(f"{path}: the format of this file is not known; expected a name that ends in {', '.join(READERS)}.")
