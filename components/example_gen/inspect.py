"""Looks at all of the data before anything is written, and reports everything that is wrong with it at once."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tfx_automl.components.example_gen import labels, types
from tfx_automl.components.example_gen.division import Division, divide, rule_for
from tfx_automl.components.example_gen.ingest import files_of
from tfx_automl.components.example_gen.inputs import pattern_of
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import LocalPool, Pool
from tfx_automl.components.example_gen.scan import Scan, Wanted, scan
from tfx_automl.components.example_gen.splits import Rule
from tfx_automl.components.example_gen.values import MOST_VALUES, Values
from tfx_automl.errors import ConfigError, DataError
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.task import TaskSpec

FEWEST_ROWS = 20
MOST_GROUPS = 50


@dataclass(frozen=True)
class DataSummary:
    """What a look at the data found.

    Attributes:
        rows: Rows in all files.
        rows_without_label: Of these, rows that will be dropped because their label is missing.
        rows_rejected: Rows, beside those, that cannot be read and will be left out.
        columns: Arrow type of each column of the training file, as text.
        task: What is to be predicted.
        class_counts: Rows of each class in the training file; empty for regression.
        notes: What a person should know, such as mapped labels.
    """

    rows: int
    rows_without_label: int
    rows_rejected: int
    columns: Mapping[str, str]
    task: TaskSpec
    class_counts: Mapping[str, int]
    notes: tuple[str, ...]


def inspect(
    train_path: str,
    test_path: str | None,
    options: ReadOptions,
    sensitive: Sequence[Sequence[str]] = (),
    cuts: Cuts | None = None,
    task: str = "auto",
    positive: str | None = None,
    pool: Pool | None = None,
) -> DataSummary:
    """Reads the files and checks them against what is wanted of them.

    Args:
        train_path: The file with the training data.
        test_path: A file of its own for the test split, or None.
        options: How to read; `label` must be given.
        sensitive: Groups of columns to slice by.
        cuts: Where continuous ones are cut into groups.
        task: `auto`, `binary`, `multiclass` or `regression`.
        positive: The positive label value, or None.
        pool: What reads blocks; None takes one process per core.

    Raises:
        ConfigError: With one line for every problem.
        DataError: The training file cannot be read at all.
    """
    if options.label is None:
        raise ConfigError("The label column is not named; name the column to predict.")
    columns = tuple(dict.fromkeys(column for group in sensitive for column in group))
    division = Division(train_path, options.shares(() if test_path is None else ("test",)))
    rule = rule_for(division, dataclasses.replace(options, task=task))
    wanted = Wanted((options.label, *columns), options.label, rule)
    scans, problems = _scan(train_path, test_path, options, wanted, pool or LocalPool())
    train = scans[0]
    problems += [
        f"{train_path}: {unknown_column(name, list(train.types))}"
        for name in (options.label, *columns, *_split_columns(options))
        if name not in train.types
    ]
    problems += [
        message
        for found in scans
        for name in columns
        if name in train.types
        for message in _group_problems(found, name, (cuts or {}).get(name))
    ]
    label, more = _label(train, options, task, positive, splits=3 if test_path is None else 2)
    test_problems, notes = _test(scans, options, label)
    problems += more + test_problems
    if label is not None and not problems:
        problems += _division_problems(division, rule, train, options, label.task.kind != "regression")
    if problems or label is None:
        raise ConfigError(problems)
    return DataSummary(
        rows=sum(found.rows for found in scans),
        rows_without_label=sum(found.values(options.label).missing for found in scans),
        rows_rejected=sum(len(found.rejected) for found in scans),
        columns={name: str(types.stored_type(kind)) for name, kind in train.types.items()},
        task=label.task,
        class_counts=label.counts,
        notes=notes,
    )


def _scan(
    train_path: str, test_path: str | None, options: ReadOptions, wanted: Wanted, pool: Pool
) -> tuple[list[Scan], list[str]]:
    """Scans both files; what is wrong with the test file does not hide what is wrong with the training file."""
    train = (files_of(pattern_of(train_path)), wanted)
    undivided = dataclasses.replace(wanted, rule=None)
    if test_path is None:
        return scan([train], options, pool), []
    try:
        return scan([train, (files_of(pattern_of(test_path)), undivided)], options, pool), []
    except DataError as error:
        found = scan([train], options, pool)  # raises again where the training file is at fault
        return found, [str(error)]


def _split_columns(options: ReadOptions) -> list[str]:
    return [name for name in (options.split_key, options.split_time, options.split_column) if name is not None]


def _division_problems(
    division: Division, rule: Rule | None, train: Scan, options: ReadOptions, stratified: bool
) -> list[str]:
    try:
        divide(division, rule, train, options, stratified)
    except DataError as error:
        return [f"{division.pattern}: {error}"]
    return []


def unknown_column(name: str, columns: Sequence[str]) -> str:
    """Returns the message for a column that does not exist, with the nearest names, or all of them."""
    near = difflib.get_close_matches(name, columns, n=3, cutoff=0.5)
    if near:
        return f"there is no column {name!r}; did you mean {' or '.join(repr(other) for other in near)}?"
    return f"there is no column {name!r}; the columns are {', '.join(columns)}."


def _group_problems(found: Scan, name: str, points: Sequence[float] | None) -> list[str]:
    path, values = found.paths[0], found.values(name)
    is_number = _is_number(found.own[name])
    if values.present == 0:
        return [f"{path}: the sensitive column {name!r} is missing in every row."]
    if points is not None:
        text = f"{path}: the sensitive column {name!r} holds text, which has no cut points; leave them out."
        return [] if is_number else [text]
    if values.more or len(values.counts) > MOST_GROUPS:
        number = f"more than {MOST_VALUES}" if values.more else len(values.counts)
        what = _advice(name, values) if is_number else "add a column with groups, such as region for town."
        return [f"{path}: the sensitive column {name!r} has {number} values; expected {MOST_GROUPS} or fewer: {what}"]
    return []


def _advice(name: str, values: Values) -> str:
    """Returns how to cut numbers into groups; if all of their values are known, into four that are about as large."""
    points = [10.0, 20.0] if values.more else _quartiles(values)
    text = ",".join(f"{point:.15g}" for point in points)
    where = "give cut points, such as" if values.more else "give cut points, such as its quartiles,"
    return f"{where} cuts={{{name!r}: [{text}]}} (on the command line: --cut {name}={text})."


def _quartiles(values: Values) -> list[float]:
    numbers, rows = map(np.array, zip(*sorted((float(v), rows) for v, rows in values.counts.items()), strict=True))
    places = np.searchsorted(np.cumsum(rows), values.present * np.array([0.25, 0.5, 0.75]))
    found: list[float] = np.unique(numbers[places[places > 0]]).tolist()  # nothing is below the first
    return found


def _label(
    found: Scan, options: ReadOptions, task: str, positive: str | None, splits: int
) -> tuple[labels.Label | None, list[str]]:
    """Returns what the label column tells, or why it tells nothing."""
    name, path = options.label, found.paths[0]
    if name is None or name not in found.types:
        return None, []
    values = found.values(name)
    if values.present == 0:
        return None, [f"{path}: the label {name!r} is missing in every row."]
    problems = []
    if values.infinite:
        problems.append(
            f"{path}: {values.infinite} rows have an infinite label; correct them, or leave the label empty."
        )
    if values.present < FEWEST_ROWS:
        problems += [f"{path}: {values.present} rows with a label; expected {FEWEST_ROWS} or more."]
    try:
        return labels.find_task(values, types.stored_type(found.own[name]), name, task, positive, splits), problems
    except ConfigError as error:
        return None, [*problems, *(f"{path}: {problem}" for problem in error.problems)]


def _test(scans: Sequence[Scan], options: ReadOptions, label: labels.Label | None) -> tuple[list[str], tuple[str, ...]]:
    """Returns the problems of the test file, and notes."""
    if len(scans) == 1:
        return [], ()
    train, test = scans
    path, name = test.paths[0], str(options.label)
    absent = [column for column in train.types if column not in test.types]
    if absent:
        return [f"{path}: the test file lacks columns of the training file: {', '.join(absent)}."], ()
    mixed = [f"{path}: {problem}" for problem in _mixed_types(train, test)]
    values = test.values(name)
    if name not in train.types or mixed:
        return mixed, ()
    if values.present == 0:
        return [f"{path}: the label {name!r} is missing in every row."], ()
    if label is None or label.task.kind == "regression":
        return [], ()
    try:
        _, note = labels.align(values, label.task.classes, path)
    except DataError as error:
        return [str(error)], ()
    return [], (note,) if note else ()


def _mixed_types(train: Scan, test: Scan) -> list[str]:
    """Finds columns that are numbers in one file and text in the other, which makes them text in both."""
    problems = []
    for name in train.types:
        own, other = train.own[name], test.own[name]
        if _is_number(own) != _is_number(other) and not pa.types.is_null(own) and not pa.types.is_null(other):
            kinds = ["numbers" if _is_number(kind) else "text" for kind in (own, other)]
            problems.append(
                f"the column {name!r} holds {kinds[1]} here, but {kinds[0]} in the training file; mend one of them,"
                f" or give the type string."
            )
    return problems


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
