"""From files to splits on disk; knows nothing of TFX.

Two passes over the data: `scan` finds the types, counts the rows and finds where the splits begin; then each piece is
read again, divided and written. Both do a block at a time: of each row, only its hash and its class are kept until the
cuts are known.
"""

import glob
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tfx_automl.components.example_gen import labels, rejects, sources, types
from tfx_automl.components.example_gen.division import Division, divide, rule_for
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import LocalPool, Pool
from tfx_automl.components.example_gen.readers import is_companion
from tfx_automl.components.example_gen.scan import Scan, Wanted, scan
from tfx_automl.components.example_gen.splits import Rule
from tfx_automl.components.example_gen.work import WriteTask, Written
from tfx_automl.components.example_gen.writer import WRITERS
from tfx_automl.errors import DataError


@dataclass(frozen=True)
class RowCounts:
    """Where the rows went.

    Attributes:
        read: Rows in the files.
        dropped_without_label: Rows left out because their label is missing.
        splits: Rows written, by split.
        rejected: Rows left out because they could not be read.

    Raises:
        DataError: The numbers do not add up: rows were lost or doubled.
    """

    read: int
    dropped_without_label: int
    splits: Mapping[str, int]
    rejected: int = 0

    def __post_init__(self) -> None:
        written = sum(self.splits.values())
        if self.read != written + self.dropped_without_label + self.rejected:
            raise DataError(
                f"{self.read} rows were read, but {written} written, {self.dropped_without_label} dropped and"
                f" {self.rejected} rejected; nothing was kept. Please report this with the file."
            )

    def to_json(self) -> str:
        """Returns the counts as JSON text."""
        counts = {"read": self.read, "dropped_without_label": self.dropped_without_label, "rejected": self.rejected}
        return json.dumps({**counts, "splits": dict(self.splits)})


@dataclass(frozen=True)
class Ingested:
    """What was written.

    Attributes:
        counts: Where the rows went.
        moments: Columns that were dates and are seconds since 1970 now.
    """

    counts: RowCounts
    moments: tuple[str, ...] = field(default=())


def ingest(
    divisions: Sequence[Division],
    options: ReadOptions,
    folder: Path,
    payload: str = "tfrecord",
    pool: Pool | None = None,
) -> Ingested:
    """Reads files, divides their rows, and writes one folder `Split-<name>` per split.

    Args:
        divisions: Each set of files with the splits it becomes; together they name every split once.
        options: How to read.
        folder: Where to; what it holds after a crash never looks complete.
        payload: `tfrecord` or `parquet`.
        pool: What reads and writes blocks; None takes one process per core.

    Returns:
        What was written; that no row was lost has been checked.

    Raises:
        DataError: A file cannot be used, changed while it was read, or rows were lost.
    """
    pool = pool or LocalPool()
    files = [files_of(division.pattern) for division in divisions]
    before = [sources.stamp(path) for paths in files for path in paths]
    rules = [rule_for(division, options) for division in divisions]
    wanted = [_wanted(rule, options) for rule in rules]
    scans = scan(list(zip(files, wanted, strict=True)), options, pool)
    tasks = _tasks(divisions, rules, scans, options, payload)
    temporary = folder / ".incomplete"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    written: list[Written] = []
    for task, found in zip(tasks, scans, strict=True):
        done = pool.map(replace(task, folder=str(temporary)), found.paths, options, "writing examples")
        _compare(found, done)
        written += done
    if before != [sources.stamp(path) for paths in files for path in paths]:
        raise DataError("A file changed while it was read; read a finished copy of it, so that no row is lost.")
    splits = _finish(temporary, tasks, written, payload)
    counts = RowCounts(
        read=sum(each.rows + len(each.rejected) for each in scans),
        dropped_without_label=sum(each.unlabelled for each in written),
        splits=splits,
        rejected=sum(len(each.rejected) for each in scans),
    )
    rejects.write([entry for each in scans for entry in each.rejected], folder)
    _publish(temporary, folder, splits)
    return Ingested(counts, tuple(name for name, kind in scans[0].types.items() if types.is_moment(kind)))


def files_of(pattern: str) -> list[str]:
    """Returns the files of a pattern, in the order of their names.

    Raises:
        DataError: There is none.
    """
    paths = [path for path in sources.find(pattern) if not is_companion(path)]
    if not paths:
        what = "no file matches" if glob.has_magic(pattern) else "there is no such file"
        raise DataError(f"{pattern}: {what}; check the path.")
    return paths


def _wanted(rule: Rule | None, options: ReadOptions) -> Wanted:
    return Wanted((options.label,) if options.label is not None else (), options.label, rule)


def _tasks(
    divisions: Sequence[Division],
    rules: Sequence[Rule | None],
    scans: Sequence[Scan],
    options: ReadOptions,
    payload: str,
) -> list[WriteTask]:
    label, classes, whole = options.label, None, False
    if label is not None:
        _check_label(label, divisions, scans)
        values, stored = scans[0].values(label), types.stored_type(scans[0].types[label])
        kind = labels.kind_of(values, stored) if options.task == "auto" else options.task
        if kind != "regression":
            classes = list(values.counts)
            whole = not labels.is_text(stored) and values.are_whole
    tasks = []
    for division, rule, found in zip(divisions, rules, scans, strict=True):
        mapping = None
        if label is not None and classes is not None:
            mapping, _ = labels.align(found.values(label), classes, division.pattern)
        where = divide(division, rule, found, options, stratified=classes is not None)
        tasks.append(WriteTask(options, found.types, where, payload, mapping, whole))
    return tasks


def _check_label(label: str, divisions: Sequence[Division], scans: Sequence[Scan]) -> None:
    for division, found in zip(divisions, scans, strict=True):
        if label not in found.types:
            raise DataError(
                f"{division.pattern}: there is no label column {label!r}; the columns are {', '.join(found.types)}."
            )
        if found.values(label).present == 0:
            raise DataError(f"{division.pattern}: the label {label!r} is missing in every row.")


def _compare(found: Scan, done: Sequence[Written]) -> None:
    """The second pass must find what the first one found."""
    first = (found.rows, len(found.rejected))
    second = (sum(each.rows for each in done), sum(each.rejected for each in done))
    if first != second:
        raise DataError(
            f"{found.paths[0]}: the first pass found {first[0]} rows, the second {second[0]}; a file changed while it"
            " was read, so nothing was kept."
        )


def _finish(temporary: Path, tasks: Sequence[WriteTask], written: Sequence[Written], payload: str) -> dict[str, int]:
    """Gives the files the names that stock ExampleGen gives; returns the rows of each split."""
    kind = WRITERS[payload]
    rows: dict[str, int] = {}
    for split in [name for task in tasks for name in task.division.names]:
        files = [each.files[split] for each in written if split in each.files]
        if not files:
            raise DataError(f"The split {split!r} stays empty; give it a share, or rows, or leave it out.")
        (temporary / f"Split-{split}").mkdir()
        for number, (path, _) in enumerate(files):
            name = f"{kind.prefix}-{number:05d}-of-{len(files):05d}{kind.ending}"
            os.replace(path, temporary / f"Split-{split}" / name)
        rows[split] = sum(count for _, count in files)
    return rows


def _publish(temporary: Path, folder: Path, splits: Mapping[str, int]) -> None:
    for split in splits:
        os.replace(temporary / f"Split-{split}", folder / f"Split-{split}")
    temporary.rmdir()
