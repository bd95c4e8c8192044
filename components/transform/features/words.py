"""Free text: its words, and pairs of words that follow each other, counted in hash buckets, as one vector."""

from typing import Any

import tensorflow as tf

from tfx_automl.components.transform.columns import Column, Texts
from tfx_automl.components.transform.features.categories import MOST_CATEGORIES
from tfx_automl.components.transform.features.numbers import FEWEST_ROWS_FOR_IDENTIFIER
from tfx_automl.components.transform.features.raw import as_text
from tfx_automl.components.transform.features.reasons import missing
from tfx_automl.components.transform.plan import FeatureDecision, indicator_name
from tfx_automl.models.task import transformed_name

_BUCKETS = 256
_FEWEST_WORDS = 3.0
# Free text is hardly ever written twice.
_DIFFERENT = 0.5


def plan_words(column: Column, texts: Texts) -> FeatureDecision | None:
    """Decides about a column of text; None if it is none that is worth reading word by word."""
    many = texts.unique > MOST_CATEGORIES or texts.unique >= _DIFFERENT * column.present
    if texts.words < _FEWEST_WORDS or not many or column.present < FEWEST_ROWS_FOR_IDENTIFIER:
        return None
    absent = missing(column)
    reason = (
        f"free text: {texts.unique:,} values in {column.present:,} rows{absent}, {texts.words:.1f} words on average:"
        f" words and pairs of words, counted in {_BUCKETS} hash buckets{', and an indicator' if absent else ''}"
    )
    return FeatureDecision(column.name, "text", reason, {"missing": bool(absent), "buckets": _BUCKETS})


def words(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the vector, float32 of shape [rows, buckets]: log(1 + count); and the indicator of missing text.

    A word is letters and digits of any language, in small letters.
    """
    texts, buckets = as_text(raw), decision.parameters["buckets"]
    spaced = tf.strings.regex_replace(tf.strings.lower(texts, encoding="utf-8"), r"[^\pL\pM\pN]+", " ")
    grams = tf.strings.ngrams(tf.strings.split(tf.strings.strip(spaced)), ngram_width=(1, 2), separator=" ")
    counts = bag(tf.strings.to_hash_bucket_fast(grams.flat_values, buckets), grams.value_rowids(), texts, buckets)
    outputs = {transformed_name(decision.name): tf.math.log1p(counts)}
    if decision.parameters["missing"]:
        outputs[indicator_name(decision.name)] = tf.cast(tf.equal(texts, ""), tf.float32)
    return outputs


def bag(index: Any, row: Any, rows_of: Any, width: int) -> Any:
    """Counts how often each index occurs in each row.

    Args:
        index: int64 below `width`, for every item.
        row: int64, the row of every item.
        rows_of: A tensor with as many rows as there are.
        width: Number of indices.

    Returns:
        float32 of shape [rows, width].
    """
    rows = tf.shape(rows_of, tf.int64)[0]
    ones = tf.ones_like(index, tf.float32)
    counts = tf.math.unsorted_segment_sum(ones, tf.cast(row, tf.int64) * width + index, rows * width)
    return tf.reshape(counts, [-1, width])
