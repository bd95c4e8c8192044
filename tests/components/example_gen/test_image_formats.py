"""Images: what was put into PNG, JPEG and idx files comes out, and files that are cut off are refused."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from files_for_tests import refused, write
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import DataError

SKIP = ReadOptions(on_bad_row="skip")


def _png(pixels: np.ndarray) -> bytes:
    """A PNG by hand: signature, header, compressed rows, end."""
    height, width = pixels.shape[:2]
    colour = {1: 0, 3: 2, 4: 6}[pixels.shape[2]]

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _jpeg(height: int, width: int) -> bytes:
    """The parts of a JPEG that tell its size; a small picture with an end of its own stands before its frame."""
    thumbnail = b"\xff\xe1" + struct.pack(">H", 2 + 8) + b"\xff\xd8tiny\xff\xd9"
    frame = b"\xff\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + thumbnail + frame + b"\xff\xda" + struct.pack(">H", 2) + b"data" + b"\xff\xd9"


_PIXELS = st.integers(1, 5).flatmap(
    lambda size: arrays.arrays(np.uint8, st.tuples(st.just(size), st.integers(1, 5), st.sampled_from([1, 3, 4])))
)


@settings(max_examples=25)
@given(pixels=st.lists(_PIXELS, min_size=1, max_size=3))
def test_folders_of_images(tmp_path_factory, pixels):
    folder = tmp_path_factory.mktemp("d")
    files = {f"{'cat' if number % 2 else 'dög'}/{number}.png": _png(array) for number, array in enumerate(pixels)}
    files["cat/photo.JPG"] = _jpeg(7, 9) + b"written behind the end"
    paths = [write(folder, content, name) for name, content in files.items()]
    read = read_table(paths).to_pylist()
    assert [row["image"] for row in read] == list(files.values())
    assert [f"{row['label']}/{row['image/name']}" for row in read] == list(files)
    sizes = [(row["image/height"], row["image/width"], row["image/channels"]) for row in read]
    assert sizes == [*(array.shape for array in pixels), (7, 9, 3)]
    assert [row["image/format"] for row in read] == ["png"] * len(pixels) + ["jpeg"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: _png(np.zeros((2, 2, 3), np.uint8)), "the end of the PNG is missing"),
        (lambda: _jpeg(3, 4), "the (end|frame) of the JPEG is missing|the JPEG has no frame|neither PNG nor JPEG"),
    ],
    ids=["png", "jpeg"],
)
def test_images_that_are_cut_off(tmp_path, make: Callable[[], bytes], reason):
    content = make()
    for size in range(len(content) - 2):
        path = write(tmp_path, content[:size], "cat/a.png")
        with pytest.raises(DataError, match=rf"a\.png, row 1: ({reason}|neither PNG nor JPEG); fetch the image again"):
            read_table(path)
    good = write(tmp_path, content, "cat/b.png")
    assert read_table([path, good], SKIP).num_rows == 1


@settings(max_examples=20)
@given(images=arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3)))
def test_idx_files(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("images-idx3")
    path = write(folder, struct.pack(">4i", 2051, *images.shape) + images.tobytes(), "t-images-idx3-ubyte")
    labels = np.arange(len(images), dtype=np.uint8)
    write(folder, struct.pack(">2i", 2049, len(labels)) + labels.tobytes(), "t-labels-idx1-ubyte")
    read = read_table(path)
    assert read["image"].to_pylist() == [image.tobytes() for image in images]
    assert read["label"].to_pylist() == labels.tolist()
    content = Path(path).read_bytes()
    for size in {0, 3, 15, len(content) - 1}:
        assert "idx file" in refused(write(folder, content[:size], "t-images-idx3-ubyte")) or size > 15
