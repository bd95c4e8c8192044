"""Answers the workers of a stock search until the oracle has no more trials."""

from tfx_automl.components.tuner.stock.host import OracleHost
from tfx_automl.components.tuner.stock.messages import Broken, Call, Done, Ended, Epoch, FromWorker
from tfx_automl.components.tuner.stock.pool import WorkerPool
from tfx_automl.errors import SearchError

# For an oracle of the user's own that has no trial yet although none is running; KerasTuner's wait for running ones.
_SECONDS_UNTIL_ASKED_AGAIN = 1.0


class Service:
    """The loop of the parent process.

    Args:
        host: The oracle.
        pool: The workers.
        workers: How many there are.
    """

    def __init__(self, host: OracleHost, pool: WorkerPool, workers: int) -> None:
        self._host = host
        self._pool = pool
        self._active = set(range(workers))
        self._waiting: dict[int, Call] = {}
        self._started: set[int] = set()

    def run(self) -> None:
        """Serves until every worker is done.

        Raises:
            SearchError: Every trial failed, or a worker cannot run trials at all.
        """
        while self._active:
            message = self._pool.receive(self._patience())
            if message is not None:
                self._take(*message)
            if message is None or not isinstance(message[1], Epoch):
                self._ask_again()

    def _patience(self) -> float | None:
        return _SECONDS_UNTIL_ASKED_AGAIN if self._waiting and not self._host.running else None

    def _take(self, worker: int, message: FromWorker) -> None:
        if isinstance(message, Call):
            self._started.add(worker)
            self._answer(worker, message)
        elif isinstance(message, Epoch):
            self._host.note(worker, message)
        elif isinstance(message, Done):
            self._active.discard(worker)
        elif isinstance(message, Broken):
            raise SearchError(f"The tuner of the tuner_fn ended with an error:\n{message.traceback}")
        elif isinstance(message, Ended) and worker in self._active:
            self._replace(worker)

    def _answer(self, worker: int, call: Call) -> None:
        answer = self._host.answer(worker, call)
        if answer is None:
            self._waiting[worker] = call
        else:
            self._waiting.pop(worker, None)
            self._pool.send(worker, answer)

    def _ask_again(self) -> None:
        """Whatever was held back may be possible now."""
        for worker, call in list(self._waiting.items()):
            self._answer(worker, call)

    def _replace(self, worker: int) -> None:
        how = self._pool.how_ended(worker)
        if worker not in self._started:
            raise SearchError(f"A worker process {how} before its first trial; the log may say why.")
        self._waiting.pop(worker, None)
        self._host.lost(worker, how)
        self._pool.replace(worker)
