"""Computes a metric from a few made-up rows of a task, without Beam, so that a mistake is found before the run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs, metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import util

from tfx_automl.models.task import TaskSpec

# In the order of their scores, so that no rate is 0, 1 or the same for both classes.
_BINARY = np.array([0, 0, 0, 1, 0, 1, 1, 1])
_EXTRACTS = (constants.TRANSFORMED_FEATURES_KEY, constants.ATTRIBUTIONS_KEY, constants.INPUT_KEY)


@dataclass(frozen=True)
class Trial:
    """What a metric needs and gives.

    Attributes:
        features: Names of the raw features that it reads.
        values: By TFMA's keys.
    """

    features: frozenset[str]
    values: Mapping[Any, Any]


def try_metric(spec: Any, metric: Any, task: TaskSpec) -> Trial:
    """Computes a metric.

    Args:
        spec: The `MetricsSpec` that it stands in.
        metric: Its `MetricConfig`.
        task: What the model predicts.

    Raises:
        Exception: Whatever the metric raises.
    """
    alone = config_pb2.MetricsSpec()
    alone.CopyFrom(spec)
    for field in ("metrics", "thresholds", "per_slice_thresholds", "cross_slice_thresholds", "model_names"):
        alone.ClearField(field)
    alone.metrics.add().CopyFrom(metric)
    config = config_pb2.EvalConfig(model_specs=[config_pb2.ModelSpec()], metrics_specs=[alone])
    computations = metric_specs.to_computations([alone], eval_config=config)
    direct = [each for each in computations if isinstance(each, metric_types.MetricComputation)]
    features = frozenset(name for each in direct for name in _features(each))
    rows = _rows(task, features)
    extracts = [util.merge_extracts(rows)] if spec.query_key else rows
    values: dict[Any, Any] = {}
    for computation in direct:
        values.update(_computed(computation, extracts))
    for computation in computations:
        if isinstance(computation, metric_types.DerivedMetricComputation):
            values.update(computation.result(values))
    return Trial(features, values)


def _features(computation: Any) -> Iterator[str]:
    for preprocessor in computation.preprocessors or ():
        wanted = getattr(preprocessor, "include_filter", {})
        unknown = [key for key in _EXTRACTS if key in wanted]
        unknown += ["all features"] if wanted.get(constants.FEATURES_KEY) == {} else []
        if unknown:
            raise ValueError(f"it needs {', '.join(unknown)}, which the Evaluator does not keep")
        yield from wanted.get(constants.FEATURES_KEY, ())


def _rows(task: TaskSpec, features: Iterable[str]) -> list[dict[str, Any]]:
    """Returns the extracts of rows with labels of every class."""
    count = max(len(_BINARY), len(task.classes))
    level = (np.arange(count) + 1) / (count + 1)
    if task.kind == "multiclass":
        label: Any = np.arange(count) % len(task.classes)
        score = np.eye(len(task.classes))[label] * 0.5 + 0.5 / len(task.classes)
    else:
        label = _BINARY if task.kind == "binary" else level
        score = level[:, None]
    return [
        {
            constants.LABELS_KEY: label[row : row + 1],
            constants.PREDICTIONS_KEY: score[row],
            constants.EXAMPLE_WEIGHTS_KEY: np.array([1.0]),
            constants.FEATURES_KEY: {name: np.array([1.0]) for name in features},
        }
        for row in range(count)
    ]


def _computed(computation: Any, rows: Iterable[Mapping[str, Any]]) -> Mapping[Any, Any]:
    combiner = computation.combiner
    combiner.setup()
    accumulator = combiner.create_accumulator()
    for row in rows:
        accumulator = combiner.add_inputs(accumulator, _inputs(computation.preprocessors or (), row))
    found: Mapping[Any, Any] = combiner.extract_output(accumulator)
    return found


def _inputs(preprocessors: Sequence[Any], row: Mapping[str, Any]) -> list[Any]:
    """Returns what a combiner gets of a row: what its preprocessors make, or TFMA's standard inputs."""
    standard = metric_types.StandardMetricInputsPreprocessor
    if not preprocessors or [type(each) for each in preprocessors] == [standard]:
        (kept,) = (*preprocessors, *([] if preprocessors else [standard()]))
        wanted = kept.include_filter
        return [
            metric_util.to_standard_metric_inputs(
                extracts,
                include_labels=constants.LABELS_KEY in wanted,
                include_predictions=constants.PREDICTIONS_KEY in wanted,
                include_any_feature=constants.FEATURES_KEY in wanted,
            )
            for extracts in kept.process(dict(row))
        ]
    found = [dict(row)]
    for preprocessor in preprocessors:
        found = [made for extracts in found for made in preprocessor.process(extracts)]
    return found
