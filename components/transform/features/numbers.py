"""Numbers: standardised, where mostly tail after a logarithm."""

import math
import re
from typing import Any

import tensorflow as tf

from tfx_automl.components.transform.columns import Column, Numbers
from tfx_automl.components.transform.features.raw import as_float
from tfx_automl.components.transform.features.reasons import drop, is_constant, missing
from tfx_automl.components.transform.plan import FeatureDecision, indicator_name
from tfx_automl.models.task import transformed_name

FEWEST_ROWS_FOR_IDENTIFIER = 20
_IDENTIFIER_NAME = re.compile(
    r"(^|[_\W])(id|uuid|guid|key|index|idx|row|rownum|row_number)$|^unnamed: \d+$", re.IGNORECASE
)
_CAMEL_IDENTIFIER = re.compile(r"[a-z](Id|ID|Uuid|Key)$")
# Numbers are mostly tail if the largest is so many times nine tenths of them, or so many standard deviations above the
# mean; below the third number a logarithm hardly changes anything.
_TAIL_IN_DECILES = 8.0
_TAIL_IN_STDS = 8.0
_TAIL_FROM = 20.0


def plan_number(column: Column, numbers: Numbers) -> FeatureDecision:
    """Decides about a column of numbers."""
    span = f"{numbers.minimum:g} to {numbers.maximum:g}"
    if is_constant_number(column, numbers):
        return drop(column, f"constant: always {numbers.minimum:g} where it is there")
    if _is_identifier(column, numbers):
        return drop(column, f"an identifier: whole numbers, as good as no two alike, from {span}")
    how, parameters = filling(column, numbers)
    if _is_mostly_tail(numbers):
        return FeatureDecision(column.name, "log", f"{span}, mostly tail{how}: log(1 + x), standardised", parameters)
    if numbers.finite:
        parameters.update(mean=numbers.mean, std=numbers.std or 1.0)
    else:
        how = f", infinite numbers count as missing{how}"
    return FeatureDecision(column.name, "numeric", f"{span}{how}: standardised", parameters)


def is_constant_number(column: Column, numbers: Numbers) -> bool:
    """Tells whether a column is always the same number, and hardly ever missing."""
    return numbers.minimum == numbers.maximum and (is_constant(column) or not numbers.finite)


def filling(column: Column, numbers: Numbers) -> tuple[str, dict[str, Any]]:
    """Returns what becomes of missing numbers: in words, and as the parameters `missing` and `fill`."""
    gaps = column.present < column.rows or not numbers.finite
    parameters: dict[str, Any] = {"missing": gaps}
    if math.isfinite(numbers.median):
        parameters["fill"] = numbers.median
    return f"{missing(column)}, so the median is filled in and an indicator added" if gaps else "", parameters


def _is_mostly_tail(numbers: Numbers) -> bool:
    if not numbers.finite or numbers.minimum < 0 or numbers.maximum < _TAIL_FROM:
        return False
    far = numbers.maximum > numbers.mean + _TAIL_IN_STDS * numbers.std
    return far or (bool(numbers.deciles) and numbers.maximum > _TAIL_IN_DECILES * numbers.deciles[-1][0])


def _is_identifier(column: Column, numbers: Numbers) -> bool:
    """Tells whether whole numbers look like a key: no two alike, and named like one or running.

    The statistics do not count different integers. But where no two are alike, every tenth of the rows needs room for
    as many numbers as it has rows; TFDV's deciles are good to about a hundredth of the rows, hence the half.
    """
    if not numbers.whole or column.present < FEWEST_ROWS_FOR_IDENTIFIER:
        return False
    places = numbers.maximum - numbers.minimum + 1
    room = all(high - low + 1 >= 0.5 * column.present / len(numbers.deciles) for low, high in numbers.deciles)
    if places < column.present or not room:
        return False
    if _IDENTIFIER_NAME.search(column.name) or _CAMEL_IDENTIFIER.search(column.name):
        return True
    # Running numbers from 0 or 1, or the sample of them that went into the train split, are spread evenly.
    even_std, middle = places / math.sqrt(12), (numbers.minimum + numbers.maximum) / 2
    evenly = abs(numbers.std / even_std - 1) < 0.03 and abs(numbers.mean - middle) < 0.03 * places
    return bool(numbers.minimum <= 20 and places <= 2 * column.present and evenly)


def number(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the feature, float32 of shape [rows], and its indicator."""
    filled, outputs = fill(decision, raw)
    if decision.kind == "log":
        filled = tf.math.log1p(tf.maximum(filled, 0.0))
    scaled = (filled - decision.parameters["mean"]) / decision.parameters["std"]
    return {transformed_name(decision.name): tf.cast(scaled, tf.float32), **outputs}


def fill(decision: FeatureDecision, raw: Any) -> tuple[Any, dict[str, Any]]:
    """Returns the values, float64 of shape [rows], with the median where they are missing; and the indicator."""
    values = as_float(raw)
    absent = tf.logical_not(tf.math.is_finite(values))
    filled = tf.where(absent, tf.constant(decision.parameters["fill"], tf.float64), values)
    indicator = {indicator_name(decision.name): tf.cast(absent, tf.float32)}
    return filled, indicator if decision.parameters["missing"] else {}
