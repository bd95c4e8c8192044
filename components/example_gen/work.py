"""The second pass: reads blocks again, divides their rows, and writes them."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from tfx_automl.components.example_gen import labels, sources
from tfx_automl.components.example_gen.division import Divide, Named
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import Block, Rejected
from tfx_automl.components.example_gen.reading import conform, read_block, with_label
from tfx_automl.components.example_gen.writer import WRITERS, ShardWriter


@dataclass(frozen=True)
class Written:
    """What became of a piece of work.

    Attributes:
        rows: Rows read.
        unlabelled: Of these, rows without a label.
        rejected: Rows that could not be read.
        files: For each split the temporary file and its rows.
    """

    rows: int
    unlabelled: int
    rejected: int
    files: Mapping[str, tuple[str, int]]


@dataclass(frozen=True)
class WriteTask:
    """Reads blocks, divides their rows and writes one file per split; here or in another process.

    Attributes:
        options: How to read.
        types: Of all columns, for all of the data.
        division: Which rows go where.
        payload: What kind of files are written.
        classes: Other spellings of labels, or None where the label is no class.
        whole_classes: Whether the classes are whole numbers.
        folder: For the files, which exists.
    """

    options: ReadOptions
    types: Mapping[str, pa.DataType]
    division: Divide | Named
    payload: str
    classes: Mapping[str, str] | None = None
    whole_classes: bool = False
    folder: str = field(default="")

    def __call__(self, blocks: Sequence[Block]) -> list[Written]:
        """Does it for consecutive blocks."""
        first = blocks[0]
        name = f"{_safe(first.path)}-{first.group:06d}-{first.start:015d}"
        with contextlib.ExitStack() as stack:
            writers = _Writers(Path(self.folder), name, WRITERS[self.payload], stack)
            rows, unlabelled, rejected = 0, 0, 0
            for block in blocks:
                bad: list[Rejected] = []
                with sources.named(block.path):
                    for table in read_block(block, self.options, self.types, bad):
                        kept = with_label(conform(table, self.types), self.options.label)
                        rows, unlabelled = rows + table.num_rows, unlabelled + table.num_rows - kept.num_rows
                        self._write(kept, writers)
                rejected += len(bad)
        return [Written(rows, unlabelled, rejected, writers.files)]

    def _labelled(self, table: pa.Table) -> pa.Table:
        if self.classes is None or self.options.label is None:
            return table
        column = labels.apply(table[self.options.label], self.classes, self.whole_classes)
        return table.set_column(table.column_names.index(self.options.label), self.options.label, column)

    def _write(self, table: pa.Table, writers: "_Writers") -> None:
        numbers = self.division.assign(table)  # of the values that the first pass saw
        table = self._labelled(table)
        if isinstance(self.division, Named) and self.division.column is not None:
            table = table.drop([self.division.column])
        if len(self.division.names) == 1:
            writers.write(self.division.names[0], table)
            return
        for number, name in enumerate(self.division.names):
            rows = np.flatnonzero(numbers == number)
            if len(rows):
                writers.write(name, table.take(rows))


class _Writers:
    """The open file of each split of a piece of work."""

    def __init__(self, folder: Path, name: str, kind: type[ShardWriter], stack: contextlib.ExitStack) -> None:
        self._folder, self._name, self._kind, self._stack = folder, name, kind, stack
        self._open: dict[str, ShardWriter] = {}
        self.files: dict[str, tuple[str, int]] = {}

    def write(self, split: str, table: pa.Table) -> None:
        path = self._folder / f"{split}-{self._name}"
        if split not in self._open:
            self._open[split] = self._stack.enter_context(self._kind(path))
        self._open[split].write(table)
        self.files[split] = (str(path), self.files.get(split, ("", 0))[1] + table.num_rows)


def _safe(path: str) -> str:
    """Returns a short name for a file that no other file of a run has."""
    import hashlib

    return hashlib.sha256(path.encode()).hexdigest()[:16]
