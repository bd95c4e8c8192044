"""A convolutional network for small images."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.errors import ModelError
from tfx_automl.models.adam import FusedAdam
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.base import NetworkFamily
from tfx_automl.models.inputs import Image, InputSpec
from tfx_automl.search.parameters import Choice, Float, Int, Parameter, Point, Value

_SHIFT = 0.08  # share of the side
_SMALLEST_SIDE = 4  # below, there is nothing left to pool


class Cnn(NetworkFamily):
    """Blocks of a 3 x 3 convolution and pooling, doubling the filters, and a dense layer."""

    name = "cnn"

    def suits(self, inputs: InputSpec) -> bool:
        """For images."""
        return inputs.image is not None

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Blocks (as many as the images can be halved), filters, units, dropout, rate, batch, and random shifts."""
        image = _image_of(data)
        most, side = 1, min(image.height, image.width) // 2
        while side >= _SMALLEST_SIDE and most < 3:
            most, side = most + 1, side // 2
        return (
            Int("blocks", 1, most),
            Choice("filters", (16, 32, 48)),
            Choice("units", (64, 128, 256)),
            Float("dropout", 0.0, 0.5, step=0.1),
            Float("learning_rate", 3e-4, 3e-3, sampling="log"),
            Choice("batch_size", (32, 64, 128)),
            Choice("augmentation", ("none", "shift")),
        )

    def network_defaults(self, data: TrainingData) -> Sequence[Point]:
        """Two blocks, 32 and 64 filters, as far as the images are large enough."""
        blocks = next(p.max for p in self.network_parameters(data) if isinstance(p, Int) and p.name == "blocks")
        own: Point = {"blocks": min(2, int(blocks)), "filters": 32, "units": 128, "dropout": 0.3}
        return [{**own, "learning_rate": 1e-3, "batch_size": 64, "augmentation": "none"}]

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        image = _image_of(data)
        pixels = keras.Input((image.size,), dtype="uint8", name="image")
        hidden = keras.layers.Rescaling(1 / 255)(pixels)
        hidden = keras.layers.Reshape((image.height, image.width, image.channels))(hidden)
        if values["augmentation"] == "shift":
            hidden = keras.layers.RandomTranslation(_SHIFT, _SHIFT, fill_mode="nearest")(hidden)
        for block in range(int(values["blocks"])):
            filters = int(values["filters"]) * 2**block
            hidden = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(hidden)
            hidden = keras.layers.MaxPooling2D(padding="same")(hidden)
        hidden = keras.layers.Dense(int(values["units"]), activation="relu")(keras.layers.Flatten()(hidden))
        hidden = keras.layers.Dropout(float(values["dropout"]))(hidden)
        return keras.Model({"image": pixels}, keras.layers.Dense(data.task.num_outputs)(hidden))

    def batch_size(self, values: Mapping[str, Value]) -> int:
        """A hyperparameter."""
        return int(values["batch_size"])

    def optimizer(self, values: Mapping[str, Value]) -> FusedAdam:
        """Adam."""
        return FusedAdam(float(values["learning_rate"]))


def _image_of(data: TrainingData) -> Image:
    if data.inputs.image is None:
        raise ModelError("The model family cnn takes images, but the data has none; use a family for tables.")
    return data.inputs.image
