"""Arrays that are written to disk part by part, and read back memory-mapped."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_HEADER_BYTES = 256


class GrowingArray:
    """Writes a `.npy` file whose number of rows is known only at the end; use it in `with`.

    Memory for one part is enough, however long the file becomes.

    Args:
        path: The file; overwritten.
        columns: Second dimension; None makes the array one-dimensional.
        dtype: Of the values.
        digest: Also gets all bytes that are written.
    """

    def __init__(self, path: Path, columns: int | None, dtype: npt.DTypeLike, digest: Any) -> None:
        self._columns, self._dtype, self._digest = columns, np.dtype(dtype), digest
        self._file = open(path, "wb")  # noqa: SIM115  # closed by `with`
        self._rows = 0

    def __enter__(self) -> "GrowingArray":
        self._file.write(self._header())
        return self

    def append(self, part: npt.NDArray[Any]) -> None:
        """Adds rows."""
        values = np.ascontiguousarray(part, self._dtype)
        self._rows += len(values)
        self._digest.update(values)
        self._file.write(values.data)

    def __exit__(self, *exception: object) -> None:
        self._file.seek(0)
        self._file.write(self._header())
        self._file.close()

    def _header(self) -> bytes:
        """Version 1.0 of the format, padded so that any number of rows takes the same space."""
        shape = (self._rows,) if self._columns is None else (self._rows, self._columns)
        text = repr({"descr": self._dtype.str, "fortran_order": False, "shape": shape})
        length = _HEADER_BYTES - 10
        return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1).encode("ascii") + b"\n"


def open_array(path: Path) -> npt.NDArray[Any]:
    """Opens a `.npy` file memory-mapped."""
    opened: npt.NDArray[Any] = np.load(path, mmap_mode="r")
    return opened


def new_digest() -> Any:
    """Returns what fingerprints are computed with: fast, and without collisions that could happen by chance."""
    return hashlib.blake2b(digest_size=16)
