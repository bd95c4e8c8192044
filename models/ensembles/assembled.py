"""The models of an ensemble, trained, as one model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tfx_automl.models.data import Arrays
from tfx_automl.models.ensembles.ensemble import Ensemble
from tfx_automl.models.model import Graph, Predictor
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.job import EpochRecord

_ADDED_UP = ("parameters", "model_bytes")


class Assembled:
    """Predicts what the members of an ensemble predict together.

    Args:
        ensemble: How they are weighed.
        task: What they predict.
        members: In the order of the ensemble's members.
    """

    def __init__(self, ensemble: Ensemble, task: TaskSpec, members: Sequence[Predictor]) -> None:
        self._ensemble, self._task, self._members = ensemble, task, tuple(members)

    @property
    def records(self) -> list[EpochRecord]:
        """A single one: the epochs, seconds and sizes of all members together."""
        last = [member.records[-1] for member in self._members]
        sizes = {name: sum(record.metrics[name] for record in last) for name in _ADDED_UP}
        seconds = sum(record.seconds for member in self._members for record in member.records)
        return [EpochRecord(sum(record.epoch for record in last), sizes, seconds)]

    def predict(self, arrays: Arrays) -> npt.NDArray[np.float32]:
        """Returns probabilities or targets in the form that `metrics_of` takes."""
        return self._ensemble.predict(self._task, [member.predict(arrays) for member in self._members])

    def validation(self) -> npt.NDArray[np.float32]:
        """Returns the predictions of the rows that the members are evaluated on."""
        return self._ensemble.predict(self._task, [member.validation() for member in self._members])

    def graph(self) -> Graph:
        """Returns the ensemble as TensorFlow operations."""
        return self._ensemble.graph(self._task, [member.graph() for member in self._members])
