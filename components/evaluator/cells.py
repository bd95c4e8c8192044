"""Rows that agree in every sensitive feature, taken together, so that TFMA meets each row once.

TFMA sends every row through Beam, and through the combiner of every metric, once for each slice that the row is in.
Here a batch of rows becomes one element for each cell (each combination of sensitive values), a combiner adds up the
rows of the cell, and what goes into the slices is that sum. TFMA's own combiners do the adding and the merging, as they
would on several workers, so the metrics are the same.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from tfx_automl.components.evaluator.columnar.bootstrap import row_hashes
from tfx_automl.components.evaluator.columnar.cells import cell_hash
from tfx_automl.components.evaluator.row_metrics import ARRAYS_KEY

ROWS_KEY, DECIDED_ROWS_KEY = "rows_of_cell", "decided_rows_of_cell"
# Labels and scores as they are: those for TFMA's metrics are one-hot, or kept away from 0 and 1, which makes ties.
RAW_LABELS_KEY, SCORES_KEY = "raw_labels", "raw_scores"
OTHER_SCORES_KEY = "raw_scores_of_other"
# Where a model tells a threshold for each row: these, and whether the row is predicted positive, 1 or 0.
THRESHOLDS_KEY, OTHER_THRESHOLDS_KEY, DECIDED_KEY = "thresholds", "thresholds_of_other", "decided"

_Extracts = dict[str, Any]


def cells_of(batch: _Extracts, sensitive: Sequence[str] | None = None) -> Iterator[_Extracts]:
    """Divides a batch into its cells.

    Args:
        batch: Extracts with features to slice on, each [n, 1], and what metrics compute with, each [n] or [n, k].
        sensitive: Names of those on which the draws of the bootstrap depend; None for all.

    Yields:
        Extracts with the features of a cell, each [1], and its rows: as the inputs of a metric's combiner, where rows
        have thresholds of their own also with decisions for predictions, and as arrays for `RowMetrics`.
    """
    features, label, score = (batch[key] for key in (constants.FEATURES_KEY, RAW_LABELS_KEY, SCORES_KEY))
    labels, arrays = batch[constants.LABELS_KEY], [batch[key] for key in _ARRAYS]
    inputs = {ROWS_KEY: _rows(labels, batch[constants.PREDICTIONS_KEY])}
    if DECIDED_KEY in batch:
        inputs[DECIDED_ROWS_KEY] = _rows(labels, batch[DECIDED_KEY])
    members: dict[tuple[Any, ...], list[int]] = {}
    for number in range(len(label)):
        members.setdefault(tuple(column[number, 0] for column in features.values()), []).append(number)
    for numbers in members.values():
        of_cell = {name: column[numbers[0]] for name, column in features.items()}
        drawn = of_cell if sensitive is None else sensitive
        name = tuple(sorted((name, of_cell[name].item()) for name in drawn))
        hashes = row_hashes(np.full(len(numbers), cell_hash(name), np.uint64), label[numbers], score[numbers])
        yield {
            constants.FEATURES_KEY: of_cell,
            **{key: [rows[number] for number in numbers] for key, rows in inputs.items()},
            ARRAYS_KEY: (label[numbers], score[numbers], hashes, *(array[numbers] for array in arrays)),
        }


_ARRAYS = (OTHER_SCORES_KEY, THRESHOLDS_KEY, OTHER_THRESHOLDS_KEY)


def _rows(labels: Any, predictions: Any) -> list[Any]:
    columns = {constants.LABELS_KEY: labels, constants.PREDICTIONS_KEY: predictions}
    columns = {key: value.reshape(len(value), -1) for key, value in columns.items()}
    return [
        metric_types.StandardMetricInputs({key: column[number] for key, column in columns.items()})
        for number in range(len(labels))
    ]


def per_cell(metric: Any, rows_key: str = ROWS_KEY) -> Any:
    """Returns the `MetricConfig` of the same metric (which has a name) for extracts of `cells_of`.

    Args:
        metric: Its `MetricConfig`.
        rows_key: The extract with the rows that it is computed from.
    """
    name = json.loads(metric.config)["name"]
    config = json.dumps({"name": name, "of": json_format.MessageToJson(metric), "rows_key": rows_key})
    return config_pb2.MetricConfig(class_name=PerCell.__name__, module=__name__, config=config)


class PerCell(tfma.metrics.Metric):
    """Another metric, computed from the rows of cells."""

    def __init__(self, name: str, of: str, rows_key: str) -> None:
        """Takes the name of the metric, its `MetricConfig` as JSON, and the extract with the rows."""
        self._metric = metric_specs.metric_instance(json_format.Parse(of, config_pb2.MetricConfig()))
        self._rows_key = rows_key
        super().__init__(self._metric.create_computations_fn, name=name, of=of, rows_key=rows_key)

    def computations(self, *arguments: Any, **options: Any) -> list[Any]:
        """Returns the metric's own computations, with combiners that take sums of rows."""
        found = self._metric.computations(*arguments, **options)
        return [_summed(computation, self._rows_key) for computation in found]


def _summed(computation: Any, rows_key: str) -> Any:
    if not isinstance(computation, metric_types.MetricComputation):  # derived from the results of others
        return computation
    combiner = computation.combiner
    return metric_types.MetricComputation(computation.keys, [_SumOfRows(combiner, rows_key)], _MergedSums(combiner))


class _SumOfRows(metric_types.Preprocessor):
    """Adds up the rows of a cell.

    Bears the name of the combiner and of the rows: TFMA tells equal computations, which it does once, by the names.
    """

    def __init__(self, combiner: beam.CombineFn, rows_key: str) -> None:
        super().__init__(name=f"{type(combiner).__name__}:{rows_key}")
        self._combiner, self._rows_key = combiner, rows_key

    def setup(self) -> None:
        self._combiner.setup()

    def process(self, extracts: _Extracts) -> Iterator[Any]:
        yield self._combiner.add_inputs(self._combiner.create_accumulator(), extracts[self._rows_key])

    def teardown(self) -> None:
        self._combiner.teardown()


class _MergedSums(beam.CombineFn):
    """Takes accumulators of another combiner as its inputs.

    TFMA's combiners get iterators, never lists: some of them take the first accumulator with `next(iter(...))` and then
    loop over what they were given, so that from a list the first one would count twice.
    """

    def __init__(self, combiner: beam.CombineFn) -> None:
        self._combiner = combiner

    def setup(self, *arguments: Any, **options: Any) -> None:
        self._combiner.setup(*arguments, **options)

    def create_accumulator(self) -> Any:
        return self._combiner.create_accumulator()

    def add_input(self, accumulator: Any, element: Any) -> Any:
        return self._combiner.merge_accumulators(iter((accumulator, element)))

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        return self._combiner.merge_accumulators(iter(accumulators))

    def compact(self, accumulator: Any) -> Any:
        return self._combiner.compact(accumulator)

    def extract_output(self, accumulator: Any) -> Any:
        return self._combiner.extract_output(accumulator)

    def teardown(self, *arguments: Any, **options: Any) -> None:
        self._combiner.teardown(*arguments, **options)
