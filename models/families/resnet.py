"""A residual network for tables (Gorishniy et al., Revisiting Deep Learning Models for Tabular Data, 2021)."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.columns import side_by_side, table_inputs
from tfx_automl.models.families.tabular import TabularNetwork
from tfx_automl.search.parameters import Choice, Float, Int, Parameter, Point, Value


class ResNet(TabularNetwork):
    """Blocks x + dropout(dense(dropout(relu(dense(norm(x)))))) between two dense layers.

    Layers are normalised where the paper normalises batches, so that a row's prediction depends on that row alone, in
    training as in serving.
    """

    name = "resnet"
    rates = (1e-4, 5e-3)
    rate = 1e-3

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Blocks, width, how much wider a block is inside, dropout, and those of the training."""
        return (
            Int("blocks", 1, 4),
            Choice("units", (32, 64, 128, 192)),
            Choice("expansion", (1, 2)),
            Float("dropout", 0.0, 0.5, step=0.1),
            *self.training_parameters(data),
        )

    def network_defaults(self, data: TrainingData) -> Sequence[Point]:
        """Two blocks of 128 units."""
        return [{"blocks": 2, "units": 128, "expansion": 1, "dropout": 0.2, **self.training_defaults(data, 8)}]

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        inputs = table_inputs(data)
        units, inside = int(values["units"]), int(values["units"]) * int(values["expansion"])
        hidden = keras.layers.Dense(units)(side_by_side(inputs, data, int(values.get("numeric_pieces", 0))))
        for _ in range(int(values["blocks"])):
            hidden = _block(hidden, units, inside, float(values["dropout"]))
        hidden = keras.layers.ReLU()(keras.layers.LayerNormalization()(hidden))
        return keras.Model(inputs, keras.layers.Dense(data.task.num_outputs)(hidden))


def _block(hidden: Any, units: int, inside: int, dropout: float) -> Any:
    import keras

    branch = keras.layers.Dense(inside, activation="relu")(keras.layers.LayerNormalization()(hidden))
    branch = keras.layers.Dense(units)(keras.layers.Dropout(dropout)(branch))
    return keras.layers.Add()([hidden, keras.layers.Dropout(dropout)(branch)])
