"""What the networks for tables have in common."""

from collections.abc import Mapping

from tfx_automl.models.adam import FusedAdam
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families.base import NetworkFamily
from tfx_automl.models.inputs import InputSpec
from tfx_automl.search.parameters import Choice, Float, Parameter, Point, Value

_FEW_ROWS = 5_000


class TabularNetwork(NetworkFamily):
    """A network for tables, trained by AdamW (Loshchilov and Hutter 2019).

    Attributes:
        rates: The range of the learning rate.
        rate: A learning rate that is often good.
    """

    rates = (3e-4, 1e-2)
    rate = 2e-3

    def suits(self, inputs: InputSpec) -> bool:
        """For tables."""
        return inputs.image is None

    def training_parameters(self, data: TrainingData) -> tuple[Parameter, ...]:
        """Returns learning rate, weight decay, batch size (by the number of rows), and the pieces of numbers."""
        numeric = (Choice("numeric_pieces", (0, 8, 16)),) if data.inputs.numeric else ()
        return (
            Float("learning_rate", *self.rates, sampling="log"),
            Float("weight_decay", 1e-6, 1e-1, sampling="log"),
            Choice("batch_size", self.batches(data)),
            *numeric,
        )

    def training_defaults(self, data: TrainingData, pieces: int) -> Point:
        """Returns values of these that are often good."""
        numeric: Point = {"numeric_pieces": pieces} if data.inputs.numeric else {}
        return {"learning_rate": self.rate, "weight_decay": 1e-3, "batch_size": self.batches(data)[-2], **numeric}

    def batches(self, data: TrainingData) -> tuple[int, ...]:
        """Returns the sizes of batches to choose from."""
        return (16, 32, 64) if data.rows < _FEW_ROWS else (128, 256, 512)

    def batch_size(self, values: Mapping[str, Value]) -> int:
        """A hyperparameter."""
        return int(values["batch_size"])

    def optimizer(self, values: Mapping[str, Value]) -> FusedAdam:
        """AdamW."""
        return FusedAdam(float(values["learning_rate"]), float(values["weight_decay"]), clip_norm=1.0)
