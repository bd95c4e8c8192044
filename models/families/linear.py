"""A linear model: of the numbers, or piecewise linear in each of them, and of every category."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.columns import linear_terms, table_inputs, total
from tfx_automl.models.families.tabular import TabularNetwork
from tfx_automl.search.parameters import Parameter, Point, Value


class Linear(TabularNetwork):
    """Logistic, softmax or least-squares regression; with pieces, a generalised additive model."""

    name = "linear"
    rates = (3e-3, 1e-1)
    rate = 2e-2

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Only those of the training."""
        return self.training_parameters(data)

    def network_defaults(self, data: TrainingData) -> Sequence[Point]:
        """Plainly linear."""
        return [self.training_defaults(data, 0)]

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        inputs = table_inputs(data)
        return keras.Model(inputs, total(linear_terms(inputs, data, int(values.get("numeric_pieces", 0)))))
