"""Reports like those of real evaluations, made from predictions without a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_automl.components.evaluator.columnar.engine import measure
from tfx_automl.components.evaluator.intervals import spread_samples
from tfx_automl.components.evaluator.measured import Details, Measured
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.outcome import decide, to_json
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics, metric_names
from tfx_automl.models.task import TaskSpec

CLASSES = {"binary": ("<=50K", ">50K"), "multiclass": ("red", "green", "blue"), "regression": ()}
SENSITIVE = (("sex",), ("race",), ("sex", "race"))


def make_rows(kind: str = "binary", rows: int = 4000, seed: int = 0) -> Predictions:
    """Returns predictions for people of whom some are more often positive, and predicted so."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], rows, p=[0.33, 0.67])
    races = ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]
    race = rng.choice(races, rows, p=[0.84, 0.1, 0.04, 0.015, 0.005])
    features = {"sex": Column.of(sex), "race": Column.of(race)}
    shift = np.where(sex == "Male", 0.7, -0.9) + np.where(race == "White", 0.1, -0.4) - 1.2
    if kind == "regression":
        label = shift + rng.normal(40, 2, rows)
        return Predictions(label, label + rng.normal(0, 1 + (sex == "Male"), rows), features)
    if kind == "multiclass":
        label = rng.integers(0, 3, rows)
        score = rng.dirichlet([1, 1, 1], rows) + 0.7 * np.eye(3)[label]
        return Predictions(label, score / score.sum(axis=1, keepdims=True), features)
    logit = shift + rng.normal(0, 1.8, rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    score = 1 / (1 + np.exp(-(0.9 * logit + rng.normal(0, 0.5, rows))))
    return Predictions(label, score.astype(np.float32).astype(np.float64), features)


def make_report(
    predictions: Predictions,
    sensitive: Sequence[Sequence[str]] = SENSITIVE,
    threshold: float = 0.5,
    baseline: Mapping[str, Mapping[str, float | None]] | None = None,
    replicates: int = 50,
    by_group: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Returns the content of `report.json`; `by_group` is what a model card says of thresholds by group."""
    kind = "regression" if predictions.label.dtype.kind == "f" else "binary" if predictions.score.ndim == 1 else None
    task = TaskSpec(kind or "multiclass", "income", CLASSES[kind or "multiclass"])  # type: ignore[arg-type]
    chosen = EvaluatorOptions(task, sensitive, replicates=replicates, **options)
    found = measure(predictions, chosen.plan(threshold, by_row=predictions.threshold is not None))
    slices = {tuple(group): [] for group in sensitive}
    for part in found[1:]:
        group = next(group for group in slices if set(group) == {name for name, _ in part.key})
        slices[group].append(_slice(part, group, task))
    evaluation = Evaluation(_slice(found[0], (), task), {group: tuple(parts) for group, parts in slices.items()})
    return to_json(decide(chosen, evaluation, baseline, threshold, by_group=by_group))


def _slice(part: Measured, group: Sequence[str], task: TaskSpec) -> SliceMetrics:
    numbers = {name: part.model.metrics.get(name, np.nan) for name in metric_names(task)}
    metrics = {name: value if np.isfinite(value) else None for name, value in numbers.items()}
    samples = spread_samples(part.model.samples, part.model.metrics, part.rows)
    values = tuple(str(dict(part.key)[name]) for name in group)
    return SliceMetrics(
        tuple(group), values, part.rows, metrics, Details(samples, part.histogram, at_common=part.at_common)
    )


def with_comparison(report: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Returns a report with a comparison in which groups win, lose, and neither."""
    rng = np.random.default_rng(seed)

    def differences(names: Sequence[str], rows: int) -> dict[str, Any]:
        half = 1.0 / np.sqrt(rows)
        values = {name: float(rng.normal(0.0, 0.04)) for name in names}
        return {name: {"value": value, "interval": [value - half, value + half]} for name, value in values.items()}

    names = [name for name in ("auc", "accuracy", "selection_rate", "tpr", "rmse") if name in report["metrics"]]
    shares = {"binary": {"to_positive": 0.02, "to_negative": 0.012}, "multiclass": {"changed": 0.03}}
    flips = shares.get(report["task"]["kind"])
    comparison = {
        "model": "pushed/model/7",
        "metrics": dict(report["metrics"]),
        "differences": differences(names, report["rows"]),
        "flips": flips,
        "slices": [
            {
                **{key: part[key] for key in ("feature", "value", "count")},
                "differences": differences(names, part["count"]),
                "flips": flips,
            }
            for part in report["slices"]
        ],
    }
    return {**report, "comparison": comparison}
