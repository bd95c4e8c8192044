"""The preprocessing function that TensorFlow Transform runs: it carries out a feature plan.

Means, medians and vocabularies stand in the plan, from the statistics that were computed before; so for most data there
is nothing left to analyse.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import schema_inference

from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan
from tfx_automl.models.task import TaskSpec, transformed_name

PLAN_KEY = "feature_plan"


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Transforms raw columns by the plan in `custom_config["feature_plan"]`, which is JSON text.

    Args:
        inputs: Dense or sparse tensors with one value per row.
        custom_config: As Transform's executor sets it.

    Returns:
        Dense tensors of shape [rows]; see `FeatureDecision.outputs` for their names.
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
        return {name: _category(_dense(raw, b""), decision.parameters["vocabulary"])}
    if decision.kind == "hashed":
        return {name: _hashed(_dense(raw, b""), decision.parameters["buckets"])}
    if decision.kind == "label":
        return {name: _label(raw, task)}
    return {name: _dense(raw, b"" if raw.dtype == tf.string else 0)}


def _dense(raw: Any, default: object) -> Any:
    """Returns one value per row, with a default where there is none."""
    if isinstance(raw, tf.SparseTensor):
        shape = tf.stack([raw.dense_shape[0], tf.constant(1, tf.int64)])
        raw = tf.sparse.to_dense(tf.SparseTensor(raw.indices, raw.values, shape), default)
    return tf.reshape(raw, [-1])


def _as_float(raw: Any) -> Any:
    """Returns float32 with NaN where the value is missing."""
    if isinstance(raw, tf.SparseTensor):
        raw = tf.SparseTensor(raw.indices, tf.cast(raw.values, tf.float32), raw.dense_shape)
    return _dense(raw, float("nan")) if isinstance(raw, tf.SparseTensor) else tf.cast(_dense(raw, 0), tf.float32)


def _number(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    values = _as_float(raw)
    missing = tf.math.is_nan(values)
    filled = tf.where(missing, tf.cast(decision.parameters["median"], tf.float32), values)
    if decision.kind == "log":
        # The statistics do not hold the moments of the logarithm, so these are analysed.
        scaled = tft.scale_to_z_score(tf.math.log1p(tf.maximum(filled, 0.0)))
    else:
        scaled = (filled - decision.parameters["mean"]) / decision.parameters["std"]
    outputs = {transformed_name(decision.name): scaled}
    if decision.parameters["missing"]:
        outputs[transformed_name(f"{decision.name}_missing")] = tf.cast(missing, tf.float32)
    return outputs


def _category(values: Any, vocabulary: Sequence[str]) -> Any:
    """Index in the vocabulary; then one for new values, and one for missing."""
    index = _look_up(values, vocabulary)
    new, missing = len(vocabulary), len(vocabulary) + 1
    index = tf.where(index < 0, tf.constant(new, tf.int64), index)
    return _categorical(tf.where(tf.equal(values, ""), tf.constant(missing, tf.int64), index), missing + 1)


def _hashed(values: Any, buckets: int) -> Any:
    index = tf.strings.to_hash_bucket_fast(values, buckets)
    return _categorical(tf.where(tf.equal(values, ""), tf.constant(buckets, tf.int64), index), buckets + 1)


def _categorical(index: Any, size: int) -> Any:
    """Says in the transformed schema that this is an index below `size`."""
    schema_inference.set_tensor_schema_override(index, tf.constant(0, tf.int64), tf.constant(size - 1, tf.int64))
    return index


def _look_up(values: Any, keys: Sequence[str]) -> Any:
    """Returns the position of each value among the keys, or -1."""

    def make() -> Any:
        positions = tf.range(len(keys), dtype=tf.int64)
        initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(list(keys)), positions)
        return tf.lookup.StaticHashTable(initializer, default_value=-1)

    return tft.make_and_track_object(make).lookup(values)


def _label(raw: Any, task: TaskSpec) -> Any:
    if task.kind == "regression":
        return _as_float(raw)
    if raw.dtype != tf.string:
        raw = _with_values(raw, lambda values: tf.strings.as_string(tf.cast(values, tf.int64)))
    return _look_up(_dense(raw, b""), task.classes)


def _with_values(raw: Any, change: Any) -> Any:
    if isinstance(raw, tf.SparseTensor):
        return tf.SparseTensor(raw.indices, change(raw.values), raw.dense_shape)
    return change(raw)
