"""Divides files into work of about equal size, and does it in threads, in processes, or as steps of Beam."""

import abc
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from tfx_automl import console
from tfx_automl.components.example_gen import sources
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import Block, format_of
from tfx_automl.errors import DataError
from tfx_automl.machine import usable_cores


class HasRows(Protocol):
    """What a task returns for some rows."""

    @property
    def rows(self) -> int:
        """How many rows it stands for."""


T = TypeVar("T", bound=HasRows)
Task = Callable[[Sequence[Block]], list[T]]
Place = tuple[str, int, int]

# Below these many bytes in all, starting threads, or processes, costs more than it saves. Threads start at once, and
# most of the work is done in Arrow, NumPy and the compressor, which let other threads run; but not all of it, so that
# threads do not scale far.
WORTH_THREADS = 1 << 20
WORTH_PROCESSES = 128 << 20
_LEAST_BYTES, _MOST_BYTES = 1 << 20, 8 << 20
# Into so many pieces of work a large input is divided, whatever the number of processes: outputs depend on it.
_PIECES = 16
_SECONDS_BETWEEN_LINES = 2.0


class Pool(abc.ABC):
    """Does the same with all blocks of some files."""

    def map(
        self,
        task: "Task[T]",
        paths: Sequence[str],
        options: ReadOptions,
        what: str,
        block_bytes: int | None = None,
        only: Collection[Place] | None = None,
    ) -> list[T]:
        """Returns what the task returns, for all blocks in order.

        Args:
            task: Takes some consecutive blocks, returns any number of results; must be picklable.
            paths: The files.
            options: How to read them.
            what: For the progress.
            block_bytes: Size of a block; None chooses it by the size of the files.
            only: Path, group and start of the blocks that matter; None takes all.

        Raises:
            DataError: A file cannot be used, or a process died.
        """
        total = _total(paths)
        progress = _Progress(what, None if any(map(sources.compression_of, paths)) else total)
        found: list[T] = []
        for results, size in self._run(task, pieces_of(paths, options, block_bytes, only), total):
            progress.advance(size, sum(result.rows for result in results))
            found += results
        return found

    @abc.abstractmethod
    def _run(self, task: "Task[T]", work: Iterable[list[Block]], total: int) -> Iterator[tuple[list[T], int]]:
        """Yields the results of each piece of work, in order, and its size."""


def pieces_of(
    paths: Sequence[str], options: ReadOptions, block_bytes: int | None, only: Collection[Place] | None
) -> Iterator[list[Block]]:
    """Yields runs of consecutive blocks; the same for the same files, whatever the number of processes."""
    total = _total(paths)
    size = block_bytes or min(_MOST_BYTES, max(_LEAST_BYTES, total // _PIECES))
    limit = min(options.shard_bytes, max(size, total // _PIECES))
    piece: list[Block] = []
    piece_size = 0
    for path in paths:
        for block in format_of(path).blocks(path, options, min(size, options.shard_bytes)):
            if only is not None and (block.path, block.group, block.start) not in only:
                continue
            if piece and piece_size + block.size > limit:
                yield piece
                piece, piece_size = [], 0
            piece.append(block)
            piece_size += block.size
            if block.payload is not None:  # what is in memory is sent off at once
                yield piece
                piece, piece_size = [], 0
    if piece:
        yield piece


def _total(paths: Sequence[str]) -> int:
    """Returns about how many bytes of values some files hold."""
    return sum(sources.stamp(path).size * format_of(path).expansion for path in paths)


class LocalPool(Pool):
    """Threads or processes on this machine, whatever is faster.

    Args:
        workers: Number of threads or processes; None takes one per core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or usable_cores()

    def _run(self, task: "Task[T]", work: Iterable[list[Block]], total: int) -> Iterator[tuple[list[T], int]]:
        if self._workers == 1 or total < WORTH_THREADS:
            return (measured(task, blocks) for blocks in work)
        return self._side_by_side(task, work, "threading" if total < WORTH_PROCESSES else "loky")

    def _side_by_side(
        self, task: "Task[T]", work: Iterable[list[Block]], backend: str
    ) -> Iterator[tuple[list[T], int]]:
        from joblib import Parallel, delayed
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        parallel = Parallel(
            n_jobs=self._workers, backend=backend, return_as="generator", pre_dispatch=2 * self._workers, batch_size=1
        )
        try:
            yield from parallel(delayed(measured)(task, blocks) for blocks in work)
        except TerminatedWorkerError as error:
            raise DataError(
                "A process that read the data was killed, probably for lack of memory; give fewer workers."
            ) from error


def measured(task: "Task[T]", blocks: list[Block]) -> tuple[list[T], int]:
    """Does a piece of work; returns its results and its size."""
    return task(blocks), sum(block.size for block in blocks)


class _Progress:
    """Says every other second how far the work is.

    Args:
        what: The work.
        total: Bytes in all; None where nobody knows, as with compressed files.
    """

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total, self._bytes, self._rows = what, total, 0, 0
        self._started = self._last = time.monotonic()

    def advance(self, size: int, rows: int) -> None:
        """Adds what was done."""
        self._bytes += size
        self._rows += rows
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            share = f"{min(100, 100 * self._bytes // max(1, self._total))} %, " if self._total is not None else ""
            console.line(f"  {self._what}: {share}{self._rows} rows, {self._rows / (now - self._started):.0f} rows/s")
