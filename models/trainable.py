"""What a worker process of the search keeps: the data, and the models of the trials that it trained last."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from tfx_automl.models.data import open_data
from tfx_automl.models.feeding import Feed
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.training import Session
from tfx_automl.search.job import EpochRecord, Job, StopTraining

_LIVE_TRIALS = 8


class ModelTrainable:
    """Trains trials of model families.

    A promoted trial that comes back to the same worker goes on in its compiled graph; elsewhere, or when it was pushed
    out by later ones, it is built again and continues from its checkpoint.

    Args:
        data_dir: What `models.data.prepare` wrote.
        resident_bytes: The most bytes of training rows to keep in memory; see `Feed`.
        measures: Further metrics of an epoch; see `Session`.
    """

    def __init__(self, data_dir: str, resident_bytes: int, measures: Sequence[str] = ()) -> None:
        self._data = open_data(Path(data_dir))
        self._feed = Feed(self._data, resident_bytes)
        self._measures = measures
        self._gaps = GapMeter(self._data, measures)
        self._live: OrderedDict[str, Session] = OrderedDict()

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        """Trains from `job.start` to `job.stop`; every epoch is saved, and then reported."""
        session = self._session(job)
        try:
            for record in session.records[job.start :]:  # saved, but the search was killed before it heard of them
                report(record)
            while session.epoch < job.stop:
                record = session.train_epoch(job.rows_at(session.epoch + 1))
                session.save(Path(job.checkpoint))
                report(record)
        except StopTraining:
            self._keep(job, session)
            raise
        self._keep(job, session)

    def _keep(self, job: Job, session: Session) -> None:
        self._live[job.checkpoint] = session
        if len(self._live) > _LIVE_TRIALS:
            self._live.popitem(last=False)

    def _session(self, job: Job) -> Session:
        # Taken out while it trains: one that fails halfway must not be continued.
        live = self._live.pop(job.checkpoint, None)
        if live is not None and live.epoch == job.start:
            return live
        session = Session(job.values, self._data, job.seed, self._feed, self._measures, self._gaps)
        if job.start and Path(job.checkpoint).is_dir():
            session.load(Path(job.checkpoint))
        while session.epoch < job.start:  # its checkpoint was deleted: the epochs before are trained again
            session.train_epoch(job.rows_at(session.epoch + 1))
        return session


def make_trainable(data_dir: str, threads: int, resident_bytes: int, measures: Sequence[str] = ()) -> ModelTrainable:
    """Makes the trainable inside a worker process.

    Args:
        data_dir: What `models.data.prepare` wrote.
        threads: Threads that TensorFlow may use in this process.
        resident_bytes: The most bytes of training rows to keep in memory; see `Feed`.
        measures: Further metrics of an epoch; see `Session`.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return ModelTrainable(data_dir, resident_bytes, measures)
