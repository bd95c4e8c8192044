"""What a model family is."""

import abc
from collections.abc import Mapping, Sequence

from tfx_automl.models.data import TrainingData
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.losses import loss_defaults, loss_parameters
from tfx_automl.models.model import Model, Workplace
from tfx_automl.models.network import Architecture
from tfx_automl.models.training import Session
from tfx_automl.search.parameters import Parameter, Point, Value


class Family(abc.ABC):
    """A kind of model: what may vary, and how a model begins from chosen values.

    Attributes:
        name: Short name; stands in every point of the space as the hyperparameter `family`.
    """

    name: str

    @abc.abstractmethod
    def suits(self, inputs: InputSpec) -> bool:
        """Tells whether the family can take these inputs."""

    @abc.abstractmethod
    def parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Returns what may vary, beside the family's name."""

    def defaults(self, data: TrainingData) -> Sequence[Point]:
        """Returns points (without the family's name) that are often good, to be tried first; the best guess first."""
        del data
        return ()

    def memory(self, data: TrainingData) -> int:
        """Returns about how many bytes a model needs in training, beyond the rows; 0 where this is little."""
        del data
        return 0

    @abc.abstractmethod
    def start(self, values: Mapping[str, Value], seed: int, workplace: Workplace) -> Model:
        """Returns an untrained model.

        Args:
            values: A point of the space.
            seed: Where its randomness starts: the same values, data and seed give the same model on one thread.
            workplace: The data, and what models share.
        """


class NetworkFamily(Family, Architecture):
    """A family of neural networks: a subclass says what may vary and how to build."""

    def parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Returns what may vary about the network, and about its loss."""
        return (*self.network_parameters(data), *loss_parameters(data, network=True))

    @abc.abstractmethod
    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Returns what may vary about the network and its training."""

    def network_defaults(self, data: TrainingData) -> Sequence[Point]:
        """Returns values of these parameters that are often good."""
        del data
        return ()

    def defaults(self, data: TrainingData) -> Sequence[Point]:
        """Returns the network's, with the usual loss."""
        return [{**point, **loss_defaults(data, network=True)} for point in self.network_defaults(data)]

    def start(self, values: Mapping[str, Value], seed: int, workplace: Workplace) -> Session:
        """Builds the network."""
        return Session(self, values, seed, workplace)
