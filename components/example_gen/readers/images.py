"""Reads PNG and JPEG files; the folder of each names its class."""

import os
import struct
from collections.abc import Iterator, Mapping

import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers.base import Block, Format, Rejected

_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_PNG_LEAST = 8 + 25 + 12  # signature, header, end
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
# Start-of-frame markers; the others between C0 and CF are tables.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class Images(Format):
    """One image per file, in a folder per class.

    Columns `image` (the file as it is), `image/format`, `image/height`, `image/width`, `image/channels`, `image/name`
    and `label` (the name of the folder).
    """

    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields the file as one block."""
        yield Block(path, 0, 1, sources.stamp(path).size)

    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Reads the file; one that is cut off or no image is a bad row."""
        with sources.open_raw(block.path) as file:
            content = file.read()
        found = _inspect(content)
        if isinstance(found, str):
            rejected.append(Rejected(block.path, 1, f"{found}; fetch the image again, or remove it."))
            return
        kind, height, width, channels = found
        row = {
            "image": content,
            "image/format": kind,
            "image/height": height,
            "image/width": width,
            "image/channels": channels,
            "image/name": os.path.basename(block.path),
            "label": os.path.basename(os.path.dirname(block.path)),
        }
        yield pa.table({name: [value] for name, value in row.items()})


def _inspect(content: bytes) -> tuple[str, int, int, int] | str:
    """Returns format, height, width and channels, or what is wrong."""
    if content.startswith(_PNG):
        if _PNG_END not in content or len(content) < _PNG_LEAST:  # some programs write more behind the end
            return "the end of the PNG is missing"
        width, height, _, colour = struct.unpack_from(">IIBB", content, 16)
        return "png", height, width, _PNG_CHANNELS.get(colour, 0)
    if content.startswith(_JPEG):
        return _inspect_jpeg(content)
    return "neither PNG nor JPEG"


def _inspect_jpeg(content: bytes) -> tuple[str, int, int, int] | str:
    position = 2
    while position + 10 < len(content) and content[position] == 0xFF:
        marker, length = content[position + 1], struct.unpack_from(">H", content, position + 2)[0]
        if marker == 0xFF:  # a byte that only fills
            position += 1
            continue
        if marker in _FRAMES:
            height, width, channels = struct.unpack_from(">HHB", content, position + 5)
            # Before the frame there may be a small picture of the picture, which has an end, too.
            ended = content.find(_JPEG_END, position) > 0
            return ("jpeg", height, width, channels) if ended else "the end of the JPEG is missing"
        position += 2 + length
    return "the JPEG has no frame"
