"""R², which TFMA lacks, as a TFMA metric.

TFMA's own `SquaredPearsonCorrelation` is not R²: it ignores bias and scale of the predictions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_util


class RSquared(tfma.metrics.Metric):
    """Coefficient of determination: 1 - (sum of squared errors) / (sum of squares of the labels about their mean).

    NaN where all labels are equal.
    """

    def __init__(self, name: str = "r2") -> None:
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(
    name: str = "r2",
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> list[Any]:
    key = tfma.metrics.MetricKey(
        name=name, model_name=model_name, output_name=output_name, example_weighted=example_weighted
    )
    combiner = _RSquaredCombiner(key, eval_config)
    return [tfma.metrics.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]


@dataclass
class _Sums:
    """Running sums; the squares are about the running mean, so that large labels lose no digits (Chan et al. 1979)."""

    weight: float = 0.0
    mean_label: float = 0.0
    squares_about_mean: float = 0.0
    squared_errors: float = 0.0

    def add(self, other: "_Sums") -> None:
        total = self.weight + other.weight
        if not total:
            return
        delta = other.mean_label - self.mean_label
        self.squares_about_mean += other.squares_about_mean + delta**2 * self.weight * other.weight / total
        self.mean_label += delta * other.weight / total
        self.squared_errors += other.squared_errors
        self.weight = total


class _RSquaredCombiner(beam.CombineFn):
    def __init__(self, key: Any, eval_config: Any) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> _Sums:
        return _Sums()

    def add_input(self, accumulator: _Sums, element: Any) -> _Sums:
        for label, prediction, weight in metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            example_weighted=self._key.example_weighted,
        ):
            error = (label.item() - prediction.item()) ** 2
            accumulator.add(_Sums(weight.item(), label.item(), 0.0, weight.item() * error))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Sums]) -> _Sums:
        merged = _Sums()
        for accumulator in accumulators:
            merged.add(accumulator)
        return merged

    def extract_output(self, accumulator: _Sums) -> dict[Any, float]:
        if not accumulator.squares_about_mean:
            return {self._key: float("nan")}
        return {self._key: 1.0 - accumulator.squared_errors / accumulator.squares_about_mean}
