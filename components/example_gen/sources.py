"""Opens files: local ones or on any fsspec path, compressed or not, in any encoding."""

import bz2
import codecs
import contextlib
import glob
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar, cast

from tfx_automl.errors import DataError, one_line

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
_CHUNK = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True)
class Stamp:
    """What tells one state of a file from another.

    Attributes:
        size: In bytes.
        version: Time of the last change, or whatever the file system has instead.
    """

    size: int
    version: str


def is_remote(path: str) -> bool:
    """Tells whether a path has a scheme such as `memory://` or `gs://`."""
    return "://" in path


def compression_of(path: str) -> str | None:
    """Returns gzip, bz2, zstd or xz by the ending of the name, else None."""
    return _COMPRESSIONS.get(os.path.splitext(path)[1].lower())


def without_compression(path: str) -> str:
    """Returns the name without the ending that tells the compression."""
    return os.path.splitext(path)[0] if compression_of(path) else path


def stamp(path: str) -> Stamp:
    """Returns the present state of a file.

    Raises:
        DataError: There is no such file.
    """
    if is_remote(path):
        system, inner = file_system(path)
        try:
            info = system.info(inner)
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: there is no such file ({error}); check the path.") from error
        return Stamp(int(info["size"]), str(system.ukey(inner)))
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the path.") from error
    return Stamp(status.st_size, str(status.st_mtime_ns))


def open_raw(path: str) -> BinaryIO:
    """Opens a file as it is.

    Raises:
        DataError: It is missing, is a folder, or may not be read.
    """
    if not is_remote(path) and os.path.isdir(path):
        raise DataError(f"{path}: this is a folder; name a file.")
    try:
        if is_remote(path):
            system, inner = file_system(path)
            return cast(BinaryIO, system.open(inner, "rb"))
        return open(path, "rb")
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the path.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check its permissions.") from error


def piece(path: str, start: int, stop: int) -> bytes:
    """Returns a range of the bytes of a file.

    Raises:
        DataError: The file has become shorter than that.
    """
    with open_raw(path) as file:
        file.seek(start)
        data = file.read(stop - start)
    if len(data) != stop - start:
        raise DataError(f"{path}: became shorter while it was read; read a finished copy of it.")
    return data


def in_place(path: str, encoding: str) -> bool:
    """Tells whether another process can read a piece of a text file by its bytes, without all that is before it."""
    return not is_remote(path) and compression_of(path) is None and is_utf8(encoding)


@contextlib.contextmanager
def open_stream(path: str, encoding: str = "utf-8") -> Iterator[BinaryIO]:
    """Opens a file for reading from its beginning: decompressed, and as UTF-8.

    Args:
        path: Its ending tells the compression.
        encoding: Of the text in it; a text in another one than UTF-8 is recoded on the way.

    Raises:
        DataError: It is missing, is a folder, or may not be read; reading may raise what `guarded` turns into one.
    """
    with open_raw(path) as raw, _decompressed(raw, compression_of(path)) as stream:
        if is_utf8(encoding):
            yield stream
        else:
            yield cast(BinaryIO, io.BufferedReader(_Recoder(path, stream, encoding), _CHUNK))


@contextlib.contextmanager
def open_by_magic(path: str) -> Iterator[BinaryIO]:
    """Opens a file decompressed; one without an ending that tells the compression is looked into."""
    with open_raw(path) as raw:
        compression = compression_of(path)
        if compression is None:
            compression = "gzip" if raw.read(3) == b"\x1f\x8b\x08" else None
            raw.seek(0)
        with _decompressed(raw, compression) as stream:
            yield stream


def is_utf8(encoding: str) -> bool:
    """Tells whether an encoding is UTF-8, under any of its names."""
    return codecs.lookup(encoding).name in ("utf-8", "ascii", "utf-8-sig")


def damaged(path: str, error: Exception) -> DataError:
    """Returns the error for a file whose compression is damaged or whose end is missing."""
    kind = compression_of(path)
    if kind is None:
        return DataError(f"{path}: cannot be read ({one_line(error)}); check the file.")
    return DataError(f"{path}: not a complete {kind} file ({one_line(error)}); fetch or write it again.")


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Puts the name of a file before a DataError that does not begin with it."""
    try:
        yield
    except DataError as error:
        if str(error).startswith(path):
            raise
        raise DataError(f"{path}: {error}") from error


def guarded(path: str, pieces: Iterator[T]) -> Iterator[T]:
    """Yields what a reader of a file yields; trouble with reading the file becomes a DataError with its name."""
    try:
        yield from pieces
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise damaged(path, error) from error


def _decompressed(raw: BinaryIO, compression: str | None) -> "contextlib.AbstractContextManager[BinaryIO]":
    if compression is None:
        return contextlib.nullcontext(raw)
    if compression == "zstd":
        return cast("contextlib.AbstractContextManager[BinaryIO]", _Zstd(raw))
    openers: dict[str, Any] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return cast("contextlib.AbstractContextManager[BinaryIO]", openers[compression](raw))


class _Zstd(io.BufferedReader):
    """Arrow's decompressor as a file whose lines can be read."""

    def __init__(self, raw: BinaryIO) -> None:
        import pyarrow as pa

        super().__init__(_ArrowStream(pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")), _CHUNK)


class _ArrowStream(io.RawIOBase):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Recoder(io.RawIOBase):
    """Reads a stream in some encoding and gives it out as UTF-8."""

    def __init__(self, path: str, stream: BinaryIO, encoding: str) -> None:
        self._path, self._stream, self._encoding = path, stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            chunk = self._stream.read(_CHUNK)
            self._ended = not chunk
            self._ready = self._decode(chunk).encode("utf-8")
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _decode(self, chunk: bytes) -> str:
        try:
            return self._decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            raise DataError(
                f"{self._path}: not {self._encoding} ({one_line(error)}); name the encoding in which it was written."
            ) from error


def file_system(path: str) -> tuple[Any, str]:
    """Returns the fsspec file system of a path with a scheme, and the path in it.

    Raises:
        DataError: There is no file system for this scheme.
    """
    import fsspec

    try:
        return cast(tuple[Any, str], fsspec.core.url_to_fs(path))
    except (ImportError, ValueError) as error:
        raise DataError(f"{path}: {error}; install the fsspec package for this kind of path.") from error


def find(pattern: str) -> list[str]:
    """Returns the files that match a glob pattern, in the order of their names."""
    if is_remote(pattern):
        system, inner = file_system(pattern)
        found = [path for path in system.glob(inner) if system.isfile(path)]
        return sorted(with_scheme(path, pattern) for path in found)
    return sorted(path for path in glob.glob(pattern) if os.path.isfile(path))


def with_scheme(found: str, pattern: str) -> str:
    """Returns a path as a file system gives it in the form in which it was asked for: TFX compares the two."""
    scheme, _, rest = pattern.partition("://")
    if is_remote(found):
        return found
    return f"{scheme}://{found if rest.startswith('/') else found.lstrip('/')}"
