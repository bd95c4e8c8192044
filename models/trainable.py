"""What a worker process of the search keeps: the data, and the models of the trials that it trained last."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from tfx_automl.models.data import open_data
from tfx_automl.models.training import Session, timed_epoch
from tfx_automl.search.job import EpochRecord, Job

_LIVE_TRIALS = 8


class ModelTrainable:
    """Trains trials of model families.

    A promoted trial that comes back to the same worker goes on in its compiled graph; elsewhere, or when it was pushed
    out by later ones, it is built again and continues from its checkpoint.

    Args:
        data_dir: What `models.data.prepare` wrote.
    """

    def __init__(self, data_dir: str) -> None:
        self._data = open_data(Path(data_dir))
        self._live: OrderedDict[int, Session] = OrderedDict()

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Trains from `job.start` to `job.stop`, reports every epoch, saves the checkpoint."""
        session = self._session(job)
        while session.epoch < job.stop:
            metrics, seconds = timed_epoch(session)
            report(EpochRecord(session.epoch, metrics, seconds))
        session.save(Path(job.checkpoint))
        self._live[job.trial_id] = session
        if len(self._live) > _LIVE_TRIALS:
            self._live.popitem(last=False)

    def _session(self, job: Job) -> Session:
        # Taken out while it trains: one that fails halfway must not be continued.
        live = self._live.pop(job.trial_id, None)
        if live is not None and live.epoch == job.start:
            return live
        session = Session(job.values, self._data, job.seed)
        if job.start:
            session.load(Path(job.checkpoint))
        if session.epoch != job.start:
            # Killed between the checkpoint and its ledger record: the epochs before are trained again.
            session = Session(job.values, self._data, job.seed)
            while session.epoch < job.start:
                session.train_epoch()
        return session


def make_trainable(data_dir: str, threads: int) -> ModelTrainable:
    """Makes the trainable inside a worker process.

    Args:
        data_dir: What `models.data.prepare` wrote.
        threads: Threads that TensorFlow may use in this process.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return ModelTrainable(data_dir)
