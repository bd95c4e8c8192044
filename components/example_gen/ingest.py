"""From files to splits on disk; knows nothing of TFX."""

import dataclasses
import glob
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import labels
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import is_companion, read_table
from tfx_automl.components.example_gen.splits import split_rows
from tfx_automl.components.example_gen.writer import write_split
from tfx_automl.errors import DataError


@dataclass(frozen=True)
class RowCounts:
    """Where the rows went.

    Attributes:
        read: Rows in the files.
        dropped_without_label: Rows left out because their label is missing.
        splits: Rows written, by split.

    Raises:
        DataError: The numbers do not add up: rows were lost or doubled.
    """

    read: int
    dropped_without_label: int
    splits: Mapping[str, int]

    def __post_init__(self) -> None:
        written = sum(self.splits.values())
        if self.read != written + self.dropped_without_label:
            raise DataError(
                f"{self.read} rows were read, but {written} written and {self.dropped_without_label} dropped;"
                " nothing was kept. Please report this with the file."
            )

    def to_json(self) -> str:
        """Returns the counts as JSON text."""
        counts = {"read": self.read, "dropped_without_label": self.dropped_without_label}
        return json.dumps({**counts, "splits": dict(self.splits)})


@dataclass(frozen=True)
class Division:
    """How one set of files becomes one or several splits.

    Attributes:
        pattern: Glob pattern of the files, absolute.
        ratios: Share of each split.
        key: A column whose hash decides, so that its groups stay together; None takes the whole row.
    """

    pattern: str
    ratios: Mapping[str, int]
    key: str | None = None


def ingest(divisions: Sequence[Division], options: ReadOptions, folder: Path) -> RowCounts:
    """Reads files, divides their rows, and writes one folder `Split-<name>` per split.

    Args:
        divisions: Each set of files with the splits it becomes; together they name every split once.
        options: How to read.
        folder: Where to; what it holds after a crash never looks complete.

    Returns:
        Where the rows went; that no row was lost has been checked.

    Raises:
        DataError: A file cannot be used, or rows were lost.
    """
    tables = _drop_unlabelled([_read_all(division.pattern, options) for division in divisions], options.label)
    read = sum(before for before, _ in tables)
    if options.label is not None and options.task == "auto":
        options = dataclasses.replace(options, task=labels.kind_of(tables[0][1][options.label]))
    labelled = _align_labels([table for _, table in tables], divisions, options)
    dropped = read - sum(table.num_rows for table in labelled)
    temporary = folder / ".incomplete"
    shutil.rmtree(temporary, ignore_errors=True)
    written: dict[str, int] = {}
    for division, table in zip(divisions, labelled, strict=True):
        written |= _write(table, division, options, temporary)
    counts = RowCounts(read, dropped, written)
    for split in written:
        os.replace(temporary / f"Split-{split}", folder / f"Split-{split}")
    temporary.rmdir()
    return counts


def _read_all(pattern: str, options: ReadOptions) -> pa.Table:
    """Reads all files of a pattern as one table with the columns of the first."""
    paths = sorted(path for path in glob.glob(pattern) if os.path.isfile(path) and not is_companion(path))
    if not paths:
        raise DataError(f"{pattern}: no file matches; check the path.")
    tables = [read_table(path, options) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if set(table.column_names) != set(tables[0].column_names):
            odd = sorted(set(table.column_names) ^ set(tables[0].column_names))
            raise DataError(f"{path}: its columns are not those of {paths[0]}; they differ in {', '.join(odd)}.")
    return tables[0] if len(tables) == 1 else _concatenate(tables)


def _concatenate(tables: Sequence[pa.Table]) -> pa.Table:
    """Joins tables; a column that is a number in one file and text in another becomes text in all."""
    schema = []
    for name in tables[0].column_names:
        kinds = {table[name].type for table in tables if table[name].null_count < len(table[name])}
        schema.append(pa.field(name, _common_type(kinds)))
    target = pa.schema(schema)
    return pa.concat_tables([table.select(target.names).cast(target) for table in tables])


def _common_type(kinds: set[pa.DataType]) -> pa.DataType:
    if len(kinds) == 1:
        return next(iter(kinds))
    numeric = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds)
    return pa.float64() if kinds and numeric else pa.string()


def _drop_unlabelled(tables: Sequence[pa.Table], label: str | None) -> list[tuple[int, pa.Table]]:
    """Returns each table's number of rows and the table without the rows whose label is missing."""
    return [(table.num_rows, table if label is None else _labelled(table, label)) for table in tables]


def _labelled(table: pa.Table, label: str) -> pa.Table:
    if label not in table.column_names:
        raise DataError(f"There is no label column {label!r}; the columns are {', '.join(table.column_names)}.")
    if table[label].null_count == table.num_rows:
        raise DataError(f"The label {label!r} is missing in every row.")
    return table.filter(pc.is_valid(table[label]))


def _align_labels(tables: Sequence[pa.Table], divisions: Sequence[Division], options: ReadOptions) -> list[pa.Table]:
    """Gives the label the same form in all tables: class labels of the first table decide."""
    label = options.label
    if label is None or options.task not in ("binary", "multiclass"):
        return list(tables)
    classes = pc.unique(labels.as_text(tables[0][label])).to_pylist()
    numeric = not pa.types.is_string(tables[0][label].type) and labels.is_integral(tables[0][label])
    aligned = []
    for table, division in zip(tables, divisions, strict=True):
        column, _ = labels.align(table[label], classes, division.pattern)
        if numeric:
            column = pc.cast(column, pa.int64())
        aligned.append(table.set_column(table.column_names.index(label), label, column))
    return aligned


def _write(table: pa.Table, division: Division, options: ReadOptions, folder: Path) -> dict[str, int]:
    """Divides one table and writes its splits; returns the rows written by split."""
    if len(division.ratios) == 1:
        return {name: write_split(table, folder / f"Split-{name}") for name in division.ratios}
    stratify_by = options.label if options.task in ("binary", "multiclass") and division.key is None else None
    splits = split_rows(table, division.ratios, stratify_by, division.key)
    return {name: write_split(table.take(rows), folder / f"Split-{name}") for name, rows in splits.items()}
