"""Wide & deep: a linear model of crossed categories beside a network (Cheng et al. 2016)."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.columns import crossed_terms, linear_terms, side_by_side, table_inputs, total
from tfx_automl.models.families.tabular import TabularNetwork
from tfx_automl.models.inputs import InputSpec
from tfx_automl.search.parameters import Choice, Float, Int, Parameter, Point, Value


class WideDeep(TabularNetwork):
    """The wide part remembers single categories and their crossings, the deep part generalises; both train together."""

    name = "wide_deep"

    def suits(self, inputs: InputSpec) -> bool:
        """For tables with categories: without, the wide part would have nothing to remember."""
        return inputs.image is None and bool(inputs.categorical)

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Crossings or not; depth, width and dropout of the deep part; and those of the training."""
        return (
            Choice("crossings", ("none", "pairs")),
            Int("layers", 1, 3),
            Choice("units", (32, 64, 128, 256)),
            Float("dropout", 0.0, 0.5, step=0.1),
            *self.training_parameters(data),
        )

    def network_defaults(self, data: TrainingData) -> Sequence[Point]:
        """With crossings, beside two layers of 64 units."""
        own: Point = {"crossings": "pairs", "layers": 2, "units": 64, "dropout": 0.2}
        return [{**own, **self.training_defaults(data, 8)}]

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        inputs = table_inputs(data)
        wide = linear_terms(inputs, data)
        if values["crossings"] == "pairs":
            wide += crossed_terms(inputs, data)
        hidden = side_by_side(inputs, data, int(values.get("numeric_pieces", 0)))
        for _ in range(int(values["layers"])):
            hidden = keras.layers.Dense(int(values["units"]), activation="relu")(hidden)
            hidden = keras.layers.Dropout(float(values["dropout"]))(hidden)
        return keras.Model(inputs, total([*wide, keras.layers.Dense(data.task.num_outputs)(hidden)]))
