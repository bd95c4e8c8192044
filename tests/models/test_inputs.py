"""How the transformed features are sorted into the inputs of a model."""

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_automl.errors import ModelError
from tfx_automl.models.inputs import Image, InputSpec, are_images, has_image, inputs_from_schema
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("regression", "y")
SIZES = ("image/height_xf", "image/width_xf", "image/channels_xf")


def _schema(categorical=(), numeric=(), texts=()) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    schema.feature.add(name="y_xf", type=schema_pb2.FLOAT)
    for name in categorical:
        schema.feature.add(name=name, type=schema_pb2.INT, int_domain={"is_categorical": True, "max": 3})
    for name in numeric:
        schema.feature.add(name=name, type=schema_pb2.FLOAT)
    for name in texts:
        schema.feature.add(name=name, type=schema_pb2.BYTES)
    return schema


def test_an_image_is_a_column_with_all_its_sizes():
    schema = _schema(texts=["image_xf"], numeric=SIZES)
    assert has_image(schema)
    assert inputs_from_schema(schema, TASK, (2, 3, 1)) == InputSpec(image=Image("image_xf", 2, 3, 1))


def test_a_column_that_is_merely_called_image_is_like_any_other():
    schema = _schema(categorical=["image_xf"], numeric=["image/height_xf"])
    assert not has_image(schema)
    assert inputs_from_schema(schema, TASK, None) == InputSpec(("image/height_xf",), (("image_xf", 4),))


def test_raw_columns():
    assert are_images(["image", "image/height", "image/width", "image/channels", "label"])
    assert not are_images(["image", "image/height", "label"])


def test_text_cannot_be_learned_from():
    with pytest.raises(ModelError, match="The features image_xf are text after Transform"):
        inputs_from_schema(_schema(texts=["image_xf"]), TASK, None)
