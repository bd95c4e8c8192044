"""Raw columns in a TensorFlow graph: one value a row, and where it stands among known ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MISSING_INTEGER = -(2**63)  # in a request; of text the empty one is missing, of numbers with a fraction NaN

_HASHES = 2**62


def dense(raw: Any, default: object) -> Any:
    """Returns one value per row, the first if there are several, with a default where there is none."""
    import tensorflow as tf

    if isinstance(raw, tf.SparseTensor):
        shape = tf.stack([raw.dense_shape[0], tf.constant(1, tf.int64)])
        first = tf.sparse.slice(raw, tf.constant([0, 0], tf.int64), shape)
        raw = tf.sparse.to_dense(tf.SparseTensor(first.indices, first.values, shape), default)
    return tf.reshape(raw, [-1])


def position(values: Any, keys: Sequence[str]) -> Any:
    """Returns the position of each value among the keys, or -1.

    Searches the hash of the value among the sorted hashes of the keys, and then compares the texts.
    """
    import tensorflow as tf

    with tf.init_scope():
        hashes = tf.strings.to_hash_bucket_fast(list(keys), _HASHES).numpy()
    order = np.argsort(hashes)
    place = tf.searchsorted(tf.constant(hashes[order]), tf.strings.to_hash_bucket_fast(values, _HASHES))
    nearest = tf.gather(tf.constant(order, tf.int64), tf.minimum(place, len(keys) - 1))
    found = tf.equal(tf.gather(tf.constant(list(keys)), nearest), values)
    return tf.where(found, nearest, tf.constant(-1, tf.int64))
