"""The preprocessing function that TensorFlow Transform runs: it carries out a feature plan.

Means, medians and vocabularies stand in the plan, from the statistics that were computed before; so for most data there
is nothing left to analyse. Vocabularies are searched in a sorted constant rather than in a hash table: a table is a
stateful resource, and TensorFlow Transform starts a pass over the data for every column that goes through one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import schema_inference

from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan, indicator_name
from tfx_automl.models.task import TaskSpec, transformed_name

PLAN_KEY = "feature_plan"
_HASHES = 2**62


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Transforms raw columns by the plan in `custom_config["feature_plan"]`, which is JSON text.

    Args:
        inputs: Dense or sparse tensors with at most one value per row.
        custom_config: As Transform's executor sets it.

    Returns:
        Dense tensors of shape [rows]; see `FeatureDecision.outputs` for their names. Numbers are float32, categories
        and class indices int64.
    """
    plan = FeaturePlan.from_json(custom_config[PLAN_KEY])
    outputs: dict[str, Any] = {}
    for decision in plan.decisions:
        if decision.kind != "dropped":
            outputs.update(_transform(decision, inputs[decision.name], plan.task))
    return outputs


def _transform(decision: FeatureDecision, raw: Any, task: TaskSpec) -> dict[str, Any]:
    name = transformed_name(decision.name)
    if decision.kind in ("numeric", "log"):
        return _number(decision, raw)
    if decision.kind == "categorical":
        return {name: _category(decision, _as_text(raw))}
    if decision.kind == "hashed":
        return {name: _hashed(_as_text(raw), decision.parameters["buckets"])}
    if decision.kind == "label":
        return {name: tf.cast(_as_float(raw), tf.float32) if task.kind == "regression" else _class(raw, task)}
    return {name: _dense(raw, b"" if raw.dtype == tf.string else 0)}


def _dense(raw: Any, default: object) -> Any:
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


def _as_float(raw: Any) -> Any:
    """Returns float64, in which all integers up to 2**53 are exact, with NaN where the value is missing."""
    return _dense(_with_values(raw, lambda values: tf.cast(values, tf.float64)), float("nan"))


def _as_text(raw: Any) -> Any:
    """Returns text, empty where the value is missing; whole numbers are written without a decimal point."""
    return _dense(raw if raw.dtype == tf.string else _with_values(raw, _number_as_text), b"")


def _number_as_text(values: Any) -> Any:
    if values.dtype.is_integer:
        return tf.strings.as_string(values)
    whole = tf.strings.as_string(tf.cast(values, tf.int64))
    return tf.where(tf.equal(values, tf.round(values)), whole, tf.strings.as_string(values, shortest=True))


def _number(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    values = _as_float(raw)
    missing = tf.logical_not(tf.math.is_finite(values))
    filled = tf.where(missing, tf.constant(decision.parameters["fill"], tf.float64), values)
    if decision.kind == "log":
        filled = tf.math.log1p(tf.maximum(filled, 0.0))
    scaled = (filled - decision.parameters["mean"]) / decision.parameters["std"]
    outputs = {transformed_name(decision.name): tf.cast(scaled, tf.float32)}
    if decision.parameters["missing"]:
        outputs[indicator_name(decision.name)] = tf.cast(missing, tf.float32)
    return outputs


def _category(decision: FeatureDecision, values: Any) -> Any:
    """Index in the vocabulary; then one for new values, and one for missing."""
    if "vocabulary" in decision.parameters:
        vocabulary = decision.parameters["vocabulary"]
        size = tf.constant(len(vocabulary), tf.int64)
        index = _position(values, vocabulary)
    else:
        # The executor of Transform counts the values; empty ones it does not count.
        file = tft.vocabulary(
            values, top_k=decision.parameters["top"], vocab_filename=f"vocabulary_{_file_name(decision.name)}"
        )
        index = tft.apply_vocabulary(values, file, default_value=-1)
        size = tft.experimental.get_vocabulary_size_by_name(f"vocabulary_{_file_name(decision.name)}")
    index = tf.where(index < 0, size, index)
    return _categorical(tf.where(tf.equal(values, ""), size + 1, index), size + 2)


def _file_name(column: str) -> str:
    return column.encode().hex()


def _hashed(values: Any, buckets: int) -> Any:
    """A bucket by hash; the last index is for missing values."""
    index = tf.strings.to_hash_bucket_fast(values, buckets)
    missing = tf.constant(buckets, tf.int64)
    return _categorical(tf.where(tf.equal(values, ""), missing, index), missing + 1)


def _categorical(index: Any, size: Any) -> Any:
    """Says in the transformed schema that this is an index below `size`."""
    schema_inference.set_tensor_schema_override(index, tf.constant(0, tf.int64), size - 1)
    return index


def _position(values: Any, keys: Sequence[str]) -> Any:
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


def _class(raw: Any, task: TaskSpec) -> Any:
    return _position(_as_text(raw), task.classes)
