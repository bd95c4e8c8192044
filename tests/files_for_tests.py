"""What several tests of files need: writing them, and reading them in vain."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from tfx_automl.components.example_gen import tfrecords
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import DataError


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> str:
    """Writes a file and returns its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def refused(path: str, options: ReadOptions | None = None, block_bytes: int | None = None) -> str:
    """Returns the one line that says why a file cannot be read, without the path that it begins with."""
    with pytest.raises(DataError) as caught:
        read_table(path, options, block_bytes)
    message = str(caught.value)
    assert message.startswith(path) and "\n" not in message
    return message.removeprefix(path)


def framed(records: Sequence[bytes]) -> bytes:
    """Returns records as they stand in a TFRecord file."""
    return bytes(tfrecords.frame(pa.array(records, pa.large_binary())))
