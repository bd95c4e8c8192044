"""What TFMA has not, as one TFMA metric: the exact AUC, exact curves, and replicates of a bootstrap of all metrics.

TFMA's own `AUC` counts predictions in 10,000 even buckets between 0 and 1, so it is wrong when probabilities are small,
as they are for a rare class: with scores below 0.0001 all rows share one bucket, and it is 0.5. TFMA's own bootstrap
computes every metric anew for each replicate, and knows no gaps.

Labels, scores and hashes of all rows of a slice are kept until the end: 24 bytes a row for each slice that it is in
(for several classes 8 more for each class).
"""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

from tfx_automl.components.evaluator.columnar.auc import SlicedAuc
from tfx_automl.components.evaluator.columnar.curves import histogram_of
from tfx_automl.components.evaluator.columnar.engine import replicated
from tfx_automl.components.evaluator.predictions import Predictions
from tfx_automl.models.task import TaskSpec

AUC, HISTOGRAM, REPLICATES = "auc", "histogram", "replicates"
# Extract with the rows of a cell: a tuple of labels [n], scores [n, outputs] and hashes [n].
ARRAYS_KEY = "arrays_of_cell"

_Arrays = tuple[Any, Any, Any]


class RowMetrics(tfma.metrics.Metric):
    """`auc` and `histogram` of a binary task, and `replicates` of any task; from the extract `ARRAYS_KEY`.

    `auc` is the chance that a random positive row scores above a random negative one, where a tie counts half; NaN
    where all labels are equal. The histogram is an array, see `columnar.curves`. The replicates are an array,
    [metrics, replicates], of all metrics in the order of their names.
    """

    def __init__(self, task: str, threshold: float, replicates: int = 0, name: str = AUC) -> None:
        """Takes the task as JSON, the decision threshold, and how many replicates there are to be."""
        arguments: dict[str, Any] = {"task": task, "threshold": threshold, "replicates": replicates}
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name, **arguments)


def _computations(
    task: str, threshold: float, replicates: int, name: str = AUC, model_name: str = "", output_name: str = ""
) -> list[Any]:
    spec = TaskSpec.from_json(task)
    wanted = [AUC, HISTOGRAM] * (spec.kind == "binary") + [REPLICATES] * bool(replicates)
    keys = [tfma.metrics.MetricKey(name=each, model_name=model_name, output_name=output_name) for each in wanted]
    combiner = _RowsCombiner(keys, spec, threshold, replicates)
    return [tfma.metrics.MetricComputation(keys=keys, preprocessors=[_ArraysOfCell()], combiner=combiner)]


class _ArraysOfCell(metric_types.Preprocessor):
    def process(self, extracts: dict[str, Any]) -> Iterable[_Arrays]:
        yield extracts[ARRAYS_KEY]


class _RowsCombiner(beam.CombineFn):
    """Keeps arrays in a list, which grows in place, as Beam allows: copies would be made again and again."""

    def __init__(self, keys: list[Any], task: TaskSpec, threshold: float, replicates: int) -> None:
        self._keys, self._task, self._threshold, self._replicates = keys, task, threshold, replicates

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
        label, score, hashes = _joined(accumulator)
        rows = Predictions(label, score if self._task.kind == "multiclass" else score[:, 0])
        return {key: self._value(key.name, rows, hashes) for key in self._keys}

    def _value(self, name: str, rows: Predictions, hashes: Any) -> Any:
        if name == AUC:
            everything = np.zeros(len(rows), np.int32)
            return float(SlicedAuc(everything, 1, rows.label == 1, rows.score).of(np.ones((1, len(rows))))[0, 0])
        if name == HISTOGRAM:
            return histogram_of(rows.label == 1, rows.score)
        samples = replicated(rows, hashes, self._task, self._threshold, self._replicates)
        return np.stack([samples[metric] for metric in sorted(samples)])


def _joined(parts: list[_Arrays]) -> _Arrays:
    label, score, hashes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return label, score, hashes
