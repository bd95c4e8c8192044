"""Worker processes that talk over pipes."""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import IO

from tfx_automl.components.tuner.stock.messages import Answer, Broken, Ended, FromWorker, Hello
from tfx_automl.errors import SearchError

_SECONDS_TO_END = 10.0
Inbox = queue.Queue[tuple[int, FromWorker]]


class WorkerPool:
    """Worker processes, numbered from 0. Close it, or use it in `with`.

    Args:
        count: Number of processes.
        hello: What each is told first.
        environment: Variables to set before anything is imported, such as thread counts.
    """

    def __init__(self, count: int, hello: Hello, environment: Mapping[str, str]) -> None:
        self._hello = hello
        # A module that the parent can import must be importable in the workers too.
        paths = os.pathsep.join(path for path in sys.path if path)
        self._environment = {**os.environ, **environment, "PYTHONPATH": paths}
        self._inbox: Inbox = queue.Queue()
        self._workers = [self._start(number) for number in range(count)]

    def receive(self, timeout: float | None) -> tuple[int, FromWorker] | None:
        """Returns the next message and the number of the worker that sent it, or None after `timeout` seconds."""
        try:
            return self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None

    def send(self, number: int, answer: Answer) -> None:
        """Sends an answer to a worker; does nothing if the worker is gone, which `receive` will tell."""
        self._workers[number].send(answer)

    def replace(self, number: int) -> None:
        """Starts another process in place of one that is gone."""
        self._workers[number] = self._start(number)

    def how_ended(self, number: int) -> str:
        """Returns how a worker ended whose pipe has ended, to stand after "The worker process"."""
        return self._workers[number].how_ended()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers:
            worker.kill()

    def _start(self, number: int) -> "_Worker":
        return _Worker(number, self._hello, self._environment, self._inbox)


class _Worker:
    """One worker process and the thread that reads its messages."""

    def __init__(self, number: int, hello: Hello, environment: Mapping[str, str], inbox: Inbox) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tfx_automl.components.tuner.stock.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        threading.Thread(target=_read, args=(number, self._pipe(self.process.stdout), inbox), daemon=True).start()
        self.send(hello)

    def send(self, message: Hello | Answer) -> None:
        stream = self._pipe(self.process.stdin)
        with contextlib.suppress(BrokenPipeError):  # it died; the reading thread sees that and says so
            stream.write(pickle.dumps(message))
            stream.flush()

    def how_ended(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):  # its pipe ends a moment before the process does
            self.process.wait(_SECONDS_TO_END)
        self.kill()
        code = self.process.returncode
        if code < 0:
            return f"was killed by signal {-code}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
        return f"ended with exit status {code}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):  # what was not sent yet is for a process that is gone
                self._pipe(pipe).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise SearchError("The worker process was started without pipes; this is a defect of tfx-automl.")
        return pipe


def _read(number: int, stream: IO[bytes], inbox: Inbox) -> None:
    """Puts the worker's messages into the inbox, and at last that it has ended."""
    while True:
        try:
            inbox.put((number, pickle.load(stream)))
        except (EOFError, pickle.UnpicklingError, ValueError, OSError):  # a message may be torn off anywhere
            inbox.put((number, Ended()))
            return
        except Exception:  # for instance, a class that only the worker can import
            inbox.put((number, Broken(traceback.format_exc())))
            return
