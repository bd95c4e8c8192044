"""The area under the ROC curve, exact, as a TFMA metric.

TFMA's own `AUC` counts predictions in 10,000 even buckets between 0 and 1, so it is wrong when probabilities are small,
as they are for a rare class: with scores below 0.0001 all rows share one bucket, and it is 0.5.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

# Extract with the model's output as it is: predictions for the other metrics are kept away from 0 and 1, which would
# make ties of the smallest ones.
SCORES_KEY = "unclipped_scores"


class ExactAuc(tfma.metrics.Metric):
    """The chance that a random positive row scores above a random negative one; a tie counts half.

    It needs the extract `SCORES_KEY`. Every score is kept until the end: 8 bytes a row for each slice that it is in.
    NaN where all labels are equal.
    """

    def __init__(self, name: str = "auc") -> None:
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(name: str = "auc", model_name: str = "", output_name: str = "") -> list[Any]:
    key = tfma.metrics.MetricKey(name=name, model_name=model_name, output_name=output_name)
    preprocessor = metric_types.StandardMetricInputsPreprocessor(include_filter={SCORES_KEY: {}})
    return [tfma.metrics.MetricComputation(keys=[key], preprocessors=[preprocessor], combiner=_AucCombiner(key))]


@dataclass
class _Scores:
    """The scores of the rows seen so far, by label; compact arrays, as there may be many."""

    positive: "array[float]" = field(default_factory=lambda: array("d"))
    negative: "array[float]" = field(default_factory=lambda: array("d"))


class _AucCombiner(beam.CombineFn):
    def __init__(self, key: Any) -> None:
        self._key = key

    def create_accumulator(self) -> _Scores:
        return _Scores()

    def add_input(self, accumulator: _Scores, element: Any) -> _Scores:
        side = accumulator.positive if element.labels.item() > 0 else accumulator.negative
        side.append(element[SCORES_KEY].item())
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Scores]) -> _Scores:
        # Into the first one, as Beam allows: a new one for every merge would copy all scores again and again.
        others = iter(accumulators)
        merged = next(others, None) or _Scores()
        for accumulator in others:
            merged.positive.extend(accumulator.positive)
            merged.negative.extend(accumulator.negative)
        return merged

    def extract_output(self, accumulator: _Scores) -> dict[Any, float]:
        return {self._key: _auc(np.array(accumulator.positive), np.array(accumulator.negative))}


def _auc(positive: "np.ndarray[Any, Any]", negative: "np.ndarray[Any, Any]") -> float:
    """Mann and Whitney's statistic as a share of all pairs."""
    if not len(positive) or not len(negative):
        return float("nan")
    negative = np.sort(negative)
    below = np.searchsorted(negative, positive, side="left").sum()
    below_or_tied = np.searchsorted(negative, positive, side="right").sum()
    return float(below + below_or_tied) / (2.0 * len(positive) * len(negative))
