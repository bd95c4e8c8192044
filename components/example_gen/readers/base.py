"""What every file format offers: blocks that can be read by themselves, and the rows of a block as tables."""

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.errors import DataError

ROWS_PER_TABLE = 1 << 16


@dataclass(frozen=True)
class Block:
    """A piece of a file that can be read by itself, in any process.

    Attributes:
        path: The file.
        start: Where the piece begins; bytes, rows or batches, as the format counts.
        stop: Where it ends.
        size: About how many bytes of the file it is, for dividing the work and for the progress.
        names: Column names, where the format has them elsewhere than in the piece.
        payload: The piece itself, where another process could not simply read it from the file.
        group: What holds several rows in a file, such as Parquet's row groups.
    """

    path: str
    start: int
    stop: int
    size: int
    names: tuple[str, ...] = ()
    payload: bytes | None = field(default=None, repr=False)
    group: int = 0

    def content(self) -> bytes:
        """Returns the piece, of a format whose `start` and `stop` are bytes of the file.

        Raises:
            DataError: The file has become shorter.
        """
        return self.payload if self.payload is not None else sources.piece(self.path, self.start, self.stop)


@dataclass(frozen=True)
class Rejected:
    """A row that cannot be read.

    Attributes:
        path: Its file.
        row: Its number: within its block, counting from 1, as a reader reports it; within its file, with the header,
            when all blocks are known.
        reason: What is wrong with it, and how to mend it.
        text: The row as it stands in the file, as far as it is text.
        line: The number of its line, where rows can take several lines; None elsewhere.
    """

    path: str
    row: int
    reason: str
    text: str = ""
    line: int | None = None

    def to_error(self, others: int = 0) -> DataError:
        """Returns the error for a run that does not skip bad rows.

        Args:
            others: How many more there are.
        """
        line = f" (line {self.line})" if self.line is not None else ""
        more = f" {others} more rows cannot be read." if others else ""
        return DataError(f"{self.path}, row {self.row}{line}: {self.reason}{more}")


class Format(abc.ABC):
    """A file format. Objects have no state, so that every process has the same."""

    #: Whether a column may be absent from some rows or files, and is missing there; elsewhere that is an error.
    open_columns = False
    #: About how many bytes of values a byte of the file holds; decides how the work is divided.
    expansion = 1
    #: What to say of a file without rows.
    nothing = "there are no rows in it; expected at least one."

    @abc.abstractmethod
    def blocks(self, path: str, options: ReadOptions, block_bytes: int) -> Iterator[Block]:
        """Yields the blocks of a file in order; the same for the same file, whoever asks.

        Args:
            path: The file.
            options: How to read it.
            block_bytes: About how large a block should be.

        Raises:
            DataError: The file cannot be read, or is none of this format.
        """

    @abc.abstractmethod
    def read(
        self, block: Block, options: ReadOptions, known: Mapping[str, pa.DataType], rejected: list[Rejected]
    ) -> Iterator[pa.Table]:
        """Yields the rows of a block, in order, as flat tables with the types of `columns.narrow`.

        Args:
            block: One of `blocks`.
            options: How to read it.
            known: The type of each column in all of the data, as far as it is known: a format whose values are text
                keeps the text of columns that are text elsewhere.
            rejected: Takes the rows that cannot be read; they are left out.

        Raises:
            DataError: The block cannot be read at all.
        """

    def rows_before(self, block: Block, options: ReadOptions) -> tuple[int, int | None]:
        """Returns how many rows and lines of the file are no data before its first block, and lines before this one.

        Only asked on the way to an error or a report.
        """
        del block, options
        return 0, None
