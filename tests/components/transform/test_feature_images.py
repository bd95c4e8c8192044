"""Folders of images, from the files to the arrays that a model learns from, and served."""

import numpy as np
import pyarrow as pa
import pytest

from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.models.data import prepare
from tfx_automl.models.inputs import Image
from tfx_automl.models.task import TaskSpec

pytestmark = pytest.mark.slow
TASK = TaskSpec("binary", "label", ("cat", "dog"))


def _pixels(number: int, shape) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, shape).astype(np.uint8)


def _table(folder, shapes, kind="png") -> pa.Table:
    import tensorflow as tf

    write = {"png": tf.io.encode_png, "jpg": tf.io.encode_jpeg}[kind]
    paths = []
    for number, shape in enumerate(shapes):
        path = folder / ("cat", "dog")[number % 2] / f"{number // 2}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write(_pixels(number, shape)).numpy())
        paths.append(path)
    return read_table([str(path) for path in paths], ReadOptions())


def _data(run, folder):
    files = [str(path) for path in (run.folder / "transformed/Split-train").iterdir()]
    return prepare({"train": files}, str(run.folder / "graph"), TASK, folder)


def test_small_images_keep_every_pixel(transform_tables, tmp_path):
    shape = (6, 5, 1)
    run = transform_tables({"train": _table(tmp_path, [shape] * 12)}, TASK)
    assert (
        run.plan["image"].reason
        == "images of up to 6 × 5 × 1 (height × width × channels), decoded and scaled to 6 × 5 × 1"
    )
    assert {name: run.plan[name].kind for name in ("image/format", "image/name")} == {
        "image/format": "dropped",
        "image/name": "dropped",
    }
    data = _data(run, tmp_path / "arrays")
    assert data.inputs.image == Image("image_xf", *shape)
    expected = [_pixels(number, shape).reshape(-1) for number in range(12)]
    np.testing.assert_array_equal(data.split("train").image, expected)
    assert data.split("train").label.tolist() == [0, 1] * 6


def test_images_of_many_sizes_get_one(transform_tables, tmp_path):
    import tensorflow as tf

    shapes = [(100, 80, 3), (200, 160, 3), (50, 40, 1), (100, 80, 4)] * 3
    table = _table(tmp_path, shapes)
    run = transform_tables({"train": table}, TASK)
    data = _data(run, tmp_path / "arrays")
    assert data.inputs.image == Image("image_xf", 48, 38, 3)
    made = data.split("train").image.reshape(-1, 48, 38, 3)
    for number, shape in enumerate(shapes):
        pixels = _pixels(number, shape).astype(np.float32)
        colours = np.repeat(pixels, 3, axis=2) if shape[2] == 1 else pixels[:, :, :3]
        expected = tf.image.resize(colours, [48, 38], antialias=True)
        np.testing.assert_allclose(made[number], expected, atol=0.51)


def test_jpeg_and_a_missing_image_are_served(transform_tables, tmp_path):
    import tensorflow as tf

    table = _table(tmp_path, [(60, 30, 3)] * 12, "jpg")
    run = transform_tables({"train": table}, TASK)
    contents = [table["image"][0].as_py(), b""]
    there = tf.SparseTensor([[0, 0]], contents[:1], [2, 1])
    served = run.graph.transform_features_layer()({"image": there})["image_xf"].numpy()
    pixels = tf.io.decode_jpeg(contents[0])
    expected = tf.image.resize(pixels, [48, 24], antialias=True).numpy()
    np.testing.assert_allclose(np.frombuffer(served[0], np.uint8).reshape(48, 24, 3), expected, atol=0.51)
    assert served[1] == bytes(48 * 24 * 3)
