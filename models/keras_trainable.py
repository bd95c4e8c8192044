"""What a worker process keeps of a hypermodel, and what the search hands over at its end."""

import gc
from collections.abc import Sequence
from pathlib import Path

from tfx_automl import console
from tfx_automl.errors import ModelError, one_line
from tfx_automl.models.data import TrainingData, open_data
from tfx_automl.models.hypermodel import HyperModel
from tfx_automl.models.keras_session import KerasSession
from tfx_automl.models.trainable import LiveTrainable, limit_threads
from tfx_automl.search.job import Job
from tfx_automl.search.parameters import Point

MODEL_FILE = "model.keras"
_MEBIBYTE = 2**20


class KerasTrainable(LiveTrainable):
    """Trains trials of a hypermodel.

    Args:
        hypermodel: Its module path.
        data_dir: What `models.data.prepare` wrote.
        resident_bytes: The most bytes of training rows.
        measures: Metrics that an epoch must have, the objective first.

    Raises:
        ModelError: The hypermodel cannot be loaded, or the training rows are more than that.
    """

    # Nobody knows how large these models are, so fewer of them stay than of our own.
    live_trials = 3

    def __init__(self, hypermodel: str, data_dir: str, resident_bytes: int, measures: Sequence[str] = ()) -> None:
        super().__init__()
        self._data = open_data(Path(data_dir))
        self._hypermodel, self._measures = HyperModel(hypermodel), measures
        size = self._data.split("train").nbytes
        if size > resident_bytes:
            raise ModelError(
                f"The training rows have {size // _MEBIBYTE} MiB, but a worker may hold {resident_bytes // _MEBIBYTE}"
                " MiB of them; a hypermodel trains on rows in memory, so use fewer workers or rows, or a model family."
            )

    def start(self, job: Job) -> KerasSession:
        """Builds a model with the trial's values; the graphs of models that were pushed out are let go first."""
        gc.collect()
        return KerasSession(self._hypermodel, job.values, self._data, job.seed, self._measures)


def make_trainable(
    hypermodel: str, data_dir: str, threads: int, resident_bytes: int, measures: Sequence[str] = ()
) -> KerasTrainable:
    """Makes the trainable inside a worker process.

    Args:
        hypermodel: Its module path.
        data_dir: What `models.data.prepare` wrote.
        threads: Threads that TensorFlow may use in this process.
        resident_bytes: The most bytes of training rows.
        measures: Metrics that an epoch must have, the objective first.
    """
    limit_threads(threads)
    return KerasTrainable(hypermodel, data_dir, resident_bytes, measures)


def save_model(hypermodel: HyperModel, values: Point, data: TrainingData, folder: Path) -> None:
    """Writes the model of a checkpoint as `model.keras` beside it, as far as Keras can save it.

    Args:
        hypermodel: What built it.
        values: Its hyperparameters.
        data: The training data.
        folder: Where its checkpoint is.
    """
    session = KerasSession(hypermodel, values, data, seed=0)
    session.load(folder)
    try:
        session.model.save(folder / MODEL_FILE)
    except (NotImplementedError, TypeError, ValueError) as error:  # a class of the user that Keras cannot describe
        (folder / MODEL_FILE).unlink(missing_ok=True)
        console.line(f"  {MODEL_FILE} is left out, since Keras cannot save this model: {one_line(error)}")
