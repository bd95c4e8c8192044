"""Finds out what kind of task a label column is, and brings the labels of a test file in line with it."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen.values import Values, as_text
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


def find_task(values: Values, type_: pa.DataType, name: str, kind: str, positive: str | None, splits: int) -> Label:
    """Decides the task from a label column.

    Args:
        values: Of the label; at least one row has one.
        type_: In which they are stored.
        name: Its name.
        kind: `auto`, or the kind that the user wants.
        positive: The value that counts as positive in a binary task; None takes the last in order.
        splits: Number of splits; each class needs at least as many rows.

    Raises:
        ConfigError: With one line for every way in which the column does not fit.
    """
    counts = dict(values.counts)
    if len(counts) == 1:
        raise ConfigError(f"The label {name!r} is {next(iter(counts))!r} in every row; expected 2 values or more.")
    positive = _as_read(positive, counts)
    chosen = cast(TaskKind, kind) if kind != "auto" else kind_of(values, type_)
    problems = _misfits(values, type_, name, chosen, positive)
    if problems:
        raise ConfigError(problems)
    if chosen == "regression":
        return Label(TaskSpec("regression", name), {})
    classes = _in_order(list(counts))
    if chosen == "binary" and positive is not None:
        classes = [value for value in classes if value != positive] + [positive]
    _check_sizes(name, counts, splits)
    return Label(TaskSpec(chosen, name, tuple(classes)), {value: counts[value] for value in classes})


def _as_read(positive: str | None, counts: Mapping[str, int]) -> str | None:
    """Returns a label as it was read: true is 1, false is 0, and 1.0 is 1."""
    if positive is None or positive in counts:
        return positive
    candidates = [{"true": "1", "false": "0"}.get(positive.lower(), positive), re.sub(r"\.0*$", "", positive)]
    return next((candidate for candidate in candidates if candidate in counts), positive)


def kind_of(values: Values, type_: pa.DataType) -> TaskKind:
    """Returns the kind of task that the values of a label suggest, as `find_task` does for `auto`."""
    distinct = len(values.counts)
    if distinct == 2:
        return "binary"
    if is_text(type_):
        return "multiclass"
    return "multiclass" if distinct <= _MOST_INTEGER_CLASSES and values.are_whole else "regression"


def is_text(type_: pa.DataType) -> bool:
    """Tells whether a stored column holds text."""
    return bool(pa.types.is_string(type_) or pa.types.is_binary(type_))


def _misfits(values: Values, type_: pa.DataType, name: str, kind: TaskKind, positive: str | None) -> list[str]:
    """Returns what is wrong between the label, the kind of the task and the positive value."""
    counts = values.counts
    shown, number = _some(list(counts)), f"more than {_MOST_CLASSES}" if values.more else str(len(counts))
    problems = []
    if kind == "regression" and is_text(type_):
        problems.append(f"--task regression needs numbers, but the label {name!r} holds text: {shown}.")
    if kind == "binary" and len(counts) != 2:
        problems.append(f"--task binary needs 2 values, but the label {name!r} has {number}: {shown}.")
    if kind == "multiclass" and not 3 <= len(counts) <= _MOST_CLASSES:
        problems.append(
            f"--task multiclass needs 3 to {_MOST_CLASSES} values, but the label {name!r} has {number}: {shown}."
        )
    if positive is not None and kind != "binary":
        problems.append(f"--positive needs a binary task, but {name!r} makes it {kind}.")
    elif positive is not None and positive not in counts:
        problems.append(f"--positive: {positive!r} is no value of the label {name!r}; its values are {shown}.")
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


def align(values: Values, classes: Sequence[str], path: str) -> tuple[dict[str, str], str | None]:
    """Brings the labels of a test file in line with the classes of the training file.

    Some published test files write their labels with a full stop at the end; such labels, and those that differ only in
    letter case, are mapped.

    Args:
        values: The labels of the test file.
        classes: The values of the training file, as text.
        path: The test file, for messages.

    Returns:
        The class for each label that is written differently, and a note on what was mapped, or None.

    Raises:
        DataError: A label is not among the classes.
    """
    strange = [value for value in values.counts if value not in classes]
    if not strange:
        return {}, None
    by_core = {_core(value): value for value in classes}
    if len(by_core) == len(classes) and all(_core(value) in by_core for value in strange):
        mapping = {value: by_core[_core(value)] for value in strange}
        return mapping, "labels of the test file were mapped: " + ", ".join(
            f"{a!r} to {b!r}" for a, b in mapping.items()
        )
    raise DataError(f"{path}: {_unknown_labels(strange, classes)}")


def apply(column: pa.ChunkedArray, mapping: Mapping[str, str], whole: bool) -> pa.ChunkedArray:
    """Returns class labels in the form in which they are written: int64 where all classes are whole numbers, else text.

    Args:
        column: The label, without missing values.
        mapping: The class for each label that is written differently.
        whole: Whether all classes are whole numbers that were read as numbers.
    """
    texts = as_text(column)
    if mapping:
        position = pc.index_in(texts, value_set=pa.array(list(mapping), pa.string()))
        mapped = pc.take(pa.array(list(mapping.values()), pa.string()), position)
        texts = pc.if_else(pc.is_valid(position), mapped, texts)
    return pc.cast(texts, pa.int64()) if whole else texts


def _core(value: str) -> str:
    return value.strip().rstrip(".").lower()


def _unknown_labels(strange: Sequence[str], classes: Sequence[str]) -> str:
    near = difflib.get_close_matches(strange[0], classes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the training file has {_some(classes)}."
    return f"the label {strange[0]!r} does not occur in the training file; {hint}"
