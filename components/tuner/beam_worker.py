"""What runs inside a Beam worker: takes one job, and gives it to a worker process of ours.

Beam runs the elements of a step in threads of one process, which would share one TensorFlow. In worker processes jobs
have their own, with the thread counts and the memory limit of their setup. The processes are kept between jobs, and
between waves as far as Beam keeps its own process, so that data and compiled graphs stay; they end with that process,
because their pipes do.

Beam imports this module when a step starts, so it imports nothing heavy, not even Beam.
"""

import contextlib
import itertools
import os
import pickle
import platform
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tfx_automl.components.tuner.beam_files import JobLog, WaveIsOver
from tfx_automl.errors import SearchError
from tfx_automl.search.job import EpochRecord, Job, Result
from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup


@dataclass(frozen=True)
class Order:
    """An element of the Beam step.

    Attributes:
        job: What to do.
        wave: Folder for what happens.
        key: Identifies the setup.
        setup: How worker processes are started.
    """

    job: Job
    wave: str
    key: str
    setup: WorkerSetup


class _Worker:
    """A worker process, and what it trained last."""

    def __init__(self, number: int, setup: WorkerSetup) -> None:
        self.name = f"{_name()}-{number}"
        self.runner = ProcessRunner(setup, 1)
        self.last_trial: int | None = None


class _Pool:
    """The worker processes of this Beam worker, by the key of their setup; as many as there are jobs at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._all: dict[str, list[_Worker]] = {}
        self._idle: dict[str, list[_Worker]] = {}

    @contextlib.contextmanager
    def worker(self, order: Order) -> Iterator[_Worker]:
        """Lends a worker to one thread; one that was left in trouble is ended."""
        worker = self._take(order)
        try:
            yield worker
        except BaseException:
            self._forget(order.key, worker)
            raise
        self._give_back(order, worker)

    def close(self, key: str) -> None:
        """Ends the workers of a setup, running jobs included."""
        with self._lock:
            workers = self._all.pop(key, [])
            self._idle.pop(key, None)
        for worker in workers:
            worker.runner.close()

    def _take(self, order: Order) -> _Worker:
        """Returns the worker that knows the trial, if it is idle, else another idle one, else a new one."""
        with self._lock:
            idle = self._idle.setdefault(order.key, [])
            if idle:
                known = [worker for worker in idle if worker.last_trial == order.job.trial_id]
                idle.remove(worker := (known or idle)[0])
            else:
                worker = _Worker(next(self._numbers), order.setup)
                self._all.setdefault(order.key, []).append(worker)
            worker.last_trial = order.job.trial_id
            return worker

    def _give_back(self, order: Order, worker: _Worker) -> None:
        with self._lock:
            if worker in self._all.get(order.key, []):
                self._idle[order.key].append(worker)
                return
        worker.runner.close()  # the pool was closed meanwhile

    def _forget(self, key: str, worker: _Worker) -> None:
        with self._lock:
            if worker in self._all.get(key, []):
                self._all[key].remove(worker)
        worker.runner.close()


_pool = _Pool()


def run_order(pickled: bytes) -> None:
    """Runs one job; everything that happens goes into its file.

    Args:
        pickled: An `Order`. Bytes are bytes for every version of Beam and every runner; data classes are not.

    Raises:
        WaveIsOver: The folder of the wave is not there, or not any more.
    """
    order: Order = pickle.loads(pickled)
    log = JobLog(Path(order.wave), order.job, _name())
    if log.finished:  # Beam tries again what it believes to be lost
        return
    try:
        result = _run(order, log)
    except WaveIsOver:
        raise
    except SearchError as error:  # worker processes cannot start: another try would not help
        log.refuse(str(error))
    else:
        log.finish(result)


def _run(order: Order, log: JobLog) -> Result:
    def tell(job: Job, record: EpochRecord) -> bool:
        log.epoch(record)
        return True

    with _pool.worker(order) as worker:
        worker.runner.submit(order.job)
        return replace(worker.runner.wait(tell), worker=worker.name)


def _name() -> str:
    return f"{platform.node()}-{os.getpid()}"


def close_workers(key: str) -> None:
    """Ends the worker processes of a setup in this process, if it is a Beam worker."""
    _pool.close(key)
