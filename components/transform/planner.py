"""Plans the features: a pure function of the statistics of the train split, the schema and the task."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tfx_automl.components.transform.columns import Column, Texts, read_columns
from tfx_automl.components.transform.features.categories import plan_category
from tfx_automl.components.transform.features.dates import plan_date
from tfx_automl.components.transform.features.images import ABOUT_IMAGES, plan_image
from tfx_automl.components.transform.features.lists import plan_list
from tfx_automl.components.transform.features.numbers import plan_number
from tfx_automl.components.transform.features.quantiles import plan_quantiles
from tfx_automl.components.transform.features.reasons import drop
from tfx_automl.components.transform.features.words import plan_words
from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan, indicator_name
from tfx_automl.errors import DataError
from tfx_automl.models.inputs import IMAGE_COLUMNS, are_images
from tfx_automl.models.task import TaskSpec, transformed_name


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
        elif has_image and name in ABOUT_IMAGES:
            decisions.append(plan_image(name, columns))
        else:
            decisions.append(_decide(column, name in moments))
    return FeaturePlan(task, int(statistics.num_examples), tuple(_without_name_clashes(decisions)))


def _check(columns: dict[str, Column], task: TaskSpec, exclude: Sequence[str]) -> None:
    absent = [name for name in (task.label, *exclude) if name not in columns]
    if absent:
        raise DataError(f"There is no column {', '.join(absent)}; the columns are {', '.join(sorted(columns))}.")
    label = columns[task.label]
    lists = f"holds lists of up to {label.lengths.most} values" if label.lengths.most > 1 else ""
    if label.trouble or lists:
        raise DataError(f"The label {label.name!r} cannot be used: {label.trouble or lists}.")
    if task.kind == "regression" and isinstance(label.values, Texts):
        raise DataError(
            f"A regression task needs a label of numbers, but {label.name!r} holds text or categories:"
            " choose another label, or another task."
        )


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
        return drop(column, f"missing in all {column.rows:,} training rows")
    if column.trouble or column.values is None:
        return drop(column, column.trouble or "the statistics do not tell its values")
    if column.lengths.most > 1:
        return plan_list(column)
    if isinstance(column.values, Texts):
        return plan_words(column, column.values) or plan_category(column, column.values)
    date = plan_date(column, column.values) if is_moment else None
    decision = date or plan_number(column, column.values)
    # What is an identifier, or logarithms do for, stays so.
    return (plan_quantiles(column, column.values) if decision.kind == "numeric" else None) or decision
