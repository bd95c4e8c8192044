"""What TFMA has not, as one TFMA metric: exact AUC and curves, replicates of a bootstrap of all metrics, another model.

TFMA's own `AUC` counts predictions in 10,000 even buckets between 0 and 1, so it is wrong when probabilities are small,
as they are for a rare class: with scores below 0.0001 all rows share one bucket, and it is 0.5. TFMA's own bootstrap
computes every metric anew for each replicate, and knows no gaps.

Labels, scores and hashes of all rows of a slice are kept until the end: 24 bytes a row for each slice that it is in, 8
more for another model (for several classes as often as there are classes).
"""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

from tfx_automl.components.evaluator.columnar.engine import measure
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.predictions import Predictions

# Extract with the rows of a cell: labels [n], scores [n, outputs], hashes [n], scores of another model [n, outputs];
# and thresholds of the rows, of the model and of the other one, [n, 1], or [n, 0] where all rows have the same.
ARRAYS_KEY = "arrays_of_cell"
NAME = "measured"

_Arrays = tuple[Any, ...]


class RowMetrics(tfma.metrics.Metric):
    """What `columnar.engine.measure` finds in the rows of a slice, from the extract `ARRAYS_KEY`."""

    def __init__(self, plan: str, name: str = NAME) -> None:
        """Takes the `EvaluationPlan` as JSON."""
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name, plan=plan)


def _computations(plan: str, name: str = NAME, model_name: str = "", output_name: str = "") -> list[Any]:
    key = tfma.metrics.MetricKey(name=name, model_name=model_name, output_name=output_name)
    combiner = _RowsCombiner(key, EvaluationPlan.from_json(plan).of_one_slice())
    return [tfma.metrics.MetricComputation(keys=[key], preprocessors=[_ArraysOfCell()], combiner=combiner)]


class _ArraysOfCell(metric_types.Preprocessor):
    def process(self, extracts: dict[str, Any]) -> Iterable[_Arrays]:
        yield extracts[ARRAYS_KEY]


class _RowsCombiner(beam.CombineFn):
    """Keeps arrays in a list, which grows in place, as Beam allows: copies would be made again and again."""

    def __init__(self, key: Any, plan: EvaluationPlan) -> None:
        self._key, self._plan = key, plan

    def create_accumulator(self) -> list[_Arrays]:
        return []

    def add_input(self, accumulator: list[_Arrays], element: _Arrays) -> list[_Arrays]:
        accumulator.append(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[list[_Arrays]]) -> list[_Arrays]:
        others = iter(accumulators)
        merged = next(others, None) or []
        for accumulator in others:
            merged.extend(accumulator)
        return merged

    def compact(self, accumulator: list[_Arrays]) -> list[_Arrays]:
        return [_joined(accumulator)] if accumulator else accumulator

    def extract_output(self, accumulator: list[_Arrays]) -> dict[Any, Any]:
        label, score, hashes, *may_be_there = _joined(accumulator)
        column = slice(None) if self._plan.task.kind == "multiclass" else 0
        other, *thresholds = (values if values.shape[1] else None for values in may_be_there)
        first = (None if values is None else values[:, 0] for values in thresholds)
        rows = Predictions(label, score[:, column], {}, None if other is None else other[:, column], *first)
        (found,) = measure(rows, self._plan, hashes)
        return {self._key: found}


def _joined(parts: list[_Arrays]) -> _Arrays:
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
