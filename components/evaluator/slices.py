"""TFMA's result as plain numbers: metrics over all rows and by slice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tfx_automl.components.evaluator.intervals import Interval, metric_interval
from tfx_automl.components.evaluator.measured import Details, Model, SliceKey
from tfx_automl.components.evaluator.predictions import Value, order_of
from tfx_automl.errors import EvaluationError
from tfx_automl.models.class_rates import AVERAGES, class_metrics, of_class
from tfx_automl.models.groups import value_text
from tfx_automl.models.task import TaskSpec

EXAMPLE_COUNT = "example_count"
CONFUSION_MATRIX = "confusion_matrix"
_CLASS = "classId:"
_KINDS = frozenset({"doubleValue", "boundedValue"})  # with an interval, a number is a bounded one

METRICS: dict[str, tuple[str, ...]] = {
    "binary": (
        "auc",
        "accuracy",
        "precision",
        "tpr",
        "fpr",
        "fnr",
        "selection_rate",
        "loss",
        "calibration",
        "mean_prediction",
        "mean_label",
    ),
    "multiclass": ("accuracy", *AVERAGES, "loss"),
    "regression": ("rmse", "mae", "mse", "r2", "mean_prediction", "mean_label", "mean_residual"),
}
# Those of a binary task that depend on which rows are predicted positive.
DECISIONS = ("accuracy", "precision", "tpr", "fpr", "fnr", "selection_rate")


def metric_names(task: TaskSpec) -> tuple[str, ...]:
    """Returns the names of all metrics of a slice: of `METRICS`, and of each class."""
    return (*METRICS[task.kind], *class_metrics(task))


@dataclass(frozen=True)
class SliceMetrics:
    """The rows that share a value of one feature, or of each of several, and how the model does on them.

    Attributes:
        features: Names of raw features; empty for all rows.
        values: One value each, as text.
        count: Number of rows.
        metrics: By name (see `METRICS`, and `models.class_rates` for each class); None where a metric is not defined,
            such as `tpr` without positive rows.
        details: What else is known.
    """

    features: tuple[str, ...]
    values: tuple[str, ...]
    count: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    details: Details = field(default_factory=Details, repr=False, compare=False)

    @property
    def intervals(self) -> dict[str, Interval | None]:
        """The confidence interval of each metric; None where it is not known."""
        return {name: self.interval(name) for name in self.metrics}

    def interval(self, metric: str) -> Interval | None:
        """Returns the confidence interval of one metric; None where it is not known."""
        return metric_interval(metric, self.metrics.get(metric), self.details.samples.get(metric))

    def change(self, metric: str) -> tuple[float, Interval | None]:
        """Returns how much larger a defined metric is than that of the other model, and the interval of that."""
        if self.details.other is None:
            raise ValueError("there is no other model")
        known = {name: math.nan if value is None else value for name, value in self.metrics.items()}
        return Model(known, self.details.samples).minus(self.details.other, metric)

    @property
    def at_common(self) -> "SliceMetrics":
        """The same slice if all rows had the common threshold.

        Raises:
            ValueError: They have.
        """
        common = self.details.at_common
        if common is None:
            raise ValueError("thresholds are not by group")
        known = {name: value if math.isfinite(value := common.metrics[name]) else None for name in DECISIONS}
        drawn = {name: common.samples[name] for name in DECISIONS if name in common.samples}
        details = replace(self.details, samples={**self.details.samples, **drawn}, at_common=None)
        return replace(self, metrics={**self.metrics, **known}, details=details)

    @property
    def feature(self) -> str:
        """The features as one text, in the notation of `--sensitive`: `sex` or `sex,race`."""
        return ",".join(self.features)

    @property
    def value(self) -> str:
        """The values as one text: `Female` or `Female,Black`."""
        return ",".join(self.values)


@dataclass(frozen=True)
class Evaluation:
    """Everything that is known of a model's predictions.

    Attributes:
        overall: All rows.
        groups: For each group of sensitive features its slices, ordered by value.
    """

    overall: SliceMetrics
    groups: Mapping[tuple[str, ...], tuple[SliceMetrics, ...]]

    @property
    def at_common(self) -> "Evaluation":
        """The same if all rows had the common threshold."""
        groups = {group: tuple(part.at_common for part in slices) for group, slices in self.groups.items()}
        return Evaluation(self.overall.at_common, groups)


def read_evaluation(
    result: Any,
    task: TaskSpec,
    sensitive: Sequence[Sequence[str]],
    details: Mapping[SliceKey, Details] | None = None,
) -> Evaluation:
    """Reads what `tfma.load_eval_result` returns.

    Args:
        result: A `tfma.EvalResult` made with `make_eval_config`.
        task: What the model predicts.
        sensitive: The groups of features that were sliced on.
        details: What else is known of each slice.

    Raises:
        EvaluationError: The result has no metrics over all rows.
    """
    # The user's configuration may add pairs of slices, which only have metrics of the user's.
    ours = (pair for pair in result.slicing_metrics if not details or pair[0] in details)
    by_key = {tuple(key): _by_name(outputs[""]) for key, outputs in ours}
    if () not in by_key:
        raise EvaluationError(
            "TFMA's result has no metrics over all rows; the evaluation did not finish. Run it again."
        )
    reader = _Reader(by_key, task, details or {})
    return Evaluation(reader.read(()), {tuple(group): reader.slices(tuple(group)) for group in sensitive})


@dataclass(frozen=True)
class _Reader:
    by_key: Mapping[SliceKey, Mapping[str, Any]]
    task: TaskSpec
    details: Mapping[SliceKey, Details]

    def slices(self, group: tuple[str, ...]) -> tuple[SliceMetrics, ...]:
        """Returns the slices of a group, ordered by value."""
        keys = [key for key in self.by_key if {name for name, _ in key} == set(group)]
        # TFMA orders the features of a crossing by name, a person as they were asked for.
        found = {tuple(dict(key)[name] for name in group): key for key in keys}
        ordered = sorted(found, key=lambda values: [order_of(value) for value in values])
        return tuple(self.read(found[values], group, values) for values in ordered)

    def read(self, key: SliceKey, features: tuple[str, ...] = (), values: tuple[Value, ...] = ()) -> SliceMetrics:
        """Returns one slice."""
        raw = self.by_key[key]
        details = self.details.get(key, Details())
        scalars = {name: _number(value) for name, value in raw.items() if _KINDS.intersection(value)}
        scalars |= details.metrics  # where a metric of the user's has the name of one of ours
        metrics = {name: scalars.get(name) for name in metric_names(self.task)}
        count = int(scalars[EXAMPLE_COUNT] or 0)
        return SliceMetrics(features, tuple(map(value_text, values)), count, metrics, details)


def _by_name(outputs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Returns the metrics by name, also those that TFMA has under the index of a class, `classId:2`."""
    of_classes = {
        of_class(name, int(sub.removeprefix(_CLASS))): value
        for sub, metrics in outputs.items()
        if sub.startswith(_CLASS)
        for name, value in metrics.items()
    }
    return {**outputs[""], **of_classes}


def _number(value: Mapping[str, Any]) -> float | None:
    plain = value["boundedValue"]["value"] if "boundedValue" in value else value["doubleValue"]
    number = float(plain)  # TFMA writes NaN as text
    return number if math.isfinite(number) else None
