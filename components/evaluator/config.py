"""The TFMA configuration of an evaluation: which model outputs, which metrics, which slices."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2  # TFMA 0.52 no longer has these types at its top level
from tensorflow_model_analysis.proto.config_pb2 import SlicingSpec

from tfx_automl.components.evaluator.outputs import output_name
from tfx_automl.components.evaluator.plan import Bound, EvaluationPlan
from tfx_automl.components.evaluator.slices import CONFUSION_MATRIX, EXAMPLE_COUNT
from tfx_automl.models.metrics import DECISION_THRESHOLD

_AT_THRESHOLD = {
    "precision": "Precision",
    "tpr": "Recall",
    "fpr": "FallOut",
    "fnr": "MissRate",
    "selection_rate": "PredictedPositiveRate",
}
ROW_METRICS = "tfx_automl.components.evaluator.row_metrics"
_MEANS = {"mean_prediction": "MeanPrediction", "mean_label": "MeanLabel"}
_METRICS: dict[str, dict[str, str]] = {
    "binary": {"loss": "BinaryCrossEntropy", "calibration": "Calibration", **_MEANS},
    "multiclass": {"loss": "CategoricalCrossEntropy"},
    "regression": {"mae": "MeanAbsoluteError", "mse": "MeanSquaredError", **_MEANS},
}


def make_eval_config(plan: EvaluationPlan) -> config_pb2.EvalConfig:
    """Returns what TFMA is to compute.

    Metrics carry this package's names (see `slices.METRICS`), so that TFMA's own viewers and our report say the same.

    Returns:
        A configuration for a model with the signatures `serving_default` and `transform_features`; the label is what
        `transform_features` returns under the label's transformed name.
    """
    task = plan.task
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                prediction_key=output_name(task),
                preprocessing_function_names=["transform_features"],
                label_key=task.transformed_label,
            )
        ],
        slicing_specs=[
            SlicingSpec(),
            *(SlicingSpec(feature_keys=sorted(group)) for group in plan.sensitive),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metric_configs(plan))],
    )


def written_config(plan: EvaluationPlan, compared: bool) -> config_pb2.EvalConfig:
    """Returns what TFMA is told that was computed: also what is bounded and, if two models were compared, both.

    Args:
        plan: What was measured.
        compared: Whether with another model, which TFMA calls the baseline.
    """
    config = make_eval_config(plan)
    (metrics,) = config.metrics_specs
    for bound in plan.bounds:
        if compared or not bound.change:
            # By slice, of which this is the one with all rows: plain thresholds would hold for every slice.
            everywhere = metrics.per_slice_thresholds[bound.metric].thresholds.add(slicing_specs=[SlicingSpec()])
            everywhere.threshold.CopyFrom(_threshold(bound))
    if compared:
        config.model_specs[0].name = tfma.CANDIDATE_KEY
        config.model_specs.add().CopyFrom(config.model_specs[0])
        config.model_specs[1].name, config.model_specs[1].is_baseline = tfma.BASELINE_KEY, True
        metrics.model_names.extend([tfma.CANDIDATE_KEY, tfma.BASELINE_KEY])
    return config


def _threshold(bound: Bound) -> config_pb2.MetricThreshold:
    side = {"value": bound.value}
    if not bound.change:
        return config_pb2.MetricThreshold(value_threshold={"lower_bound" if bound.at_least else "upper_bound": side})
    directions = config_pb2.MetricDirection
    direction = directions.HIGHER_IS_BETTER if bound.at_least else directions.LOWER_IS_BETTER
    return config_pb2.MetricThreshold(change_threshold={bound.change: side, "direction": direction})


def _metric_configs(plan: EvaluationPlan) -> list[Any]:
    # Where every row has its own threshold, these metrics get decisions, 1 or 0, for predictions.
    task, threshold = plan.task, DECISION_THRESHOLD if plan.by_row else plan.threshold
    configs = [_metric(EXAMPLE_COUNT, "ExampleCount")]
    configs += [_metric(name, class_name) for name, class_name in _METRICS[task.kind].items()]
    if task.kind == "binary":
        below = _just_below(threshold)
        configs.append(_metric("accuracy", "BinaryAccuracy", {"threshold": below}))
        configs += [_metric(name, kind, {"thresholds": [below]}) for name, kind in _AT_THRESHOLD.items()]
    if task.kind == "multiclass":
        # At threshold 0 every row is predicted as its most probable class.
        configs.append(_metric(CONFUSION_MATRIX, "MultiClassConfusionMatrixAtThresholds", {"thresholds": [0.0]}))
    if task.kind == "regression":
        configs.append(_metric("r2", "RSquared", module="tfx_automl.components.evaluator.r_squared"))
    return [*configs, _metric("measured", "RowMetrics", {"plan": plan.to_json()}, ROW_METRICS)]


def _just_below(threshold: float) -> float:
    """Returns the threshold for TFMA, which counts a prediction as positive when it is greater than that.

    The decision rule here is "at least the threshold". Predictions are float32, so "greater than the float32 just
    below" is the same rule, exactly.
    """
    return float(np.nextafter(np.float32(threshold), np.float32(0)))


def _metric(name: str, class_name: str, options: Mapping[str, Any] | None = None, module: str = "") -> Any:
    config = json.dumps({"name": name, **(options or {})})
    return config_pb2.MetricConfig(class_name=class_name, module=module, config=config)
