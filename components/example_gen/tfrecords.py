"""The TFRecord format: length, checksum of the length, record, checksum of the record.

TensorFlow itself is not imported: worker processes that only read and write records start ten times sooner without it.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import google_crc32c
import numpy as np
import numpy.typing as npt

_HEADER = struct.Struct("<QI")
_FOOTER_BYTES = 4
_MASK_DELTA = np.uint32(0xA282EAD8)
_COPY_BYTES = 1 << 22


class DamagedError(Exception):
    """The bytes are no TFRecord file, or its end is missing."""


def frame(records: Sequence[bytes]) -> bytes:
    """Returns records as they stand one after another in a TFRecord file.

    Args:
        records: Serialized examples.
    """
    count = len(records)
    headers = np.empty(count, np.dtype([("length", "<u8"), ("crc", "<u4")]))
    headers["length"] = np.fromiter(map(len, records), np.uint64, count)
    lengths, which = np.unique(headers["length"], return_inverse=True)  # few are different
    checksums = [google_crc32c.value(length.tobytes()) for length in lengths.astype("<u8")]
    headers["crc"] = _masked(np.array(checksums, np.uint32))[which]
    footers = _masked(np.fromiter(map(google_crc32c.value, records), np.uint32, count)).astype("<u4").tobytes()
    header = headers.tobytes()
    parts: list[bytes] = [b""] * (3 * count)
    parts[0::3] = [header[at : at + _HEADER.size] for at in range(0, len(header), _HEADER.size)]
    parts[1::3] = records
    parts[2::3] = [footers[at : at + _FOOTER_BYTES] for at in range(0, len(footers), _FOOTER_BYTES)]
    return b"".join(parts)


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
