"""Raw columns in the graph: dense, as numbers or as text."""

from typing import Any

import tensorflow as tf
from tensorflow_transform import schema_inference

from tfx_automl.models.raw_tensors import dense


def _with_values(raw: Any, change: Any) -> Any:
    if isinstance(raw, tf.SparseTensor):
        return tf.SparseTensor(raw.indices, change(raw.values), raw.dense_shape)
    return change(raw)


def as_float(raw: Any) -> Any:
    """Returns float64, in which all integers up to 2**53 are exact, with NaN where the value is missing."""
    return dense(_with_values(raw, lambda values: tf.cast(values, tf.float64)), float("nan"))


def as_text(raw: Any) -> Any:
    """Returns text, empty where the value is missing; whole numbers are written without a decimal point."""
    return dense(_with_values(raw, to_text), b"")


def to_text(values: Any) -> Any:
    """Writes values of any type as text."""
    if values.dtype == tf.string:
        return values
    if values.dtype.is_integer:
        return tf.strings.as_string(values)
    whole = tf.strings.as_string(tf.cast(values, tf.int64))
    return tf.where(tf.equal(values, tf.round(values)), whole, tf.strings.as_string(values, shortest=True))


def categorical(index: Any, size: Any) -> Any:
    """Says in the transformed schema that this is an index below `size`."""
    schema_inference.set_tensor_schema_override(index, tf.constant(0, tf.int64), size - 1)
    return index
