"""Transformed features, as tensors, in the columns that models see: in the served graph, and for arrays on disk."""

from collections.abc import Mapping
from typing import Any

from tfx_automl.models.inputs import InputSpec


def tensor_columns(features: Mapping[str, Any], inputs: InputSpec) -> dict[str, Any]:
    """Puts transformed features into columns.

    Args:
        features: Dense tensors of shape [rows] or [rows, width]; further ones are ignored.
        inputs: What the columns are.

    Returns:
        `numeric` (float32), `categorical` (int32) and `image` (uint8), of shape [rows, columns], as in
        `models.data.Arrays`; a kind without columns is not there.
    """
    import tensorflow as tf

    columns: dict[str, Any] = {}
    if inputs.numeric:
        parts = [
            tf.reshape(tf.cast(features[name], tf.float32), [-1, width]) for name, width in inputs.numeric_features
        ]
        columns["numeric"] = tf.concat(parts, axis=1)
    if inputs.categorical:
        indices = [tf.cast(_flat(features[name]), tf.int32) for name, _ in inputs.categorical]
        columns["categorical"] = tf.stack(indices, axis=1)
    if inputs.image:
        columns["image"] = tf.io.decode_raw(
            _flat(features[inputs.image.name]), tf.uint8, fixed_length=inputs.image.size
        )
        columns["image"] = tf.ensure_shape(columns["image"], [None, inputs.image.size])
    return columns


def _flat(feature: Any) -> Any:
    import tensorflow as tf

    return tf.reshape(feature, [-1])
