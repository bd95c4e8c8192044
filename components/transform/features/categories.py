"""Categories: an index in a vocabulary, or where there are too many values a hash bucket."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_automl.components.transform.columns import Column, Texts
from tfx_automl.components.transform.features.numbers import FEWEST_ROWS_FOR_IDENTIFIER
from tfx_automl.components.transform.features.raw import as_text, categorical
from tfx_automl.components.transform.features.reasons import drop, is_constant, missing
from tfx_automl.components.transform.plan import FeatureDecision, target_name
from tfx_automl.models.raw_tensors import position
from tfx_automl.models.task import transformed_name

MOST_CATEGORIES = 1000  # as many as TFDV's rank histogram holds
_BUCKETS = (256, 1024)  # fewest and most
_ROWS_UNIQUE = 0.95


def plan_category(column: Column, texts: Texts) -> FeatureDecision:
    """Decides about a column of text, or of numbers that are categories."""
    absent = missing(column)
    if texts.unique == 1 and is_constant(column):
        shown = repr(texts.values[0]) if texts.values else "the same value"
        return drop(column, f"constant: always {shown} where it is there")
    counts = f"{texts.unique:,} values in {column.present:,} rows{absent}"
    if column.present >= FEWEST_ROWS_FOR_IDENTIFIER and texts.unique >= _ROWS_UNIQUE * column.present:
        return drop(column, f"an identifier: {counts}")
    vocabulary = [value for value in texts.values if value]  # an empty text is a missing one
    if texts.values and not vocabulary:
        return drop(column, f"holds nothing but empty text{absent}")
    kept = "one category each, and one for missing and for new values"
    if texts.unique <= MOST_CATEGORIES and vocabulary:
        return FeatureDecision(column.name, "categorical", f"{counts}: {kept}", {"vocabulary": vocabulary})
    if texts.unique <= MOST_CATEGORIES:
        counts = counts if texts.unique else f"categories, says the schema{absent}"
        reason = f"{counts}, counted anew because the statistics do not list all of them: {kept}"
        return FeatureDecision(column.name, "categorical", reason, {"top": MOST_CATEGORIES})
    buckets = min(_BUCKETS[1], max(_BUCKETS[0], texts.unique // 4))
    reason = f"{counts}, too many for a vocabulary: {buckets} hash buckets"
    return FeatureDecision(column.name, "hashed", reason, {"buckets": buckets})


def category(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the index, int64 of shape [rows], and says in the transformed schema how many there are.

    Where the plan has target statistics, the mean label of the value comes with it, float32, standardised.
    """
    index, size = _counted(decision, as_text(raw)) if "top" in decision.parameters else known_index(decision, raw)
    outputs = {transformed_name(decision.name): categorical(index, size)}
    if "target" in decision.parameters:
        means, mean, std = (decision.parameters[key] for key in ("target", "target_mean", "target_std"))
        table = tf.constant([(value - mean) / std for value in means], tf.float32)
        outputs[target_name(decision.name)] = tf.gather(table, index)
    return outputs


def known_index(decision: FeatureDecision, raw: Any) -> tuple[Any, Any]:
    """Returns the index and the number of indices, where the plan holds all that is needed.

    In a vocabulary, the last two indices are for new and for missing values; of hash buckets, the last is for missing.
    """
    values = as_text(raw)
    if decision.kind == "hashed":
        buckets = decision.parameters["buckets"]
        missing_index = tf.constant(buckets, tf.int64)
        index = tf.strings.to_hash_bucket_fast(values, buckets)
        return tf.where(tf.equal(values, ""), missing_index, index), missing_index + 1
    vocabulary = decision.parameters["vocabulary"]
    return _with_new_and_missing(values, position(values, vocabulary), tf.constant(len(vocabulary), tf.int64))


def _counted(decision: FeatureDecision, values: Any) -> tuple[Any, Any]:
    # The executor of Transform counts the values; empty ones it does not count.
    name = f"vocabulary_{decision.name.encode().hex()}"
    file = tft.vocabulary(values, top_k=decision.parameters["top"], vocab_filename=name)
    index = tft.apply_vocabulary(values, file, default_value=-1)
    return _with_new_and_missing(values, index, tft.experimental.get_vocabulary_size_by_name(name))


def _with_new_and_missing(values: Any, index: Any, size: Any) -> tuple[Any, Any]:
    index = tf.where(index < 0, size, index)
    return tf.where(tf.equal(values, ""), size + 1, index), size + 2
