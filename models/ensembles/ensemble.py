"""What an ensemble is made of, and how it predicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ConfigError, require
from tfx_automl.models.ensembles import stacking
from tfx_automl.models.folds import mean_graph
from tfx_automl.models.model import Graph
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.parameters import Point

Weighing = Literal["greedy", "stacking"]


@dataclass(frozen=True)
class Member:
    """One model of an ensemble.

    Attributes:
        trial_id: The trial that found it.
        values: Its hyperparameters.
        epochs: How long it was trained.
        seed: Where its randomness started.
        weight: Above 0.
    """

    trial_id: int
    values: Point
    epochs: int
    seed: int
    weight: float

    def __post_init__(self) -> None:
        require((self.weight > 0, f"weight: expected a number above 0, got {self.weight}."))


@dataclass(frozen=True)
class Ensemble:
    """Several models that predict together.

    Attributes:
        weighing: `greedy`: the weighted mean of probabilities or targets, with weights that sum to 1; `stacking`: a
            weighted sum of log-odds (logarithms of probabilities for more than two classes, targets for regression).
        members: Two models or more, the one with the largest weight first.
        score: The objective of the ensemble on the rows that trials are judged on.
        best_single: The objective of the best trial on the same rows.
    """

    weighing: Weighing
    members: tuple[Member, ...]
    score: float
    best_single: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        require(
            (self.weighing in get_args(Weighing), f"weighing: expected greedy or stacking, got {self.weighing!r}."),
            (len(self.members) > 1, f"members: expected 2 or more, got {len(self.members)}."),
        )

    @property
    def weights(self) -> list[float]:
        """The weight of each member."""
        return [member.weight for member in self.members]

    def predict(self, task: TaskSpec, predictions: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Returns what the ensemble predicts from what each member does."""
        return weighed(self.weighing, task, predictions, np.array(self.weights))

    def graph(self, task: TaskSpec, graphs: Sequence[Graph]) -> Graph:
        """Returns the ensemble as one graph, from those of its members."""
        if self.weighing == "greedy":
            return mean_graph(graphs, self.weights)

        def predict(columns: Mapping[str, Any]) -> Any:
            return stacking.combine_tensors(task, [graph.predict(columns) for graph in graphs], self.weights)

        return Graph(predict, tuple(variable for graph in graphs for variable in graph.variables))

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Ensemble":
        """Reads what `dataclasses.asdict` made of an ensemble.

        Raises:
            ConfigError: It is not an ensemble.
        """
        try:
            members = tuple(Member(**member) for member in values["members"])
            return cls(**{**values, "members": members})
        except (KeyError, TypeError) as error:
            raise ConfigError(f"An ensemble with weighing and members was expected; got {values!r}.") from error


def weighed(
    weighing: Weighing,
    task: TaskSpec,
    predictions: Sequence[npt.NDArray[np.float32]],
    weights: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Returns the prediction of several models together; see `Ensemble` for how."""
    if weighing == "stacking":
        return stacking.combine(task, predictions, weights)
    total = np.tensordot(weights / weights.sum(), np.stack(predictions).astype(np.float64), axes=1)
    return total.astype(np.float32)
