"""Sensitive columns, read from raw examples: the model may not see them, but its predictions are compared by them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.errors import EvaluationError, require
from tfx_automl.models.cuts import Cuts, cut_names
from tfx_automl.models.groups import GroupSpec, reweigh_problems
from tfx_automl.models.measures import needs_groups, objectives_of
from tfx_automl.models.task import TaskSpec

MISSING = "(missing)"


def check_groups(
    task: TaskSpec,
    has_raw: bool,
    sensitive: Sequence[Sequence[str]],
    min_slice_size: int,
    reweigh: Sequence[str] = (),
    cuts: Cuts | None = None,
) -> GroupSpec:
    """Returns the groups that a component is given, checked when the pipeline is built.

    Args:
        task: What is to be predicted.
        has_raw: Whether it is given raw examples, too.
        sensitive: The groups.
        min_slice_size: Slices with fewer rows are not compared.
        cuts: Where continuous columns are cut into groups.
        reweigh: The group that training rows are weighed by; empty weighs no row.

    Raises:
        ConfigError: One comes without the other, a group cannot be, or the task has no classes to weigh rows by.
    """
    groups = GroupSpec.of(sensitive, min_slice_size, reweigh, cuts)
    require(
        (
            has_raw == bool(sensitive),
            "Fairness gaps need sensitive, the columns that make the groups, and raw_examples, ExampleGen's output to"
            f" read them from; got sensitive={tuple(sensitive)!r} {'with' if has_raw else 'without'} raw_examples.",
        ),
        *((False, problem) for problem in groups.label_problems(task.label)),
        *((False, problem) for problem in reweigh_problems(task.kind, groups.reweigh)),
    )
    return groups


def check_gaps(task: TaskSpec, objective: str | None, constraints: Sequence[str], groups: GroupSpec) -> None:
    """Makes sure that the fairness gaps among objectives and constraints are of groups that there are.

    Raises:
        ConfigError: They are not, or a name or a text means nothing.
    """
    if needs_groups(task, objective, constraints):
        objectives_of(task, objective, constraints, groups.sensitive)


def feature_values(records: pa.RecordBatch, name: str, cuts: Cuts | None = None) -> pa.Array:
    """Returns the values of a feature with at most one value a row.

    Args:
        records: Decoded examples: lists of bytes, int64 or float32.
        name: Of the feature.
        cuts: Where continuous features are cut into groups.

    Returns:
        Text, int64 or float32, null where a row has no value; of type null if no row of the batch has one. Of a feature
        that is cut the names of the groups, see `cut_names`.

    Raises:
        EvaluationError: A row has several values, or bytes that are not UTF-8, or text is to be cut.
    """
    values = _single_values(records, name)
    points = (cuts or {}).get(name)
    return values if points is None or pa.types.is_null(values.type) else cut_values(values, points, name)


def cut_values(values: pa.Array, points: Sequence[float], name: str) -> pa.Array:
    """Returns the names of the groups (see `cut_names`) that numbers are in; null for null and NaN.

    Raises:
        EvaluationError: They are no numbers.
    """
    if not pa.types.is_primitive(values.type):
        raise EvaluationError(
            f"The sensitive feature {name!r} holds text, which cannot be cut at {', '.join(f'{p:g}' for p in points)};"
            " leave its cut points out."
        )
    numbers = values.cast(pa.float32() if pa.types.is_float32(values.type) else pa.float64())
    there = np.asarray(pc.invert(pc.is_null(numbers, nan_is_null=True)))
    numbers = np.asarray(pc.fill_null(numbers, 0.0))
    # As the values are: 0.1 as a float32 is more than 0.1, but not less than that cut point.
    codes = np.searchsorted(np.asarray(points, numbers.dtype), numbers, side="right")
    return pa.array(cut_names(points), pa.string()).take(pa.array(codes, mask=~there))


def _single_values(records: pa.RecordBatch, name: str) -> pa.Array:
    """Returns the values as they are."""
    index = records.schema.get_field_index(name)
    if index < 0 or pa.types.is_null(records.schema.field(index).type):
        return pa.nulls(records.num_rows)
    column = records.column(index)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    if lengths.max(initial=0) > 1:
        raise EvaluationError(
            f"The sensitive feature {name!r} has {lengths.max()} values in one row; slices need at most one a row."
        )
    flat = column.flatten()
    if pa.types.is_binary(flat.type) or pa.types.is_large_binary(flat.type):
        flat = _as_text(flat, name)
    return flat.take(pa.array(lengths.cumsum() - 1, mask=lengths == 0))


def _as_text(values: pa.Array, name: str) -> pa.Array:
    try:
        return values.cast(pa.large_utf8() if pa.types.is_large_binary(values.type) else pa.utf8())
    except pa.ArrowInvalid as error:
        raise EvaluationError(
            f"The sensitive feature {name!r} holds bytes that are not UTF-8 text, so its values cannot name slices."
        ) from error
