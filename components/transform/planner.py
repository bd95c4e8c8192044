"""Plans the features: a pure function of the statistics of the train split, the schema and the task."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tfx_automl.components.transform.columns import Column, Numbers, Texts, read_columns
from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan, indicator_name
from tfx_automl.errors import DataError
from tfx_automl.models.inputs import IMAGE_COLUMNS, are_images
from tfx_automl.models.task import TaskSpec, transformed_name

MOST_CATEGORIES = 1000  # as many as TFDV's rank histogram holds
_BUCKETS = (256, 1024)  # fewest and most
_ROWS_UNIQUE = 0.95
_FEWEST_ROWS_FOR_IDENTIFIER = 20
_IDENTIFIER_NAME = re.compile(
    r"(^|[_\W])(id|uuid|guid|key|index|idx|row|rownum|row_number)$|^unnamed: \d+$", re.IGNORECASE
)
_CAMEL_IDENTIFIER = re.compile(r"[a-z](Id|ID|Uuid|Key)$")
# A column with a single value is constant if no more than this share of it is missing; else its presence may tell.
_CONSTANT_MISSING = 0.01
# Numbers are mostly tail if the largest is so many times nine tenths of them, or so many standard deviations above the
# mean; below the third number a logarithm hardly changes anything.
_TAIL_IN_DECILES = 8.0
_TAIL_IN_STDS = 8.0
_TAIL_FROM = 20.0


def plan_features(
    statistics: Any,
    task: TaskSpec,
    exclude: Sequence[str] = (),
    schema: Any | None = None,
    moments: Sequence[str] = (),
) -> FeaturePlan:
    """Decides for every column what becomes of it.

    Args:
        statistics: TFDV's `DatasetFeatureStatistics` of the train split.
        task: What is to be predicted.
        exclude: Columns that the model must not see.
        schema: `tensorflow_metadata` schema by which the examples are read. Columns that it does not have are dropped,
            and integers that it declares categorical are taken as categories.
        moments: Columns of integers that are seconds since 1970; ExampleGen makes them of dates.

    Raises:
        DataError: An excluded column or the label does not exist, or the label is not of the task's kind.
    """
    columns = {column.name: column for column in read_columns(statistics, schema)}
    _check(columns, task, exclude)
    has_image = are_images(columns)
    if has_image and set(IMAGE_COLUMNS) & set(exclude):
        exclude = (*exclude, *IMAGE_COLUMNS)  # an image cannot be read without its size
    decisions = []
    for name, column in columns.items():
        if name == task.label:
            decisions.append(FeatureDecision(name, "label", f"the label of a {task.kind} task"))
        elif name in exclude:
            decisions.append(FeatureDecision(name, "dropped", "excluded by the user"))
        elif has_image and name in IMAGE_COLUMNS:
            decisions.append(_image(name, columns))
        else:
            decisions.append(_decide(column, name in moments))
    return FeaturePlan(task, int(statistics.num_examples), tuple(_without_name_clashes(decisions)))


def _check(columns: dict[str, Column], task: TaskSpec, exclude: Sequence[str]) -> None:
    absent = [name for name in (task.label, *exclude) if name not in columns]
    if absent:
        raise DataError(f"There is no column {', '.join(absent)}; the columns are {', '.join(sorted(columns))}.")
    label = columns[task.label]
    if label.trouble:
        raise DataError(f"The label {label.name!r} cannot be used: {label.trouble}.")
    if task.kind == "regression" and isinstance(label.values, Texts):
        raise DataError(
            f"A regression task needs a label of numbers, but {label.name!r} holds text or categories:"
            " choose another label, or another task."
        )


def _image(name: str, columns: dict[str, Column]) -> FeatureDecision:
    if name != "image":
        return FeatureDecision(name, "image size", "tells the shape of the images; no input of the model")
    sides = [columns[part].values for part in IMAGE_COLUMNS[1:]]
    shape = " × ".join(f"{side.maximum:g}" if isinstance(side, Numbers) else "?" for side in sides)
    return FeatureDecision(name, "image", f"images of {shape} (height × width × channels)")


def _without_name_clashes(decisions: Sequence[FeatureDecision]) -> list[FeatureDecision]:
    """Gives up an indicator whose name a column of the data has, such as `age_missing` beside `age`."""
    taken = {transformed_name(decision.name) for decision in decisions if decision.kind != "dropped"}
    return [
        replace(
            decision,
            reason=f"{decision.reason} (no indicator: a column of the data has its name)",
            parameters={**decision.parameters, "missing": False},
        )
        if decision.parameters.get("missing") and indicator_name(decision.name) in taken
        else decision
        for decision in decisions
    ]


def _decide(column: Column, is_moment: bool) -> FeatureDecision:
    if column.present <= 0:
        return _drop(column, f"missing in all {column.rows:,} training rows")
    if column.trouble or column.values is None:
        return _drop(column, column.trouble or "the statistics do not tell its values")
    if isinstance(column.values, Numbers):
        return _number(column, column.values, is_moment)
    return _text(column, column.values)


def _drop(column: Column, reason: str) -> FeatureDecision:
    return FeatureDecision(column.name, "dropped", reason)


def _missing(column: Column) -> str:
    share = 100 * (column.rows - column.present) / column.rows
    return "" if column.present >= column.rows else f", {share:.1f} % missing" if share >= 0.05 else ", few missing"


def _is_constant(column: Column) -> bool:
    """Tells, of a column with a single value, whether hardly any is missing."""
    return column.present >= (1 - _CONSTANT_MISSING) * column.rows


def _number(column: Column, numbers: Numbers, is_moment: bool) -> FeatureDecision:
    span = _dates(numbers) if is_moment else f"{numbers.minimum:g} to {numbers.maximum:g}"
    if numbers.minimum == numbers.maximum and (_is_constant(column) or not numbers.finite):
        return _drop(column, f"constant: always {numbers.minimum:g} where it is there")
    if not is_moment and _is_identifier(column, numbers):
        return _drop(column, f"an identifier: whole numbers, as good as no two alike, from {span}")
    gaps = column.present < column.rows or not numbers.finite
    parameters: dict[str, Any] = {"missing": gaps}
    if math.isfinite(numbers.median):
        parameters["fill"] = numbers.median
    how = f"{_missing(column)}, so the median is filled in and an indicator added" if gaps else ""
    if not is_moment and _is_mostly_tail(numbers):
        return FeatureDecision(column.name, "log", f"{span}, mostly tail{how}: log(1 + x), standardised", parameters)
    if numbers.finite:
        parameters.update(mean=numbers.mean, std=numbers.std or 1.0)
    else:
        how = f", infinite numbers count as missing{how}"
    return FeatureDecision(column.name, "numeric", f"{span}{how}: standardised", parameters)


def _dates(numbers: Numbers) -> str:
    start, end = (np.datetime64(int(seconds), "s") for seconds in (numbers.minimum, numbers.maximum))
    return f"dates from {start} to {end}, as seconds since 1970"


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
    if not numbers.whole or column.present < _FEWEST_ROWS_FOR_IDENTIFIER:
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


def _text(column: Column, texts: Texts) -> FeatureDecision:
    missing = _missing(column)
    if texts.unique == 1 and _is_constant(column):
        shown = repr(texts.values[0]) if texts.values else "the same value"
        return _drop(column, f"constant: always {shown} where it is there")
    counts = f"{texts.unique:,} values in {column.present:,} rows{missing}"
    if column.present >= _FEWEST_ROWS_FOR_IDENTIFIER and texts.unique >= _ROWS_UNIQUE * column.present:
        return _drop(column, f"an identifier: {counts}")
    vocabulary = [value for value in texts.values if value]  # an empty text is a missing one
    if texts.values and not vocabulary:
        return _drop(column, f"holds nothing but empty text{missing}")
    kept = "one category each, and one for missing and for new values"
    if texts.unique <= MOST_CATEGORIES and vocabulary:
        return FeatureDecision(column.name, "categorical", f"{counts}: {kept}", {"vocabulary": vocabulary})
    if texts.unique <= MOST_CATEGORIES:
        counts = counts if texts.unique else f"categories, says the schema{missing}"
        reason = f"{counts}, counted anew because the statistics do not list all of them: {kept}"
        return FeatureDecision(column.name, "categorical", reason, {"top": MOST_CATEGORIES})
    buckets = min(_BUCKETS[1], max(_BUCKETS[0], texts.unique // 4))
    reason = f"{counts}, too many for a vocabulary: {buckets} hash buckets"
    return FeatureDecision(column.name, "hashed", reason, {"buckets": buckets})
