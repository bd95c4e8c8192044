"""Runs jobs in worker processes that are started once and keep their data."""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from tfx_automl.errors import SearchError
from tfx_automl.machine import resident_memory
from tfx_automl.search.job import Job, Result, Tell
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.worker import Hello

_SECONDS_BETWEEN_MEMORY_CHECKS = 0.5
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class WorkerSetup:
    """How workers are started.

    Attributes:
        factory: `module:callable` that makes the trainable inside the worker.
        arguments: Its keyword arguments; must be picklable.
        environment: Variables to set before anything is imported, such as thread counts.
        memory_limit: The most bytes of memory that a worker may have; one that exceeds it is killed and replaced. None
            is no limit.
        imports: Modules that take long to import; every worker does so at once, while its first job is not there yet.
    """

    factory: str
    arguments: Mapping[str, Any]
    environment: Mapping[str, str]
    memory_limit: int | None = None
    imports: tuple[str, ...] = ()


class ProcessRunner(TrialRunner):
    """Runs jobs in worker processes that talk over pipes; there is no socket.

    A worker that dies, or is killed because it exceeds its memory limit, loses only the epoch that it was training: its
    job comes back as `lost`, and the worker is replaced.

    Args:
        setup: How workers are started.
        workers: Number of processes.
    """

    def __init__(self, setup: WorkerSetup, workers: int) -> None:
        self._setup = setup
        self._messages: queue.Queue[tuple[int, object]] = queue.Queue()
        self._last_worker: dict[int, int] = {}
        self._pool = [_Worker(number, setup, self._messages) for number in range(workers)]
        self._closed = threading.Event()
        if setup.memory_limit is not None:
            threading.Thread(target=self._watch_memory, args=(setup.memory_limit,), daemon=True).start()

    @property
    def free(self) -> int:
        """Number of idle workers."""
        return sum(worker.job is None for worker in self._pool)

    @property
    def workers(self) -> int:
        """Number of workers."""
        return len(self._pool)

    def submit(self, job: Job) -> None:
        """Gives the job to the worker that knows the trial, if it is idle, else to another."""
        idle = [worker for worker in self._pool if worker.job is None]
        known = [worker for worker in idle if worker.number == self._last_worker.get(job.trial_id)]
        worker = (known or idle)[0]
        self._last_worker[job.trial_id] = worker.number
        worker.start_job(job)

    def wait(self, tell: Tell) -> Result:
        """Returns the next result of any worker."""
        if self.free == self.workers:
            raise SearchError("No job is running, so there is no result to wait for.")
        while True:
            number, message = self._messages.get()
            worker = self._pool[number]
            if isinstance(message, Result):
                worker.job = None
                return message
            if isinstance(message, tuple):
                worker.send(tell(*message))
            elif isinstance(message, str):
                self.close()
                raise SearchError(f"A worker could not start:\n{message}")
            elif message is worker.process:  # the end of the pipe: this process is gone
                return self._replace(worker)

    def _replace(self, worker: "_Worker") -> Result:
        job, seconds, how = worker.job, time.monotonic() - worker.since, worker.end()
        self._pool[worker.number] = _Worker(worker.number, self._setup, self._messages)
        if job is None:
            raise SearchError(f"A worker process ended by itself, without a job: it {how}.")
        return Result(job, "lost", f"The worker process {how}.", seconds, str(worker.number))

    def _watch_memory(self, limit: int) -> None:
        while not self._closed.wait(_SECONDS_BETWEEN_MEMORY_CHECKS):
            for worker in list(self._pool):
                used = resident_memory(worker.process.pid)
                if used > limit:
                    worker.kill(
                        f"was stopped because it had {used // _MEBIBYTE} MiB of memory, more than its limit of"
                        f" {limit // _MEBIBYTE} MiB"
                    )

    def close(self) -> None:
        """Ends all workers, running jobs included."""
        self._closed.set()
        for worker in self._pool:
            worker.end()


class _Worker:
    """One worker process and the thread that reads its messages."""

    def __init__(self, number: int, setup: WorkerSetup, messages: "queue.Queue[tuple[int, object]]") -> None:
        self.number = number
        self.job: Job | None = None
        self.since = time.monotonic()
        self._killed_because: str | None = None
        # A module that the parent can import must be importable in the workers too.
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tfx_automl.search.runners.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, **setup.environment},
        )
        self.send(Hello(setup.factory, dict(setup.arguments), str(number), setup.imports))
        threading.Thread(target=_read_messages, args=(self, messages), daemon=True).start()

    def start_job(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        self.send(job)

    def send(self, message: object) -> None:
        if self.process.stdin is None:
            raise SearchError("The worker has no pipe.")
        with contextlib.suppress(BrokenPipeError):  # it died; the reading thread sees that and reports it
            pickle.dump(message, self.process.stdin)
            self.process.stdin.flush()

    def kill(self, because: str) -> None:
        """Kills the process; the reading thread sees that."""
        self._killed_because = because
        self.process.kill()

    def end(self) -> str:
        """Kills what is left of the process; returns how it ended."""
        exit_status = self.process.poll()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                _close(pipe)
        if self._killed_because:
            return self._killed_because
        # Its pipe may be closed a moment before its exit status is there.
        code = self.process.returncode if exit_status is None else exit_status
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # what was not sent yet is for a process that is gone
        pipe.close()


def _read_messages(worker: _Worker, messages: "queue.Queue[tuple[int, object]]") -> None:
    """Puts the worker's messages into the queue; the process itself stands for the end."""
    stream = worker.process.stdout
    while stream is not None:
        try:
            messages.put((worker.number, pickle.load(stream)))
        except (EOFError, pickle.UnpicklingError, ValueError, OSError):
            break
    messages.put((worker.number, worker.process))
