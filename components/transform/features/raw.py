"""Raw columns in the graph: dense, as numbers or as text, and where text stands in a vocabulary."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import schema_inference

_HASHES = 2**62


def dense(raw: Any, default: object) -> Any:
    """Returns one value per row, the first if there are several, with a default where there is none."""
    if isinstance(raw, tf.SparseTensor):
        shape = tf.stack([raw.dense_shape[0], tf.constant(1, tf.int64)])
        first = tf.sparse.slice(raw, tf.constant([0, 0], tf.int64), shape)
        raw = tf.sparse.to_dense(tf.SparseTensor(first.indices, first.values, shape), default)
    return tf.reshape(raw, [-1])


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


def position(values: Any, keys: Sequence[str]) -> Any:
    """Returns the position of each value among the keys, or -1.

    Searches the hash of the value among the sorted hashes of the keys, and then compares the texts.
    """
    with tf.init_scope():
        hashes = tf.strings.to_hash_bucket_fast(list(keys), _HASHES).numpy()
    order = np.argsort(hashes)
    place = tf.searchsorted(tf.constant(hashes[order]), tf.strings.to_hash_bucket_fast(values, _HASHES))
    nearest = tf.gather(tf.constant(order, tf.int64), tf.minimum(place, len(keys) - 1))
    found = tf.equal(tf.gather(tf.constant(list(keys)), nearest), values)
    return tf.where(found, nearest, tf.constant(-1, tf.int64))


def categorical(index: Any, size: Any) -> Any:
    """Says in the transformed schema that this is an index below `size`."""
    schema_inference.set_tensor_schema_override(index, tf.constant(0, tf.int64), size - 1)
    return index
