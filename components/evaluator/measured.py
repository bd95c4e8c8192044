"""What is measured of a slice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.intervals import Interval, metric_interval
from tfx_automl.components.evaluator.predictions import Value

SliceKey = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Model:
    """How a model does on the rows of a slice.

    Attributes:
        metrics: By name, see `slices.METRICS`; NaN where a metric is not defined.
        samples: The same metrics in each replicate of the bootstrap, shape [replicates]; empty without a bootstrap.
    """

    metrics: Mapping[str, float]
    samples: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def interval(self, name: str) -> Interval | None:
        """Returns the confidence interval of a metric; None if there is none."""
        return metric_interval(name, self.metrics.get(name), self.samples.get(name))

    def minus(self, other: "Model", name: str) -> tuple[float, Interval | None]:
        """Returns how much larger a metric is than another model's, and the interval of that."""
        value = self.metrics[name] - other.metrics[name]
        drawn = [model.samples[name] for model in (self, other) if name in model.samples]
        with np.errstate(invalid="ignore"):  # a calibration without positive rows is infinite, of both
            differences = drawn[0] - drawn[1] if len(drawn) == 2 else None
        return value, metric_interval(f"difference:{name}", value, differences)


@dataclass(frozen=True)
class Measured:
    """One slice.

    Attributes:
        key: Its features and values in TFMA's order, by the name of the feature; empty for all rows.
        rows: How many it has.
        model: The model that is evaluated.
        confusion: Of a multiclass task: how many rows of one class (index) were predicted as another, where any were.
        histogram: Of a binary task, shape [101, 3], see `columnar.curves`.
        other: The model that it is compared with, such as the last blessed one, in the same replicates.
        flips: How often the two decide differently, see `columnar.flips`.
        at_common: Where rows have thresholds by group: the metrics of decisions if all had the common one.
    """

    key: SliceKey
    rows: int
    model: Model
    confusion: Mapping[tuple[int, int], float] = field(default_factory=dict)
    histogram: npt.NDArray[np.float64] | None = None
    other: Model | None = None
    flips: Mapping[str, float] = field(default_factory=dict)
    at_common: Model | None = None

    def with_models(self, change: Callable[[Model], Model]) -> "Measured":
        """Returns the slice with other models, made of these."""
        other, at_common = (None if model is None else change(model) for model in (self.other, self.at_common))
        return replace(self, model=change(self.model), other=other, at_common=at_common)


@dataclass(frozen=True)
class Details:
    """What TFMA's result files have no place for.

    Attributes:
        samples: The metrics in each replicate of the bootstrap, shape [replicates]; empty without a bootstrap.
        histogram: Of a binary task, shape [101, 3], see `columnar.curves`.
        other: The model that this one is compared with; None if there is none.
        flips: How often the two decide differently, see `columnar.flips`.
        metrics: Those that the result files have, too, and the number of rows as `example_count`; None where one is not
            defined.
        at_common: Where rows have thresholds by group: the metrics of decisions if all had the common one.
    """

    samples: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    histogram: npt.NDArray[np.float64] | None = None
    other: Model | None = None
    flips: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    at_common: Model | None = None
