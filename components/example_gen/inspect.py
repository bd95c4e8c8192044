"""Looks at all of the data before anything is written, and reports everything that is wrong with it at once."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import labels
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import read_table
from tfx_automl.errors import ConfigError, DataError
from tfx_automl.models.task import TaskSpec

FEWEST_ROWS = 20
MOST_GROUPS = 50


@dataclass(frozen=True)
class DataSummary:
    """What a look at the data found.

    Attributes:
        rows: Rows in all files.
        rows_without_label: Of these, rows that will be dropped because their label is missing.
        columns: Arrow type of each column of the training file, as text.
        task: What is to be predicted.
        class_counts: Rows of each class in the training file; empty for regression.
        notes: What a person should know, such as mapped labels.
    """

    rows: int
    rows_without_label: int
    columns: Mapping[str, str]
    task: TaskSpec
    class_counts: Mapping[str, int]
    notes: tuple[str, ...]


def inspect(
    train_path: str,
    test_path: str | None,
    options: ReadOptions,
    sensitive: Sequence[Sequence[str]] = (),
    task: str = "auto",
    positive: str | None = None,
) -> DataSummary:
    """Reads the files and checks them against what is wanted of them.

    Args:
        train_path: The file with the training data.
        test_path: A file of its own for the test split, or None.
        options: How to read; `label` must be given.
        sensitive: Groups of columns to slice by.
        task: `auto`, `binary`, `multiclass` or `regression`.
        positive: The positive label value, or None.

    Raises:
        ConfigError: With one line for every problem.
        DataError: The training file cannot be read at all.
    """
    if options.label is None:
        raise ConfigError("The label column is not named; name the column to predict.")
    train = read_table(train_path, options)
    columns = dict.fromkeys(column for group in sensitive for column in group)
    problems = [
        f"{train_path}: {unknown_column(name, train.column_names)}"
        for name in (options.label, *columns)
        if name not in train.column_names
    ]
    problems += [
        message
        for name in columns
        if name in train.column_names
        for message in _group_problems(train_path, train, name)
    ]
    found, more = _label(train_path, train, options, task, positive, splits=3 if test_path is None else 2)
    test, test_problems, notes = _test(test_path, train, options, found)
    problems += more + test_problems
    if problems or found is None:
        raise ConfigError(problems)
    tables = [table for table in (train, test) if table is not None]
    return DataSummary(
        rows=sum(table.num_rows for table in tables),
        rows_without_label=sum(table[options.label].null_count for table in tables),
        columns={name: str(train.schema.field(name).type) for name in train.column_names},
        task=found.task,
        class_counts=found.counts,
        notes=notes,
    )


def unknown_column(name: str, columns: Sequence[str]) -> str:
    """Returns the message for a column that does not exist, with the nearest names, or all of them."""
    near = difflib.get_close_matches(name, columns, n=3, cutoff=0.5)
    if near:
        return f"there is no column {name!r}; did you mean {' or '.join(repr(other) for other in near)}?"
    return f"there is no column {name!r}; the columns are {', '.join(columns)}."


def _group_problems(path: str, table: pa.Table, name: str) -> list[str]:
    groups = pc.count_distinct(table[name]).as_py()
    if groups > MOST_GROUPS:
        return [
            f"{path}: the sensitive column {name!r} has {groups} values; expected {MOST_GROUPS} or fewer:"
            " add a column with groups, such as age_group for age."
        ]
    if groups == 0:
        return [f"{path}: the sensitive column {name!r} is missing in every row."]
    return []


def _label(
    path: str, table: pa.Table, options: ReadOptions, task: str, positive: str | None, splits: int
) -> tuple[labels.Label | None, list[str]]:
    """Returns what the label column tells, or why it tells nothing."""
    name = options.label
    if name is None or name not in table.column_names:
        return None, []
    column = pc.drop_null(table[name])
    if len(column) == 0:
        return None, [f"{path}: the label {name!r} is missing in every row."]
    problems = []
    if len(column) < FEWEST_ROWS:
        problems = [f"{path}: {len(column)} rows with a label; expected {FEWEST_ROWS} or more."]
    try:
        return labels.find_task(column, name, task, positive, splits), problems
    except ConfigError as error:
        return None, [*problems, *(f"{path}: {problem}" for problem in error.problems)]


def _test(
    path: str | None, train: pa.Table, options: ReadOptions, found: labels.Label | None
) -> tuple[pa.Table | None, list[str], tuple[str, ...]]:
    """Returns the test file's table, its problems, and notes."""
    if path is None:
        return None, [], ()
    try:
        table = read_table(path, options)
    except DataError as error:
        return None, [str(error)], ()
    absent = [name for name in train.column_names if name not in table.column_names]
    if absent:
        return table, [f"{path}: the test file lacks columns of the training file: {', '.join(absent)}."], ()
    label = table[options.label]
    if label.null_count == len(label):
        return table, [f"{path}: the label {options.label!r} is missing in every row."], ()
    if found is not None and found.task.kind == "regression" and pa.types.is_string(label.type):
        message = f"{path}: the label {options.label!r} holds text; expected numbers, as in the training file."
        return table, [message], ()
    if found is None or found.task.kind == "regression":
        return table, [], ()
    try:
        _, note = labels.align(label, found.task.classes, path)
    except DataError as error:
        return table, [str(error)], ()
    return table, [], (note,) if note else ()
