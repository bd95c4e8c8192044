"""How a model compares with the last blessed one, for the report: who wins and who loses by replacing it."""

import math
from typing import Any

from tfx_automl.components.evaluator.intervals import Interval
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics
from tfx_automl.models.class_rates import rate_and_class


def comparison_of(evaluation: Evaluation, other: str, min_slice_size: int) -> dict[str, Any]:
    """Returns the comparison of two models.

    Args:
        evaluation: With the other model in the details.
        other: Where the other model is.
        min_slice_size: Slices with fewer rows are left out.

    Returns:
        `model`: where the other one is; `metrics`: its metrics over all rows; `differences`: by metric `value`, how
        much larger it is now, and `interval`; `flips`: the shares of rows that are decided differently (see
        `columnar.flips`), or None; `slices`: for each `feature`, `value`, `count`, `differences` and `flips`.
    """
    overall = evaluation.overall
    before = {} if overall.details.other is None else overall.details.other.metrics
    return {
        "model": other,
        "metrics": {
            name: None if math.isnan(value) else value
            for name, value in before.items()
            if rate_and_class(name)[1] is None
        },
        **_differences(overall),
        "slices": [
            {"feature": part.feature, "value": part.value, "count": part.count, **_differences(part)}
            for group in evaluation.groups.values()
            for part in group
            if part.count >= min_slice_size
        ],
    }


def _differences(part: SliceMetrics) -> dict[str, Any]:
    changes = {name: part.change(name) for name in part.metrics if rate_and_class(name)[1] is None}
    return {
        "differences": {
            name: {"value": value, "interval": pair(interval)}
            for name, (value, interval) in changes.items()
            if math.isfinite(value)
        },
        "flips": dict(part.details.flips) or None,
    }


def pair(interval: Interval | None) -> list[float] | None:
    """Returns an interval as JSON has it."""
    return None if interval is None else [interval.lower, interval.upper]
