"""One class per file format. A new one is a class like `base.Format` and one line in `FORMATS`."""

import os

from tfx_automl.components.example_gen.readers.arrays import Npz
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected
from tfx_automl.components.example_gen.readers.columnar import Ipc, Orc, Parquet
from tfx_automl.components.example_gen.readers.delimited import Delimited
from tfx_automl.components.example_gen.readers.examples import Examples
from tfx_automl.components.example_gen.readers.idx import Idx
from tfx_automl.components.example_gen.readers.images import Images
from tfx_automl.components.example_gen.readers.json_lines import JsonLines
from tfx_automl.components.example_gen.sources import without_compression
from tfx_automl.errors import DataError

__all__ = ["FORMATS", "Block", "Format", "Rejected", "format_of", "is_companion"]

#: By the ending of the name, without that of a compression.
FORMATS: dict[str, Format] = {
    ".csv": Delimited(),
    ".data": Delimited(),
    ".test": Delimited(),
    ".txt": Delimited(),
    ".tsv": Delimited("\t"),
    ".tab": Delimited("\t"),
    ".jsonl": JsonLines(),
    ".ndjson": JsonLines(),
    ".json": JsonLines(),
    ".parquet": Parquet(),
    ".arrow": Ipc(),
    ".arrows": Ipc(),
    ".feather": Ipc(),
    ".ipc": Ipc(),
    ".orc": Orc(),
    ".tfrecord": Examples(),
    ".tfrecords": Examples(),
    ".npz": Npz(),
    "-idx3-ubyte": Idx(),
    ".png": Images(),
    ".jpg": Images(),
    ".jpeg": Images(),
}


def format_of(path: str) -> Format:
    """Returns the format of a file.

    Raises:
        DataError: The ending of its name is not known.
    """
    name = os.path.basename(without_compression(path)).lower()
    for ending in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(ending):
            return FORMATS[ending]
    if "tfrecord" in name:  # data_tfrecord-00000-of-00001, as TFX writes them
        return FORMATS[".tfrecord"]
    raise DataError(f"{path}: the format of this file is not known; expected a name that ends in {', '.join(FORMATS)}.")


def is_companion(path: str) -> bool:
    """Tells whether a file is read together with another one, and never alone."""
    return "labels-idx1" in os.path.basename(path)
