"""A multi-layer perceptron for tables: embeddings of the categories beside hinges of the numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.columns import side_by_side, table_inputs
from tfx_automl.models.families.tabular import TabularNetwork
from tfx_automl.search.parameters import Choice, Float, Int, Parameter, Point, Value


class Mlp(TabularNetwork):
    """One to three dense layers; each number also enters through learned piecewise-linear functions."""

    name = "mlp"

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Depth, width, dropout, and those of the training."""
        return (
            Int("layers", 1, 3),
            Choice("units", (32, 64, 128, 256)),
            Float("dropout", 0.0, 0.5, step=0.1),
            *self.training_parameters(data),
        )

    def network_defaults(self, data: TrainingData) -> Sequence[Point]:
        """Two layers of 128 units, a little dropout."""
        return [{"layers": 2, "units": 128, "dropout": 0.2, **self.training_defaults(data, 8)}]

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        inputs = table_inputs(data)
        hidden = side_by_side(inputs, data, int(values.get("numeric_pieces", 0)))
        for _ in range(int(values["layers"])):
            hidden = keras.layers.Dense(int(values["units"]), activation="relu")(hidden)
            hidden = keras.layers.Dropout(float(values["dropout"]))(hidden)
        return keras.Model(inputs, keras.layers.Dense(data.task.num_outputs)(hidden))
