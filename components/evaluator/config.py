"""The TFMA configuration of an evaluation: which model outputs, which metrics, which slices."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow_model_analysis.proto import config_pb2  # TFMA 0.52 no longer has these types at its top level

from tfx_automl.components.evaluator.outputs import output_name
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.slices import CONFUSION_MATRIX, EXAMPLE_COUNT

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
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=sorted(group)) for group in plan.sensitive),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metric_configs(plan))],
    )


def _metric_configs(plan: EvaluationPlan) -> list[Any]:
    task, threshold, replicates = plan.task, plan.threshold, plan.replicates
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
    if task.kind == "binary" or replicates:
        options = {"task": task.to_json(), "threshold": threshold, "replicates": replicates}
        configs.append(_metric("auc", "RowMetrics", options, ROW_METRICS))
    return configs


def _just_below(threshold: float) -> float:
    """Returns the threshold for TFMA, which counts a prediction as positive when it is greater than that.

    The decision rule here is "at least the threshold". Predictions are float32, so "greater than the float32 just
    below" is the same rule, exactly.
    """
    return float(np.nextafter(np.float32(threshold), np.float32(0)))


def _metric(name: str, class_name: str, options: Mapping[str, Any] | None = None, module: str = "") -> Any:
    config = json.dumps({"name": name, **(options or {})})
    return config_pb2.MetricConfig(class_name=class_name, module=module, config=config)
