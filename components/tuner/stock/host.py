"""The one oracle of a stock search, in the parent process, and what is remembered of every trial."""

import hashlib
import pickle
import time
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from tfx_automl import console
from tfx_automl.components.tuner.stock.messages import Answer, Call, Epoch
from tfx_automl.components.tuner.stock.snapshot import Snapshot, TrialRecord
from tfx_automl.errors import SearchError


class NothingWorks(SearchError):  # noqa: N818 - it is no other error than its base, only told apart
    """Every trial failed, so the search is over without a result."""


class OracleHost:
    """Calls the oracle for the workers; saves it after every trial that begins or ends.

    Args:
        oracle: The oracle of a new search. If there is a snapshot, the oracle of that is taken instead, and the trials
            that were running are queued again.
        snapshot: Where it is saved.

    Attributes:
        oracle: The oracle.
        records: What KerasTuner does not remember of its trials, by id.
    """

    def __init__(self, oracle: Any, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._running: dict[int, str] = {}
        self._since: dict[int, float] = {}
        # KerasTuner would end the whole search at so many failures in a row, and lose its finished trials. Here it goes
        # on if there is one: see `_give_up_if_nothing_works`.
        self._patience = oracle.max_consecutive_failed_trials
        self.oracle, self.records = snapshot.load() if snapshot.exists else (oracle, {})
        self.oracle.max_consecutive_failed_trials = None
        self.oracle.verbose = 0
        self._queue_again()

    @property
    def running(self) -> bool:
        """Whether any trial is running."""
        return bool(self._running)

    @property
    def completed(self) -> list[Trial]:
        """The completed trials, best first."""
        trials = self.oracle.get_best_trials(len(self.oracle.trials))
        return [trial for trial in trials if trial.status == TrialStatus.COMPLETED]

    def answer(self, worker: int, call: Call) -> Answer | None:
        """Calls the oracle for a worker.

        Returns:
            What to answer; None if there is no trial yet, so that the worker has to wait until another trial has ended.

        Raises:
            SearchError: Every trial failed.
        """
        try:
            if call.method == "create_trial":
                return self._create(worker)
            value = getattr(self.oracle, call.method)(*call.arguments, **call.keywords)
        except Exception as error:  # the worker's tuner deals with it, as if the oracle were its own
            return Answer(error=_portable(error))
        if call.method == "end_trial":
            self._ended(worker)
        return Answer(value)

    def note(self, worker: int, epoch: Epoch) -> None:
        """Adds an epoch to the curve of the worker's trial."""
        if worker not in self._running:  # a tuner of the user's own may train outside of trials
            return
        curve = self.records[self._running[worker]].curve
        seconds = time.monotonic() - self._since[worker] - sum(entry["seconds"] for entry in curve)
        curve.append({"epoch": epoch.epoch, "seconds": round(seconds, 4), **epoch.metrics})

    def lost(self, worker: int, how: str) -> None:
        """Ends the trial of a worker that is gone; the oracle tries it again if it has retries left.

        Raises:
            SearchError: Every trial failed.
        """
        if worker in self._running:
            trial = self.oracle.trials[self._running[worker]]
            trial.status, trial.message = TrialStatus.INVALID, f"The worker process {how}."
            self.oracle.end_trial(trial)
            self._ended(worker)

    def _create(self, worker: int) -> Answer | None:
        trial = self.oracle.create_trial(f"worker{worker}")
        if trial.status == TrialStatus.IDLE:
            return None
        if trial.status == TrialStatus.STOPPED:
            return Answer(trial)
        # One that runs again starts without what it left: the tuner would take that for its result.
        trial.metrics, trial.message = type(trial.metrics)(), None
        record = TrialRecord(worker, self._seed(trial.trial_id))
        self.records[trial.trial_id] = record
        self._running[worker], self._since[worker] = trial.trial_id, time.monotonic()
        self._snapshot.save(self.oracle, self.records)
        return Answer(trial, seed=record.seed)

    def _ended(self, worker: int) -> None:
        trial = self.oracle.trials[self._running.pop(worker)]
        self.records[trial.trial_id].seconds = round(time.monotonic() - self._since[worker], 4)
        if trial.status in (TrialStatus.FAILED, TrialStatus.INVALID) and not trial.message:
            trial.message = f"Its {self.oracle.objective.name} is not a number."
        self._snapshot.save(self.oracle, self.records)
        console.line(self._line(trial))
        self._give_up_if_nothing_works()

    def _give_up_if_nothing_works(self) -> None:
        trials = list(self.oracle.trials.values())
        failed = [trial for trial in trials if trial.status == TrialStatus.FAILED]
        if not self.completed and self._patience and len(failed) >= self._patience:
            raise self.nothing_works()

    def nothing_works(self) -> NothingWorks:
        """Returns the error for a search in which no trial was completed."""
        failed = [self.oracle.trials[name] for name in self.oracle.end_order]
        if not failed:
            return NothingWorks("The oracle of the tuner_fn ended the search before the first trial.")
        return NothingWorks(
            f"All of the first {len(failed)} trials failed, so the search was ended; at least one must succeed. Trial"
            f" {failed[-1].trial_id} says:\n{failed[-1].message}"
        )

    def _queue_again(self) -> None:
        """As `Oracle.reload` does; the queue is read from its end."""
        interrupted = sorted((trial.trial_id for trial in self.oracle.ongoing_trials.values()), reverse=True)
        self.oracle._retry_queue.extend(interrupted)
        self.oracle.ongoing_trials = {}

    def _seed(self, trial_id: str) -> int:
        digest = hashlib.sha256(f"{self.oracle.seed}/{trial_id}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % 2**31

    def _line(self, trial: Trial) -> str:
        """Returns how a trial ended: epochs, score, the best score so far, hyperparameters, seconds."""
        record = self.records[trial.trial_id]
        head = f"  trial {trial.trial_id}  epochs {len(record.curve)}"
        if trial.status != TrialStatus.COMPLETED:
            again = "" if trial.status == TrialStatus.FAILED else "; it is tried again"
            return f"{head}  failed: {trial.message.strip().splitlines()[-1]}{again}"
        score = f"{self.oracle.objective.name} {trial.score:.4f} (best {self.completed[0].score:.4f})"
        return f"{head}  {score}  {_values(trial)}  {record.seconds:.1f} s"


def _portable(error: Exception) -> Exception:
    """Returns the error itself if it survives the way to the worker, which not every class of errors does."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return SearchError(f"{type(error).__name__}: {error}")
    return error


def _values(trial: Trial) -> str:
    shown = {name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")}
    return " ".join(f"{k}={f'{v:.3g}' if isinstance(v, float) else v}" for k, v in shown.items())
