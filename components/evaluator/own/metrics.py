"""What in the metrics of a user's configuration cannot be built or computed, and what their thresholds lack."""

import difflib
import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils.keras_lib import tf_keras

from tfx_automl.components.evaluator.own.given import metrics_of, thresholds_of
from tfx_automl.components.evaluator.own.trial import Trial, try_metric
from tfx_automl.errors import one_line
from tfx_automl.models.task import TaskSpec

_ONE_HOT = {
    "CategoricalCrossEntropy": "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy": "SparseCategoricalCrossentropy",
    "CategoricalAccuracy": "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy": "SparseTopKCategoricalAccuracy",
}
_MAPS = ("thresholds", "per_slice_thresholds", "cross_slice_thresholds")


@dataclass
class Findings:
    """What is known of all metrics.

    Attributes:
        problems: One sentence each.
        features: Names of the raw features that they read.
    """

    problems: list[str] = field(default_factory=list)
    features: set[str] = field(default_factory=set)


def examine_metrics(config: Any, task: TaskSpec) -> Findings:
    """Builds every metric and computes it once from a few made-up rows.

    Args:
        config: A `tfma.EvalConfig`.
        task: What the model predicts.
    """
    found = Findings(list(_threshold_problems(config)))
    taken: dict[Any, str] = {}
    for place, spec, metric in metrics_of(config):
        try:
            name = build_metric(metric).name
            trial = _tried(spec, metric, task)
        except _UnusableError as error:
            found.problems.append(f"{place}: {error}")
            continue
        found.features |= trial.features
        found.problems += _of_one(place, metric, name, trial, task)
        for key in [key for key in trial.values if not key.name.startswith("_")]:
            if taken.setdefault(key, place) != place:
                found.problems.append(
                    f"{place} gives {key.name!r}, as {taken[key]} does; give one of them another name in its config."
                )
    found.problems += _names_without_metric(config)
    return found


class _UnusableError(Exception):
    """A metric cannot be used; the message is the end of a sentence."""


def build_metric(metric: Any) -> Any:
    """Returns the metric of a `MetricConfig`."""
    _check_class(metric)
    try:
        return metric_specs.metric_instance(metric)
    # The constructor of a metric, which may be the user's, says in its own way what it does not take.
    except Exception as error:
        raise _UnusableError(
            f"it cannot be made from its config {metric.config or '{}'}: {type(error).__name__}, {one_line(error)}."
        ) from error


def _check_class(metric: Any) -> None:
    if metric.module:
        try:
            known = vars(importlib.import_module(metric.module))
        except ImportError as error:
            raise _UnusableError(f"its module {metric.module!r} cannot be imported: {one_line(error)}.") from error
    else:
        known = {**vars(tf_keras.metrics), **metric_types.registered_metrics()}
    if metric.class_name not in known and metric.class_name not in metric_types.registered_metrics():
        near = difflib.get_close_matches(metric.class_name, known, n=1)
        where = f"module {metric.module!r}" if metric.module else "TFMA or tf_keras.metrics"
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else "name it as its class is called, and its module if it is your own."
        )
        raise _UnusableError(f"there is no metric {metric.class_name!r} in {where}; {hint}")


def _tried(spec: Any, metric: Any, task: TaskSpec) -> Trial:
    what = f"it cannot be computed from labels and predictions of a {task.kind} task"
    try:
        trial = try_metric(spec, metric, task)
    except Exception as error:  # a metric may raise anything at inputs that it is not for
        raise _UnusableError(f"{what}: {one_line(error)}.") from error
    if not trial.values:
        raise _UnusableError(f"{what}: it gives no value.")
    return trial


def _of_one(place: str, metric: Any, name: str, trial: Trial, task: TaskSpec) -> Iterator[str]:
    sparse = _ONE_HOT.get(metric.class_name) if task.kind == "multiclass" else None
    if sparse:
        yield f"{place} compares with one-hot labels, but labels are class indices; use {sparse!r}."
    if any(isinstance(key, metric_types.AttributionsKey) for key in trial.values):
        yield f"{place} needs {constants.ATTRIBUTIONS_KEY}, which the Evaluator does not compute; leave it out."
    bounded = metric.HasField("threshold") or metric.per_slice_thresholds or metric.cross_slice_thresholds
    own = [value for key, value in trial.values.items() if key.name == name]
    if bounded and not any(_is_number(value) for value in own):
        yield f"{place} has a threshold, but gives no number of the name {name!r} that could be compared with it."


def _is_number(value: Any) -> bool:
    try:
        return isinstance(float(value), float)
    except (TypeError, ValueError):
        return False


def _threshold_problems(config: Any) -> Iterator[str]:
    for place, threshold, _ in thresholds_of(config):
        value, change = threshold.value_threshold, threshold.change_threshold
        both = [bound.value for bound in (value.lower_bound, value.upper_bound, change.absolute, change.relative)]
        if not all(map(math.isfinite, both)):
            yield f"{place} needs finite bounds; got {both!r}."
        if not any(value.HasField(side) for side in ("lower_bound", "upper_bound")) and not any(
            change.HasField(side) for side in ("absolute", "relative")
        ):
            yield f"{place} has no bound; give value_threshold a lower_bound or upper_bound, or a change_threshold."
        low, high = value.lower_bound.value, value.upper_bound.value
        if value.HasField("lower_bound") and value.HasField("upper_bound") and low > high:
            yield f"{place}: no value is at least {low:g} and at most {high:g}."
        if threshold.HasField("change_threshold") and not change.direction:
            yield f"{place}.change_threshold needs direction: HIGHER_IS_BETTER or LOWER_IS_BETTER."


def _names_without_metric(config: Any) -> Iterator[str]:
    for number, spec in enumerate(config.metrics_specs):
        known = set(_names(spec))
        for place in _MAPS:
            for name in getattr(spec, place):
                if name not in known:
                    yield (
                        f"metrics_specs[{number}].{place} names {name!r}, which is none of its metrics"
                        f" ({', '.join(sorted(known)) or 'none'}); the Evaluator's own are bounded by min_metrics and"
                        " min_slice_metrics."
                    )
        for metric in spec.metrics:
            name = _name(metric)
            if metric.HasField("threshold") and name in spec.thresholds:
                yield f"metrics_specs[{number}] has two thresholds for {name!r}: its own and one by name; give one."


def _names(spec: Any) -> Iterator[str]:
    yield from filter(None, map(_name, spec.metrics))


def _name(metric: Any) -> str:
    """Returns the name of a metric; nothing if it cannot be built, which is reported already."""
    try:
        name: str = build_metric(metric).name
    except _UnusableError:
        return ""
    return name


def with_thresholds_in_metrics(config: Any) -> Any:
    """Returns the same configuration, with thresholds by name moved to the metrics of these names.

    TFMA looks for thresholds by name only among the metrics that a Keras model brings along.
    """
    copy = config_pb2.EvalConfig()
    copy.CopyFrom(config)
    for spec in copy.metrics_specs:
        for metric in spec.metrics:
            name = _name(metric)
            if name in spec.thresholds:
                metric.threshold.CopyFrom(spec.thresholds[name])
            for place in _MAPS[1:]:
                if name in getattr(spec, place):
                    getattr(metric, place).extend(getattr(spec, place)[name].thresholds)
        for place in _MAPS:
            spec.ClearField(place)
    return copy
