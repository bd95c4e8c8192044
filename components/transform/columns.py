"""Columns as the planner sees them: what TFDV's statistics and the schema say, under plain names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform.tf_metadata import schema_utils

# TFDV writes these in place of values that are not text, or too long to be counted by themselves.
_PLACEHOLDERS = frozenset({"__BYTES_VALUE__", "__LARGE_BYTES__"})
_LETTERS_OF_A_WORD = 7  # with the space behind it, in most languages that have one


@dataclass(frozen=True)
class Numbers:
    """Statistics of the numbers of a column.

    Attributes:
        minimum: The smallest; infinite if an infinite number occurs.
        maximum: The largest, in the same way.
        mean: Of all numbers; exact. NaN or infinite if an infinite number occurs.
        std: Population standard deviation; exact.
        median: From a quantile sketch, so approximate (about 1 % of the rows off).
        deciles: Lower and upper bounds of the tenths of the rows, from the same sketch; empty if unknown.
        whole: Whether the column holds integers.
    """

    minimum: float
    maximum: float
    mean: float
    std: float
    median: float
    deciles: tuple[tuple[float, float], ...]
    whole: bool

    @property
    def finite(self) -> bool:
        """Whether all of the numbers are."""
        return all(map(math.isfinite, (self.minimum, self.maximum, self.mean, self.std)))


@dataclass(frozen=True)
class Texts:
    """Statistics of the values of a column that is text, or that the schema declares to be categories.

    Attributes:
        unique: Number of different values.
        values: All of them, the most frequent first; empty if the statistics do not hold all.
        words: How many words a value has on average, as far as the statistics list values.
    """

    unique: int
    values: tuple[str, ...]
    words: float = 0.0


@dataclass(frozen=True)
class Lengths:
    """How many values the rows of a column hold.

    Attributes:
        most: The largest number.
        mean: On average; exact.
        std: Standard deviation, from deciles; 0 if all rows hold as many.
    """

    most: int = 1
    mean: float = 1.0
    std: float = 0.0


@dataclass(frozen=True)
class Column:
    """One column of the train split.

    Attributes:
        name: The column.
        rows: Rows of the split.
        present: Rows in which it has a value; NaN is none.
        values: Statistics of its values; None where no model here takes such values, or where there are none.
        trouble: Why the column cannot be used, or empty.
        lengths: How many values a row holds.
    """

    name: str
    rows: int
    present: int
    values: Numbers | Texts | None = None
    trouble: str = ""
    lengths: Lengths = Lengths()


def read_columns(statistics: Any, schema: Any | None) -> list[Column]:
    """Reads the columns of a split in alphabetical order.

    Args:
        statistics: TFDV's `DatasetFeatureStatistics` of the split.
        schema: `tensorflow_metadata` schema by which the examples are read, or None to believe the statistics.
    """
    features = {feature.name or ".".join(feature.path.step): feature for feature in statistics.features}
    rows = int(statistics.num_examples)
    columns = {name: _column(name, feature, rows) for name, feature in features.items()}
    if schema is not None:
        declared = {feature.name: feature for feature in schema.feature}
        specs = schema_utils.schema_as_feature_spec(schema).feature_spec
        columns = {**{name: Column(name, rows, 0) for name in declared}, **columns}
        columns = {name: _by_schema(column, declared.get(name), specs.get(name)) for name, column in columns.items()}
    return [columns[name] for name in sorted(columns)]


def _column(name: str, feature: Any, rows: int) -> Column:
    kind = feature.WhichOneof("stats")
    stats = getattr(feature, kind) if kind else None
    common = getattr(stats, "common_stats", None)
    if common is None:
        return Column(name, rows, rows, trouble="its values are of a kind that no model here takes")
    lengths = _lengths(common)
    nan = max((int(h.num_nan) for h in getattr(stats, "histograms", ())), default=0)
    present = int(common.num_non_missing) - (nan if lengths.most == 1 else 0)
    if kind == "num_stats":
        return Column(name, rows, present, _numbers(feature), lengths=lengths)
    if kind == "string_stats":
        return Column(name, rows, present, _texts(stats), lengths=lengths)
    return Column(name, rows, present, trouble="holds bytes that are neither text nor an image")


def _lengths(common: Any) -> Lengths:
    if common.max_num_values <= 1:
        return Lengths()
    tenths = [(bucket.low_value + bucket.high_value) / 2 for bucket in common.num_values_histogram.buckets]
    varies = common.max_num_values > common.min_num_values or common.num_missing > 0
    std = (float(np.std(tenths)) if tenths else 0.0) or 1.0
    return Lengths(int(common.max_num_values), common.avg_num_values, std if varies else 0.0)


def _numbers(feature: Any) -> Numbers:
    stats = feature.num_stats
    quantiles = next((h for h in stats.histograms if h.type == h.QUANTILES), None)
    deciles = tuple((bucket.low_value, bucket.high_value) for bucket in quantiles.buckets) if quantiles else ()
    whole = feature.type == feature.INT
    return Numbers(stats.min, stats.max, stats.mean, stats.std_dev, stats.median, deciles, whole)


def _texts(stats: Any) -> Texts:
    values = tuple(bucket.label for bucket in stats.rank_histogram.buckets)
    complete = len(values) == stats.unique and not _PLACEHOLDERS.intersection(values)
    return Texts(int(stats.unique), values if complete else (), _words(values, stats.avg_length))


def _words(values: Sequence[str], length: float) -> float:
    """Returns the average number of words of the values, by their length if none is listed as it is."""
    listed = [value for value in values if value not in _PLACEHOLDERS]
    if not listed:
        return length / _LETTERS_OF_A_WORD if "__LARGE_BYTES__" in values else 0.0
    return sum(len(value.split()) for value in listed) / len(listed)


def _by_schema(column: Column, feature: Any, spec: Any) -> Column:
    """Adds what the schema knows better: which columns are read, and which integers are categories.

    Args:
        column: As the statistics have it.
        feature: The schema's feature, or None.
        spec: By which TensorFlow parses the column, or None if it does not.
    """
    trouble = column.trouble
    if spec is None:
        trouble = trouble or "the schema does not have it, or says that it is not in use"
    elif not isinstance(spec, tf.io.VarLenFeature) and not _fits(getattr(spec, "shape", (0,)), column.lengths.most):
        trouble = trouble or "the schema says that it holds another number of values, or a matrix of them"
    categories = feature is not None and feature.int_domain.is_categorical
    values = Texts(0, ()) if categories and isinstance(column.values, Numbers) else column.values
    return replace(column, values=values, trouble=trouble)


def _fits(shape: Sequence[int], most: int) -> bool:
    return math.prod(shape) == most and (most == 1 or len(shape) == 1)
