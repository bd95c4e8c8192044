"""Runs jobs: in this process, or in worker processes that are started once and keep their data."""

import abc
import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO, Any

from tfx_automl.errors import SearchError
from tfx_automl.machine import usable_cores
from tfx_automl.search.job import Job, Result, Trainable, run_job


class TrialRunner(abc.ABC):
    """Executes jobs. `submit` only while `free` is above 0; then `wait` for a result. Close it, or use it in `with`."""

    @property
    @abc.abstractmethod
    def free(self) -> int:
        """How many more jobs can be submitted right now."""

    @property
    @abc.abstractmethod
    def workers(self) -> int:
        """How many jobs can run at once."""

    @abc.abstractmethod
    def submit(self, job: Job) -> None:
        """Hands over a job."""

    @abc.abstractmethod
    def wait(self) -> Result:
        """Returns the next result.

        Raises:
            SearchError: No job is running, or workers cannot start at all.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the workers."""

    def __enter__(self) -> "TrialRunner":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class InProcessRunner(TrialRunner):
    """Runs one job after another in this process.

    Args:
        trainable: What runs them.
    """

    def __init__(self, trainable: Trainable) -> None:
        self._trainable = trainable
        self._job: Job | None = None

    @property
    def free(self) -> int:
        """1, or 0 while a job waits to be run."""
        return 0 if self._job else 1

    @property
    def workers(self) -> int:
        """1."""
        return 1

    def submit(self, job: Job) -> None:
        """Keeps the job until `wait`."""
        self._job = job

    def wait(self) -> Result:
        """Runs the job."""
        if self._job is None:
            raise SearchError("No job is running, so there is no result to wait for.")
        job, self._job = self._job, None
        return run_job(self._trainable, job, worker=0)

    def close(self) -> None:
        """Forgets a job that was not run."""
        self._job = None


class ProcessRunner(TrialRunner):
    """Runs jobs in worker processes that talk over pipes; there is no socket.

    A worker that dies fails only the job that it was running, and is replaced.

    Args:
        factory: `module:callable` that makes the trainable inside the worker.
        arguments: Its keyword arguments; must be picklable.
        workers: Number of processes.
        environment: Variables to set in the workers before anything is imported, such as thread counts.
    """

    def __init__(
        self,
        factory: str,
        arguments: Mapping[str, Any],
        workers: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [sys.executable, "-m", "tfx_automl.search.worker"]
        self._hello = {"factory": factory, "arguments": dict(arguments)}
        # A module that the parent can import must be importable in the workers too.
        paths = os.pathsep.join(path for path in sys.path if path)
        self._environment = {**os.environ, "PYTHONPATH": paths, **(environment or {})}
        self._results: queue.Queue[tuple[int, object]] = queue.Queue()
        self._pool = [_Worker(number, self) for number in range(workers)]
        self._last_worker: dict[int, int] = {}

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

    def wait(self) -> Result:
        """Returns the next result of any worker."""
        if self.free == self.workers:
            raise SearchError("No job is running, so there is no result to wait for.")
        while True:
            number, message = self._results.get()
            worker = self._pool[number]
            if isinstance(message, Result):
                worker.job = None
                return message
            if isinstance(message, str):
                self.close()
                raise SearchError(f"A worker could not start:\n{message}")
            if message is worker.process:  # the end of the pipe: this process is gone
                return self._replace(worker)

    def _replace(self, worker: "_Worker") -> Result:
        code = worker.process.wait()
        worker.stop()
        job, seconds = worker.job, time.monotonic() - worker.since
        self._pool[worker.number] = _Worker(worker.number, self)
        if job is None:
            raise SearchError(f"A worker ended by itself with exit status {code}, without a job.")
        how = (
            f"was killed by signal {-code} (out of memory, if it is 9)"
            if code < 0
            else f"ended with exit status {code}"
        )
        return Result(job, "failed", (), f"The worker process {how}.", seconds, worker.number)

    def close(self) -> None:
        """Ends all workers, running jobs included."""
        for worker in self._pool:
            worker.stop()


class _Worker:
    """One worker process and the thread that reads its messages."""

    def __init__(self, number: int, runner: ProcessRunner) -> None:
        self.number = number
        self.job: Job | None = None
        self.since = time.monotonic()
        self.process = subprocess.Popen(
            runner._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=runner._environment
        )
        self._send({**runner._hello, "number": number})
        threading.Thread(target=_read_messages, args=(self, runner._results), daemon=True).start()

    def start_job(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        self._send(job)

    def _send(self, message: object) -> None:
        if self.process.stdin is None:
            raise SearchError("The worker has no pipe.")
        with contextlib.suppress(BrokenPipeError):  # it died; the reading thread sees that and reports it
            pickle.dump(message, self.process.stdin)
            self.process.stdin.flush()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # what was not sent yet is for a process that is gone
        pipe.close()


def _read_messages(worker: _Worker, results: "queue.Queue[tuple[int, object]]") -> None:
    """Puts the worker's messages into the queue; the process itself stands for the end."""
    stream = worker.process.stdout
    while stream is not None:
        try:
            results.put((worker.number, pickle.load(stream)))
        except (EOFError, pickle.UnpicklingError, ValueError, OSError):
            break
    results.put((worker.number, worker.process))


def default_workers() -> int:
    """Returns the number of cores that this process may use; the CPU quota of a container counts."""
    return usable_cores()
