"""Thresholds by group in the graph of an exported model: from a row's raw values to its threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_automl.models.cuts import cut_names
from tfx_automl.models.group_thresholds import GroupThresholds, Value
from tfx_automl.models.raw_tensors import MISSING_INTEGER, dense, position

_MISSING: Mapping[str, Value] = {"text": "", "int": MISSING_INTEGER, "float": float("nan")}


def raw_features(thresholds: GroupThresholds | None, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Returns how the raw features that tell a row's group are parsed, beside those that the model reads or as these.

    Args:
        thresholds: By group; None if there are none.
        raw: The specification of what Transform reads; a column that the model must not see is not there.
    """
    import tensorflow as tf

    if thresholds is None:
        return {}
    kinds = {"text": tf.string, "int": tf.int64, "float": tf.float32}
    pairs = zip(thresholds.features, thresholds.types, strict=True)
    return {name: raw.get(name, tf.io.VarLenFeature(kinds[kind])) for name, kind in pairs}


def row_thresholds(thresholds: GroupThresholds, parsed: Mapping[str, Any]) -> Any:
    """Returns the threshold of each row, float32, shape [rows].

    Args:
        thresholds: By group.
        parsed: Raw features, sparse or dense, at most one value a row.
    """
    import tensorflow as tf

    places, table = [], _Table(thresholds)
    for name, kind, values in zip(thresholds.features, thresholds.types, table.values, strict=True):
        found = dense(parsed[name], _MISSING[kind])
        points = thresholds.cuts.get(name)
        places.append(_place(found, kind, values) if points is None else _place_of_cut(found, points, values))
    place = tf.add_n([tf.maximum(at, 0) * step for at, step in zip(places, table.steps, strict=True)])
    known = tf.reduce_all(tf.stack(places) >= 0, axis=0)
    nearest = tf.minimum(tf.searchsorted(tf.constant(table.places), place), len(table.places) - 1)
    found = known & tf.equal(tf.gather(tf.constant(table.places), nearest), place)
    own = tf.gather(tf.constant(table.thresholds), nearest)
    return tf.where(found, own, tf.constant(thresholds.common, tf.float32))


class _Table:
    """The slices as numbers.

    Attributes:
        values: Of each feature its different values.
        steps: By how much the number of a slice grows with the place of a value among those of its feature.
        places: The numbers of the slices, rising, int64.
        thresholds: Of each of them, float32.
    """

    def __init__(self, thresholds: GroupThresholds) -> None:
        self.values = [list(dict.fromkeys(column)) for column in zip(*thresholds.slices, strict=True)]
        sizes = [len(values) for values in self.values]
        self.steps = [int(np.prod(sizes[number + 1 :], dtype=np.int64)) for number in range(len(sizes))]
        numbers = [{value: number for number, value in enumerate(values)} for values in self.values]
        places = np.array(
            [
                sum(number[value] * step for number, value, step in zip(numbers, part, self.steps, strict=True))
                for part in thresholds.slices
            ],
            np.int64,
        )
        order = np.argsort(places)
        self.places = places[order]
        self.thresholds = np.array(thresholds.thresholds, np.float32)[order]


def _place(found: Any, kind: str, values: Sequence[Value]) -> Any:
    """Returns the place of each value among those of a feature, int64, or -1."""
    import tensorflow as tf

    if kind == "text":
        return position(found, [str(value) for value in values])
    numbers = np.array(values, np.int64 if kind == "int" else np.float32)
    order = np.argsort(numbers)
    at = tf.minimum(tf.searchsorted(tf.constant(numbers[order]), found), len(numbers) - 1)
    same = tf.equal(tf.gather(tf.constant(numbers[order]), at), found)
    return tf.where(same, tf.gather(tf.constant(order, tf.int64), at), tf.constant(-1, tf.int64))


def _place_of_cut(found: Any, points: Sequence[float], names: Sequence[Value]) -> Any:
    """Returns the place of the group that a number is cut into among the names of groups, int64, or -1."""
    import tensorflow as tf

    missing = tf.equal(found, MISSING_INTEGER) if found.dtype.is_integer else tf.math.is_nan(found)
    numbers = tf.cast(found, tf.float64) if found.dtype.is_integer else found
    edges = tf.constant(np.asarray(points, numbers.dtype.as_numpy_dtype))  # as the values are, see `cut_values`
    places = [names.index(name) if name in names else -1 for name in cut_names(points)]
    place = tf.gather(tf.constant(places, tf.int64), tf.searchsorted(edges, numbers, side="right"))
    return tf.where(missing, tf.constant(-1, tf.int64), place)
