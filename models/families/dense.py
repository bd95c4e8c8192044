"""The network of the hyperparameter lab: one dense layer between the pixels and the classes."""

from collections.abc import Mapping
from typing import Any

from tfx_automl.models.adam import FusedAdam
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.base import NetworkFamily
from tfx_automl.models.inputs import InputSpec
from tfx_automl.search.parameters import Choice, Int, Parameter, Value

_BATCH = 32


class Dense(NetworkFamily):
    """Flatten → Dense(units, relu) → Dense(classes), trained with Adam and batches of 32."""

    name = "dense"

    def suits(self, inputs: InputSpec) -> bool:
        """For images."""
        return inputs.image is not None

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Units from 32 to 512 in steps of 32, and three learning rates."""
        del data
        return Int("units", 32, 512, step=32), Choice("learning_rate", (1e-2, 1e-3, 1e-4))

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        image = data.inputs.image
        pixels = keras.Input((image.size if image else 0,), dtype="uint8", name="image")
        hidden = keras.layers.Rescaling(1 / 255)(pixels)
        hidden = keras.layers.Dense(int(values["units"]), activation="relu")(hidden)
        return keras.Model({"image": pixels}, keras.layers.Dense(data.task.num_outputs)(hidden))

    def batch_size(self, values: Mapping[str, Value]) -> int:
        """32, the default of Keras."""
        del values
        return _BATCH

    def optimizer(self, values: Mapping[str, Value]) -> Any:
        """Adam."""
        return FusedAdam(float(values["learning_rate"]))
