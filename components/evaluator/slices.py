"""TFMA's result as plain numbers: metrics over all rows and by slice."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.errors import EvaluationError
from tfx_automl.models.task import TaskSpec

EXAMPLE_COUNT = "example_count"
CONFUSION_MATRIX = "confusion_matrix"

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
    "multiclass": ("accuracy", "loss"),
    "regression": ("rmse", "mae", "mse", "r2", "mean_prediction", "mean_label"),
}


@dataclass(frozen=True)
class SliceMetrics:
    """The rows that share a value of one feature, or of each of several, and how the model does on them.

    Attributes:
        features: Names of raw features; empty for all rows.
        values: One value each, as text.
        count: Number of rows.
        metrics: By name (see `METRICS`); None where a metric is not defined, such as `tpr` without positive rows.
    """

    features: tuple[str, ...]
    values: tuple[str, ...]
    count: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)

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


def read_evaluation(result: Any, task: TaskSpec, sensitive: Sequence[Sequence[str]]) -> Evaluation:
    """Reads what `tfma.load_eval_result` returns.

    Args:
        result: A `tfma.EvalResult` made with `make_eval_config`.
        task: What the model predicts.
        sensitive: The groups of features that were sliced on.

    Raises:
        EvaluationError: The result has no metrics over all rows.
    """
    by_key = {tuple(key): outputs[""][""] for key, outputs in result.slicing_metrics}
    if () not in by_key:
        raise EvaluationError(
            "TFMA's result has no metrics over all rows; the evaluation did not finish. Run it again."
        )
    groups = {tuple(group): _slices(by_key, tuple(group), task) for group in sensitive}
    return Evaluation(_slice((), (), by_key[()], task), groups)


def _slices(by_key: Mapping[Any, Any], group: tuple[str, ...], task: TaskSpec) -> tuple[SliceMetrics, ...]:
    # TFMA orders the features of a crossing by name, a person as they were asked for.
    found = {
        tuple(dict(key)[name] for name in group): raw
        for key, raw in by_key.items()
        if {name for name, _ in key} == set(group)
    }
    ordered = sorted(found, key=lambda values: [_order(value) for value in values])
    return tuple(_slice(group, values, found[values], task) for values in ordered)


def _order(value: Any) -> tuple[bool, float, str]:
    """Orders numbers by size, before text."""
    return (True, 0.0, value) if isinstance(value, str) else (False, float(value), "")


def _slice(features: tuple[str, ...], values: Iterable[Any], raw: Mapping[str, Any], task: TaskSpec) -> SliceMetrics:
    scalars = {name: _number(value["doubleValue"]) for name, value in raw.items() if "doubleValue" in value}
    if CONFUSION_MATRIX in raw:
        scalars["accuracy"] = _accuracy(raw[CONFUSION_MATRIX])
    if scalars.get("mse") is not None:
        scalars["rmse"] = math.sqrt(scalars["mse"] or 0.0)
    count = int(scalars[EXAMPLE_COUNT] or 0)
    metrics = {name: scalars.get(name) for name in METRICS[task.kind]}
    return SliceMetrics(features, tuple(map(_text, values)), count, metrics)


def _number(value: Any) -> float | None:
    number = float(value)  # TFMA writes NaN as text
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _accuracy(matrices: Mapping[str, Any]) -> float:
    entries = matrices["multiClassConfusionMatrixAtThresholds"]["matrices"][0]["entries"]
    # Protobuf's JSON leaves out a class index of 0.
    right = sum(
        entry["numWeightedExamples"]
        for entry in entries
        if entry.get("actualClassId", 0) == entry.get("predictedClassId", 0)
    )
    return float(right / sum(entry["numWeightedExamples"] for entry in entries))
