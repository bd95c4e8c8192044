"""What a model family is."""

import abc
from collections.abc import Mapping
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.inputs import InputSpec
from tfx_automl.search.parameters import Fixed, Parameter, Value
from tfx_automl.search.space import Space


class Family(abc.ABC):
    """A kind of model: what may vary, and how to build one from chosen values.

    Attributes:
        name: Short name; stands in every point of the space as the hyperparameter `family`.
    """

    name: str

    @abc.abstractmethod
    def suits(self, inputs: InputSpec) -> bool:
        """Tells whether the family can take these inputs."""

    @abc.abstractmethod
    def parameters(self, inputs: InputSpec, rows: int) -> tuple[Parameter, ...]:
        """Returns what may vary.

        Args:
            inputs: What the model will see.
            rows: Number of training rows.
        """

    @abc.abstractmethod
    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the untrained `keras.Model`.

        Args:
            values: A point of the space.
            data: Inputs, task and the scale of the target.

        Returns:
            A model of `{"numeric", "categorical", "image"}` (each only if there are such columns, as in `Arrays`) that
            returns logits, shape [rows, 1] or [rows, classes], or for regression the target in units of its standard
            deviation from its mean, shape [rows, 1].
        """

    @abc.abstractmethod
    def batch_size(self, values: Mapping[str, Value]) -> int:
        """Returns the number of rows per step."""

    @abc.abstractmethod
    def optimizer(self, values: Mapping[str, Value]) -> Any:
        """Returns the optimizer: a `FusedAdam`, or a `keras.optimizers.Optimizer`."""

    def space(self, inputs: InputSpec, rows: int) -> Space:
        """Returns the search space, with the family's name in it."""
        return Space((Fixed("family", self.name), *self.parameters(inputs, rows)))
