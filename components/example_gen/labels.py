"""Finds out what kind of task a label column is, and brings the labels of a test file in line with it."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.errors import ConfigError, DataError
from tfx_automl.models.task import TaskKind, TaskSpec

_MOST_INTEGER_CLASSES = 20
_MOST_CLASSES = 1000
_MOST_NAMED = 10


@dataclass(frozen=True)
class Label:
    """What is known about a label column.

    Attributes:
        task: The task.
        counts: Rows of each class, in the order of the classes; empty for regression.
    """

    task: TaskSpec
    counts: Mapping[str, int]


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns class labels as text: integral numbers without a decimal point."""
    if pa.types.is_floating(column.type) and is_integral(column):
        column = pc.cast(column, pa.int64())
    return pc.cast(column, pa.string())


def is_integral(column: pa.ChunkedArray) -> bool:
    """Tells whether every value that is there is a whole number."""
    if pa.types.is_integer(column.type):
        return True
    if not pa.types.is_floating(column.type):
        return False
    return bool(pc.all(pc.equal(pc.round(column), column)).as_py() is not False)


def find_task(column: pa.ChunkedArray, name: str, kind: str, positive: str | None, splits: int) -> Label:
    """Decides the task from a label column.

    Args:
        column: The label of every row that has one; not empty.
        name: Its name.
        kind: `auto`, or the kind that the user wants.
        positive: The value that counts as positive in a binary task; None takes the last in order.
        splits: Number of splits; each class needs at least as many rows.

    Raises:
        ConfigError: With one line for every way in which the column does not fit.
    """
    texts = as_text(column)
    counts = {str(entry["values"]): int(entry["counts"]) for entry in pc.value_counts(texts).to_pylist()}
    if len(counts) == 1:
        raise ConfigError(f"The label {name!r} is {next(iter(counts))!r} in every row; expected 2 values or more.")
    chosen = cast(TaskKind, kind) if kind != "auto" else _guess(column, len(counts))
    problems = _misfits(column, name, chosen, counts, positive)
    if problems:
        raise ConfigError(problems)
    if chosen == "regression":
        return Label(TaskSpec("regression", name), {})
    classes = _in_order(list(counts))
    if chosen == "binary" and positive is not None:
        classes = [value for value in classes if value != positive] + [positive]
    _check_sizes(name, counts, splits)
    return Label(TaskSpec(chosen, name, tuple(classes)), {value: counts[value] for value in classes})


def kind_of(column: pa.ChunkedArray) -> TaskKind:
    """Returns the kind of task that the values of a label column suggest, as `find_task` does for `auto`."""
    return _guess(column, pc.count_distinct(column).as_py())


def _guess(column: pa.ChunkedArray, distinct: int) -> Literal["binary", "multiclass", "regression"]:
    if distinct == 2:
        return "binary"
    if pa.types.is_string(column.type):
        return "multiclass"
    return "multiclass" if distinct <= _MOST_INTEGER_CLASSES and is_integral(column) else "regression"


def _misfits(
    column: pa.ChunkedArray, name: str, kind: TaskKind, counts: Mapping[str, int], positive: str | None
) -> list[str]:
    """Returns what is wrong between the column, the kind of the task and the positive value."""
    values = _some(list(counts))
    problems = []
    if kind == "regression" and pa.types.is_string(column.type):
        problems.append(f"--task regression needs numbers, but the label {name!r} holds text: {values}.")
    if kind == "binary" and len(counts) != 2:
        problems.append(f"--task binary needs 2 values, but the label {name!r} has {len(counts)}: {values}.")
    if kind == "multiclass" and not 3 <= len(counts) <= _MOST_CLASSES:
        problems.append(
            f"--task multiclass needs 3 to {_MOST_CLASSES} values, but the label {name!r} has {len(counts)}: {values}."
        )
    if positive is not None and kind != "binary":
        problems.append(f"--positive needs a binary task, but {name!r} makes it {kind}.")
    elif positive is not None and positive not in counts:
        problems.append(f"--positive: {positive!r} is no value of the label {name!r}; its values are {values}.")
    return problems


def _check_sizes(name: str, counts: Mapping[str, int], splits: int) -> None:
    rare = {value: count for value, count in counts.items() if count < splits}
    if rare:
        shown = ", ".join(f"{value!r} ({count})" for value, count in list(rare.items())[:_MOST_NAMED])
        raise ConfigError(
            f"The label {name!r} has classes with fewer rows than there are splits ({splits}): {shown};"
            " add rows of these classes, or remove them."
        )


def _in_order(values: Sequence[str]) -> list[str]:
    try:
        return sorted(values, key=int)
    except ValueError:
        return sorted(values)


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(repr(value) for value in _in_order(values)[:_MOST_NAMED])
    return shown + (", ..." if len(values) > _MOST_NAMED else "")


def align(column: pa.ChunkedArray, classes: Sequence[str], path: str) -> tuple[pa.ChunkedArray, str | None]:
    """Brings the labels of a test file in line with the classes of the training file.

    Some published test files write their labels with a full stop at the end; such labels, and those that differ only in
    letter case, are mapped.

    Args:
        column: The labels of the test file, with nulls where missing.
        classes: The values of the training file, as text.
        path: The test file, for messages.

    Returns:
        The labels as text, and a note on what was mapped, or None.

    Raises:
        DataError: A label is not among the classes.
    """
    texts = as_text(column)
    present = [value for value in pc.unique(texts).to_pylist() if value is not None]
    strange = [value for value in present if value not in classes]
    if not strange:
        return texts, None
    by_core = {_core(value): value for value in classes}
    if len(by_core) == len(classes) and all(_core(value) in by_core for value in strange):
        mapping = {value: by_core[_core(value)] for value in strange}
        values = pa.array(list(mapping), pa.string())
        position = pc.index_in(texts, value_set=values)
        mapped = pc.take(pa.array(list(mapping.values()), pa.string()), position)
        note = "labels of the test file were mapped: " + ", ".join(f"{a!r} to {b!r}" for a, b in mapping.items())
        return pc.if_else(pc.is_valid(position), mapped, texts), note
    raise DataError(f"{path}: {_unknown_labels(strange, classes)}")


def _core(value: str) -> str:
    return value.strip().rstrip(".").lower()


def _unknown_labels(strange: Sequence[str], classes: Sequence[str]) -> str:
    near = difflib.get_close_matches(strange[0], classes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the training file has {_some(classes)}."
    return f"the label {strange[0]!r} does not occur in the training file; {hint}"
