"""Dates: the time itself, the year, and the cycles of day, week and year, as one vector."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfx_automl.components.transform.columns import Column, Numbers
from tfx_automl.components.transform.features.numbers import fill, filling, is_constant_number
from tfx_automl.components.transform.features.reasons import drop
from tfx_automl.components.transform.plan import FeatureDecision
from tfx_automl.models.task import transformed_name

_DAY = 86_400
_YEAR = 365.2425 * _DAY
_CYCLES = {"time of day": _DAY, "day of week": 7 * _DAY, "day of year": _YEAR}
# Of a cycle, the data must cover so much that its place in it is more than the time itself.
_SHARE_OF_A_CYCLE = 0.25
# Years 1 to 9999, which is where calendars, and the arithmetic here, are sound.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799


def plan_date(column: Column, numbers: Numbers) -> FeatureDecision | None:
    """Decides about a column of seconds since 1970; None if they are no dates of any calendar."""
    if not numbers.finite or numbers.minimum < _FIRST or numbers.maximum > _LAST:
        return None
    if is_constant_number(column, numbers):
        return drop(column, f"constant: always {_shown(numbers.minimum)} where it is there")
    parts = _parts(numbers)
    how, parameters = filling(column, numbers)
    parameters.update(mean=numbers.mean, std=numbers.std or 1.0, parts=parts)
    span = f"dates from {_shown(numbers.minimum)} to {_shown(numbers.maximum)}, as seconds since 1970{how}"
    cycles = f"; {', '.join(parts[1:])}: what varies in that span" if len(parts) > 1 else ""
    return FeatureDecision(column.name, "date", f"{span}: the time, standardised{cycles}", parameters)


def _shown(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s"))


def _parts(numbers: Numbers) -> list[str]:
    """Returns the parts that can vary, as far as extremes and deciles tell."""
    first, last = (np.datetime64(int(seconds), "s").astype("datetime64[Y]") for seconds in _extremes(numbers))
    known = {*_extremes(numbers), numbers.median, *(bound for decile in numbers.deciles for bound in decile)}
    midnights = all(seconds % _DAY == 0 for seconds in known)
    span = numbers.maximum - numbers.minimum
    cycles = [name for name, length in _CYCLES.items() if span >= _SHARE_OF_A_CYCLE * length]
    year = ["year"] if first != last else []
    return ["time", *year, *(name for name in cycles if not (midnights and name == "time of day"))]


def _extremes(numbers: Numbers) -> tuple[float, float]:
    return numbers.minimum, numbers.maximum


def date(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the vector, float32 of shape [rows, columns] or [rows] if it is a single column, and its indicator.

    Columns are the time, then, as far as they are in the plan's `parts`, the year, and sine and cosine of time of day,
    day of week (from Monday) and day of year, all in UTC.
    """
    seconds, outputs = fill(decision, raw)
    parts, mean, std = (decision.parameters[key] for key in ("parts", "mean", "std"))
    columns = [(seconds - mean) / std]
    days = tf.math.floordiv(tf.cast(seconds, tf.int64), _DAY)
    year, day_of_year = _calendar(days)
    if "year" in parts:
        columns.append((tf.cast(year, tf.float64) - (1970 + mean / _YEAR)) / (std / _YEAR))
    turns = {
        "time of day": tf.cast(tf.cast(seconds, tf.int64) - days * _DAY, tf.float64) / _DAY,
        "day of week": tf.cast(tf.math.floormod(days + 3, 7), tf.float64) / 7,  # 1970 began on a Thursday
        "day of year": tf.cast(day_of_year, tf.float64) / 365.25,
    }
    for part in parts:
        if part in turns:
            columns += [tf.sin(2 * np.pi * turns[part]), tf.cos(2 * np.pi * turns[part])]
    vector = columns[0] if len(columns) == 1 else tf.stack(columns, axis=1)
    return {transformed_name(decision.name): tf.cast(vector, tf.float32), **outputs}


def _calendar(days: Any) -> tuple[Any, Any]:
    """Returns the year, and the day in it from 0, of days since 1970 in the Gregorian calendar.

    Counts in eras of 400 years of which each begins on 1 March, so that the leap day is the last of its year.
    """
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    from_march = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    next_year = from_march >= 306  # January and February
    year = year_of_era + era * 400 + tf.cast(next_year, tf.int64)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    return year, tf.where(next_year, from_march - 306, from_march + 59 + tf.cast(leap, tf.int64))
