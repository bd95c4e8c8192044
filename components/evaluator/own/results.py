"""The user's measurements by slice: joined with the Evaluator's own in TFMA's files, and as numbers for the report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow_model_analysis.api import types
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.slicer import slicer_lib as slicer
from tensorflow_model_analysis.utils import math_util

from tfx_automl.components.evaluator.measured import Measured
from tfx_automl.components.evaluator.own.branch import Measurements
from tfx_automl.components.evaluator.own.completed import without_thresholds
from tfx_automl.components.evaluator.own.contradictions import CANDIDATE
from tfx_automl.components.evaluator.predictions import Value
from tfx_automl.models.groups import value_text

Name = tuple[Any, ...]  # a slice or a pair of slices, with values as texts


@dataclass(frozen=True)
class OwnResults:
    """What was measured for a user's configuration.

    Attributes:
        config: The configuration, completed.
        given: As the user gave it.
        measurements: What TFMA measured.
    """

    config: Any
    given: Any
    measurements: Measurements

    @property
    def metrics(self) -> dict[Name, tuple[Any, dict[Any, Any]]]:
        """The slice and its metrics by the name of the slice; without those that TFMA has left out as too small."""
        return {
            name_of(key): (
                key,
                {name: value for name, value in values.items() if isinstance(name, metric_types.MetricKey)},
            )
            for key, values in self.measurements.metrics
        }

    @property
    def plots(self) -> dict[Name, dict[Any, Any]]:
        """The plots by the name of the slice."""
        found = {}
        for key, values in self.measurements.plots:
            kept = {name: value for name, value in values.items() if isinstance(name, metric_types.PlotKey)}
            if kept:
                found[name_of(key)] = kept
        return found

    def asked_for(self, key: Any) -> bool:
        """Tells whether the user's own configuration names a slice, where thresholds without slices hold."""
        if slicer.is_cross_slice_key(key):
            return False
        specs = [slicer.SingleSliceSpec(spec=spec) for spec in self.given.slicing_specs] or [slicer.SingleSliceSpec()]
        return any(spec.is_slice_applicable(key) for spec in specs)

    def bounds_at(self, key: Any, config: Any) -> Any:
        """Returns those of the thresholds of a configuration that hold in a slice or a pair of slices."""
        if slicer.is_cross_slice_key(key) or self.asked_for(key):
            return config
        return without_thresholds(config, ["threshold"])


def name_of(key: Any) -> Name:
    """Returns the name of a slice: TFMA makes numbers of a user's values, whatever they are in the rows."""
    if slicer.is_cross_slice_key(key):
        return tuple(map(name_of, key))
    return tuple((feature, value_text(value)) for feature, value in key)


def distinct(slices: Sequence[Measured]) -> list[Measured]:
    """Returns slices, each once: one may be named by the user and generated, with a number and with a text."""

    def rank(value: Value) -> int:
        return (int, float, str).index(type(value)) if type(value) in (int, float, str) else 0

    ordered = sorted(slices, key=lambda part: [rank(value) for _, value in part.key])
    kept = {name_of(part.key): part for part in ordered}
    names = dict.fromkeys(name_of(part.key) for part in slices)
    return [kept[name] for name in names]


def slice_text(key: Any) -> str:
    """Returns a slice, or a pair of them, as one text; nothing for all rows."""
    if slicer.is_cross_slice_key(key):
        return " minus ".join(slice_text(part) or "all rows" for part in key)
    return ",".join(f"{feature}={value_text(value)}" for feature, value in key)


def metric_text(key: Any) -> str:
    """Returns the name of a metric, with what it is of: a class, the first few classes, an average, weighted rows."""
    parts = [str(part) for part in (key.sub_key, key.aggregation_type) if part is not None]
    parts += ["weighted"] if key.example_weighted else []
    return f"{key.name} ({', '.join(parts)})" if parts else str(key.name)


def number_of(value: Any) -> float | None:
    """Returns a value as a number; None if it is something else, or not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def interval_of(value: Any) -> list[float] | None:
    """Returns the 95 % confidence interval that TFMA gives a value; None if it gives none."""
    if not isinstance(value, types.ValueWithTDistribution):
        return None
    _, lower, upper = math_util.calculate_confidence_interval(value)
    ends = [number_of(lower), number_of(upper)]
    return None if None in ends else [float(end) for end in ends if end is not None]


def tables(results: OwnResults) -> list[dict[str, Any]]:
    """Returns for each slice the `metrics` that are numbers, their `intervals`, and its name as `slice`."""
    return [
        {
            "slice": slice_text(key),
            "metrics": {metric_text(name): number_of(value) for name, value in shown},
            "intervals": {metric_text(name): interval_of(value) for name, value in shown},
        }
        for key, values in (
            results.metrics[name] for name in sorted(results.metrics, key=lambda name: (len(name), name_text(name)))
        )
        if (shown := list(_shown(values)))
    ]


def name_text(name: Name) -> str:
    """Returns a text by which slices are put in order."""
    return json.dumps(name)


def _shown(values: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for key in sorted(values, key=metric_text):
        value = values[key]
        of_model = key.model_name in ("", CANDIDATE) and not key.is_diff
        if of_model and not isinstance(value, (types.StructuredMetricValue, np.ndarray)) and _is_number(value):
            yield key, value


def _is_number(value: Any) -> bool:
    inner = value.unsampled_value if isinstance(value, types.ValueWithTDistribution) else value
    return isinstance(inner, (int, float, np.number))
