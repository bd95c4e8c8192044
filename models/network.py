"""What a family of neural networks has to say; training them is the same for all."""

import abc
from collections.abc import Mapping
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.search.parameters import Value


class Architecture(abc.ABC):
    """How to build a network from chosen values, and with what to train it."""

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
