"""Lists: several values per row, as one vector of their number and what they are."""

from typing import Any

import tensorflow as tf

from tfx_automl.components.transform.columns import Column, Numbers, Texts
from tfx_automl.components.transform.features.raw import to_text
from tfx_automl.components.transform.features.reasons import drop
from tfx_automl.components.transform.features.words import bag
from tfx_automl.components.transform.plan import FeatureDecision
from tfx_automl.models.raw_tensors import position
from tfx_automl.models.task import transformed_name

_MOST_VALUES = 100  # with a column each
_BUCKETS = 64


def plan_list(column: Column) -> FeatureDecision:
    """Decides about a column with several values in a row."""
    most = column.lengths.most
    holds = f"lists of up to {most} values"
    counts = {"most": most, "count_mean": column.lengths.mean, "count_std": column.lengths.std or 1.0}
    if isinstance(column.values, Numbers):
        return _plan_numbers(column, column.values, holds, counts)
    if not isinstance(column.values, Texts):
        return drop(column, f"holds {holds} that are neither numbers nor text")
    return _plan_categories(column, column.values, holds, counts)


def _plan_categories(column: Column, texts: Texts, holds: str, counts: dict[str, Any]) -> FeatureDecision:
    if texts.unique == 1 and not column.lengths.std:
        return drop(column, f"constant: {holds}, always the same")
    vocabulary = [value for value in texts.values if value]
    if 0 < len(vocabulary) <= _MOST_VALUES:
        reason = f"{holds}, {len(vocabulary)} different ones: how many, and for each whether it is among them"
        return FeatureDecision(column.name, "list of categories", reason, {**counts, "vocabulary": vocabulary})
    different = f"{texts.unique:,} different ones" if texts.unique else "categories"
    reason = f"{holds}, {different}: how many, and the values, counted in {_BUCKETS} hash buckets"
    return FeatureDecision(column.name, "list of categories", reason, {**counts, "buckets": _BUCKETS})


def _plan_numbers(column: Column, numbers: Numbers, holds: str, counts: dict[str, Any]) -> FeatureDecision:
    if numbers.minimum == numbers.maximum and not column.lengths.std:
        return drop(column, f"constant: {holds}, always the same")
    parameters: dict[str, Any] = dict(counts)
    if numbers.finite:
        parameters.update(mean=numbers.mean, std=numbers.std or 1.0)
    span = f"{numbers.minimum:g} to {numbers.maximum:g}"
    reason = f"{holds}, numbers from {span}: how many, mean, smallest, largest; standardised"
    return FeatureDecision(column.name, "list of numbers", reason, parameters)


def numbers_of_list(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the vector, float32 of shape [rows, 4]: number of finite values, their mean, minimum and maximum.

    All are standardised, the last three by mean and standard deviation of all values; of an empty list they are 0.
    """
    rows_of, row, values = _items(raw)
    values = tf.cast(values, tf.float64)
    finite = tf.math.is_finite(values)
    row, values = tf.boolean_mask(row, finite), tf.boolean_mask(values, finite)
    scaled = (values - decision.parameters["mean"]) / decision.parameters["std"]
    rows = tf.shape(rows_of)[0]
    count = tf.math.unsorted_segment_sum(tf.ones_like(scaled), row, rows)
    total = tf.math.unsorted_segment_sum(scaled, row, rows)
    least = -tf.math.unsorted_segment_max(-scaled, row, rows)
    parts = [total / tf.maximum(count, 1), least, tf.math.unsorted_segment_max(scaled, row, rows)]
    parts = [tf.where(count > 0, part, tf.zeros_like(part)) for part in parts]
    return {
        transformed_name(decision.name): tf.cast(tf.stack([_standard(decision, count), *parts], axis=1), tf.float32)
    }


def categories_of_list(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the vector, float32 of shape [rows, 1 + values]: the number of values, standardised, and which they are.

    Of a vocabulary, 1 where the value is among those of the row; of hash buckets, log(1 + count). Empty text is none.
    """
    rows_of, row, values = _items(raw)
    texts = to_text(values)
    there = tf.not_equal(texts, "")
    row, texts = tf.boolean_mask(row, there), tf.boolean_mask(texts, there)
    count = tf.math.unsorted_segment_sum(tf.ones_like(row, tf.float64), row, tf.shape(rows_of)[0])
    if "buckets" in decision.parameters:
        width = decision.parameters["buckets"]
        what = tf.math.log1p(bag(tf.strings.to_hash_bucket_fast(texts, width), row, rows_of, width))
    else:
        vocabulary = decision.parameters["vocabulary"]
        place = position(texts, vocabulary)
        known = place >= 0
        counts = bag(tf.boolean_mask(place, known), tf.boolean_mask(row, known), rows_of, len(vocabulary))
        what = tf.minimum(counts, 1.0)
    first = tf.cast(_standard(decision, count), tf.float32)[:, tf.newaxis]
    return {transformed_name(decision.name): tf.concat([first, what], axis=1)}


def _standard(decision: FeatureDecision, count: Any) -> Any:
    return (count - decision.parameters["count_mean"]) / decision.parameters["count_std"]


def _items(raw: Any) -> tuple[Any, Any, Any]:
    """Returns a tensor with as many rows as the column; and for every item its row, int64, and its value."""
    if isinstance(raw, tf.SparseTensor):
        return tf.zeros(raw.dense_shape[:1]), raw.indices[:, 0], raw.values
    rows, width = tf.shape(raw, tf.int64)[0], tf.shape(raw, tf.int64)[1]
    return raw, tf.repeat(tf.range(rows), width), tf.reshape(raw, [-1])
