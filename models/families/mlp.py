"""A multi-layer perceptron for tables: embeddings of the categories beside hinges of the numbers."""

from collections.abc import Mapping
from typing import Any

from tfx_automl.models.adam import FusedAdam
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.base import NetworkFamily
from tfx_automl.models.inputs import InputSpec
from tfx_automl.search.parameters import Choice, Float, Int, Parameter, Value

_WIDEST_EMBEDDING = 32


class Mlp(NetworkFamily):
    """One to three dense layers; each number also enters through learned piecewise-linear functions.

    Hinges of the form relu(w·x + b) per number, in the spirit of Gorishniy et al., On Embeddings for Numerical Features
    in Tabular Deep Learning (2022), let a small network bend along each feature alone.
    """

    name = "mlp"

    def suits(self, inputs: InputSpec) -> bool:
        """For tables."""
        return inputs.image is None

    def network_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Depth, width, dropout, learning rate, weight decay and batch size; the latter by the number of rows."""
        batches = (32, 64) if data.rows < 5_000 else (128, 256, 512)
        numeric = (Choice("numeric_pieces", (0, 8, 16)),) if data.inputs.numeric else ()
        return (
            Int("layers", 1, 3),
            Choice("units", (32, 64, 128, 256)),
            Float("dropout", 0.0, 0.5, step=0.1),
            Float("learning_rate", 3e-4, 1e-2, sampling="log"),
            Float("weight_decay", 1e-6, 1e-2, sampling="log"),
            Choice("batch_size", batches),
            *numeric,
        )

    def build(self, values: Mapping[str, Value], data: TrainingData) -> Any:
        """Builds the network."""
        import keras

        inputs: dict[str, Any] = {}
        parts = []
        if data.inputs.numeric:
            inputs["numeric"] = keras.Input((len(data.inputs.numeric),), name="numeric")
            parts += _numbers(inputs["numeric"], int(values["numeric_pieces"]))
        if data.inputs.categorical:
            count = len(data.inputs.categorical)
            inputs["categorical"] = keras.Input((count,), dtype="int32", name="categorical")
            sizes = [size for _, size in data.inputs.categorical]
            parts += [_embedding(inputs["categorical"], column, size) for column, size in enumerate(sizes)]
        hidden = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        for _ in range(int(values["layers"])):
            hidden = keras.layers.Dense(int(values["units"]), activation="relu")(hidden)
            hidden = keras.layers.Dropout(float(values["dropout"]))(hidden)
        return keras.Model(inputs, keras.layers.Dense(data.task.num_outputs)(hidden))

    def batch_size(self, values: Mapping[str, Value]) -> int:
        """A hyperparameter."""
        return int(values["batch_size"])

    def optimizer(self, values: Mapping[str, Value]) -> Any:
        """AdamW (Loshchilov and Hutter 2019)."""
        return FusedAdam(float(values["learning_rate"]), float(values["weight_decay"]), clip_norm=1.0)


def _numbers(numeric: Any, pieces: int) -> list[Any]:
    """The numbers, held within ten standard deviations, and `pieces` learned hinges for each of them."""
    import keras

    # Values far outside of the training range must not decide alone; ReLU layers extrapolate without bound.
    held = keras.ops.clip(numeric, -10.0, 10.0)
    if not pieces:
        return [held]
    count = numeric.shape[1]
    columns = keras.layers.Reshape((count, 1))(held)
    # Kinks are spread over the usual range of a standardised number.
    kinks = keras.initializers.RandomUniform(-2.0, 2.0)
    hinges = keras.layers.EinsumDense(
        "bfi,fio->bfo", (count, pieces), bias_axes="fo", activation="relu", bias_initializer=kinks
    )
    return [held, keras.layers.Flatten()(hinges(columns))]


def _embedding(categorical: Any, column: int, size: int) -> Any:
    import keras

    width = min(_WIDEST_EMBEDDING, max(2, round(1.6 * size**0.56)))
    return keras.layers.Embedding(size, width)(categorical[:, column])
