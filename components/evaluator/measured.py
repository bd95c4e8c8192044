"""What an engine measures of a slice."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.predictions import Value

SliceKey = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Measured:
    """One slice.

    Attributes:
        key: Its features and values in TFMA's order, by the name of the feature; empty for all rows.
        rows: How many it has.
        metrics: By name, see `slices.METRICS`; NaN where a metric is not defined.
        samples: The same metrics in each replicate of the bootstrap, shape [replicates]; empty without a bootstrap.
        confusion: Of a multiclass task: how many rows of one class (index) were predicted as another, where any were.
        histogram: Of a binary task, shape [101, 3], see `columnar.curves`.
    """

    key: SliceKey
    rows: int
    metrics: Mapping[str, float]
    samples: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    confusion: Mapping[tuple[int, int], float] = field(default_factory=dict)
    histogram: npt.NDArray[np.float64] | None = None
