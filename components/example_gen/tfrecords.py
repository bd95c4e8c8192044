"""The TFRecord format: length, checksum of the length, record, checksum of the record.

TensorFlow itself is not imported: worker processes that only read and write records start ten times sooner without it.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_HEADER = struct.Struct("<QI")
_FOOTER_BYTES = 4
_MASK_DELTA = np.uint32(0xA282EAD8)
_COPY_BYTES = 1 << 22


class DamagedError(Exception):
    """The bytes are no TFRecord file, or its end is missing."""


def frame(records: pa.Array) -> memoryview:
    """Returns records as they stand one after another in a TFRecord file.

    Args:
        records: Serialized examples, large_binary.
    """
    _, bounds, content = records.buffers()
    offsets = np.frombuffer(bounds, np.int64)[records.offset : records.offset + len(records) + 1]
    headers = np.empty(len(records), np.dtype([("length", "<u8"), ("crc", "<u4")]))
    headers["length"] = np.diff(offsets)
    lengths, which = np.unique(headers["length"], return_inverse=True)  # few are different
    checksums = [google_crc32c.value(length.tobytes()) for length in lengths.astype("<u8")]
    headers["crc"] = _masked(np.array(checksums, np.uint32))[which]
    data = content.to_pybytes() if content is not None else b""
    pairs = itertools.pairwise(offsets.tolist())
    of_records = np.fromiter((google_crc32c.value(data[a:b]) for a, b in pairs), np.uint32, len(records))
    parts = [_fixed(headers), records, _fixed(_masked(of_records).astype("<u4")), pa.scalar(b"", pa.large_binary())]
    return memoryview(pc.binary_join_element_wise(*parts).buffers()[2])


def _fixed(values: npt.NDArray[Any]) -> pa.Array:
    """Returns the bytes of each element as large_binary."""
    offsets = np.arange(len(values) + 1, dtype=np.int64) * values.dtype.itemsize
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(values)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(values), buffers)


def _masked(checksums: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    rotated = (checksums >> np.uint32(15)) | (checksums << np.uint32(17))
    masked: npt.NDArray[np.uint32] = rotated + _MASK_DELTA
    return masked


def pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yields pieces of about `size` bytes of a TFRecord stream that end with a record.

    Raises:
        DamagedError: The end of the last record is missing.
    """
    rest = b""
    while chunk := stream.read(max(size, len(rest))):  # twice as much each time, for the sake of long records
        data = rest + chunk
        end = 0
        for _, end_of_record in _bounds(data):
            end = end_of_record + _FOOTER_BYTES
        if end:
            yield data[:end]
        rest = data[end:]
    if rest:
        raise DamagedError("the end of the last record is missing")


def _bounds(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields where each complete record of a piece begins and ends."""
    position, size = 0, len(data)
    while position + _HEADER.size <= size:
        length, checksum = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        position = start + length + _FOOTER_BYTES
        if position > size:
            _check_length(data[start - _HEADER.size : start], checksum)
            return
        yield start, start + length


def _check_length(header: bytes, checksum: int) -> None:
    """Tells a record of which a part is missing from bytes that are no record at all, and seem to be a long one."""
    [expected] = _masked(np.array([google_crc32c.value(header[:8])], np.uint32))
    if expected != checksum:
        raise DamagedError("the checksum of a length is wrong")


def records(data: bytes) -> list[bytes]:
    """Returns the records of a piece, after comparing their checksums.

    Raises:
        DamagedError: A checksum is wrong.
    """
    bounds = list(_bounds(data))
    found = [data[start:stop] for start, stop in bounds]
    stored = np.array([struct.unpack_from("<I", data, stop)[0] for _, stop in bounds], np.uint32)
    wrong = np.flatnonzero(_masked(np.fromiter(map(google_crc32c.value, found), np.uint32, len(found))) != stored)
    if len(wrong):
        raise DamagedError(f"the checksum of record {wrong[0] + 1} is wrong")
    return found
