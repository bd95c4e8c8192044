"""What a worker process of the search keeps: the data, and the models of the trials that it trained last."""

import abc
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfx_automl.models.data import open_data
from tfx_automl.models.ensembles.predictions import write_validation
from tfx_automl.models.families import start_model
from tfx_automl.models.folds import folds_for
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.model import InTraining, Model, Workplace
from tfx_automl.search.job import EpochRecord, Job, StopTraining


class LiveTrainable(abc.ABC):
    """Trains trials; a subclass says how one begins.

    A promoted trial that comes back to the same worker goes on in its compiled graph; elsewhere, or when it was pushed
    out by later ones, it is built again and continues from its checkpoint.

    Attributes:
        live_trials: How many models stay.
    """

    live_trials = 8

    def __init__(self) -> None:
        self._live: OrderedDict[str, InTraining] = OrderedDict()

    @abc.abstractmethod
    def start(self, job: Job) -> InTraining:
        """Returns an untrained model of a trial."""

    def end(self, job: Job, session: Any) -> None:
        """Called when a job has come to its end, or was told to stop; does nothing here."""
        del job, session

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

    def _keep(self, job: Job, session: InTraining) -> None:
        self.end(job, session)
        self._live[job.checkpoint] = session
        if len(self._live) > self.live_trials:
            self._live.popitem(last=False)

    def _session(self, job: Job) -> InTraining:
        # Taken out while it trains: one that fails halfway must not be continued.
        live = self._live.pop(job.checkpoint, None)
        if live is not None and live.epoch == job.start:
            return live
        session = self.start(job)
        if job.start and Path(job.checkpoint).is_dir():
            session.load(Path(job.checkpoint))
        while session.epoch < job.start:  # its checkpoint was deleted: the epochs before are trained again
            session.train_epoch(job.rows_at(session.epoch + 1))
        return session


class ModelTrainable(LiveTrainable):
    """Trains trials of model families.

    Args:
        data_dir: What `models.data.prepare` wrote.
        resident_bytes: The most bytes of training rows to keep in memory; see `Feed`.
        measures: Further metrics of an epoch; see `Workplace`.
        steps: The most steps of an epoch; see `Feed`.
        folds: Into how many folds to cut the rows; None decides by their number, see `folds_for`.
        keep_predictions: Whether to write the predictions of the rows that trials are judged on, at the end of each
            job; ensembles are made of them.
        threshold: Of a binary task; see `Workplace`.
    """

    def __init__(
        self,
        data_dir: str,
        resident_bytes: int,
        measures: Sequence[str] = (),
        steps: int | None = None,
        folds: int | None = 1,
        keep_predictions: bool = False,
        threshold: float | str = DECISION_THRESHOLD,
    ) -> None:
        super().__init__()
        self._keep_predictions = keep_predictions
        data = open_data(Path(data_dir))
        count = folds_for(data, folds, measures)
        self._workplace = Workplace(data, measures, resident_bytes, steps, count, threshold=threshold)

    @property
    def images(self) -> bool:
        """Whether the models see images."""
        return self._workplace.data.inputs.image is not None

    def start(self, job: Job) -> Model:
        """Begins a model of the trial's family."""
        return start_model(job.values, job.seed, self._workplace)

    def end(self, job: Job, session: Any) -> None:
        """Writes the predictions, if they are wanted."""
        if self._keep_predictions:
            write_validation(Path(job.checkpoint), session.epoch, session.validation())


def make_trainable(
    data_dir: str,
    threads: int,
    resident_bytes: int,
    measures: Sequence[str] = (),
    steps: int | None = None,
    folds: int | None = 1,
    keep_predictions: bool = False,
    threshold: float | str = DECISION_THRESHOLD,
) -> ModelTrainable:
    """Makes the trainable inside a worker process.

    Args:
        data_dir: What `models.data.prepare` wrote.
        threads: Threads that TensorFlow may use in this process.
        resident_bytes: The most bytes of training rows to keep in memory; see `Feed`.
        measures: Further metrics of an epoch; see `Workplace`.
        steps: The most steps of an epoch; see `Feed`.
        folds: Into how many folds to cut the rows; None decides by their number, see `folds_for`.
        keep_predictions: Whether to write the predictions of the rows that trials are judged on, at the end of each
            job; ensembles are made of them.
        threshold: Of a binary task; see `Workplace`.
    """
    limit_threads(threads)
    trainable = ModelTrainable(data_dir, resident_bytes, measures, steps, folds, keep_predictions, threshold)
    if not trainable.images:
        _skip_graph_optimizer()
    return trainable


def _skip_graph_optimizer() -> None:
    """Leaves graphs as they are traced.

    Networks for tables are small: TensorFlow's optimizer of graphs takes longer than what it saves in an epoch.
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def limit_threads(threads: int) -> None:
    """Sets how many threads TensorFlow may use in this process, before it is used."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
