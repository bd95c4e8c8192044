"""The preprocessing function that TensorFlow Transform runs: it carries out a feature plan.

Means, medians and vocabularies stand in the plan, from the statistics that were computed before; so for most data there
is nothing left to analyse. Vocabularies are searched in a sorted constant rather than in a hash table: a table is a
stateful resource, and TensorFlow Transform starts a pass over the data for every column that goes through one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfx_automl.components.transform.features.categories import category
from tfx_automl.components.transform.features.dates import date
from tfx_automl.components.transform.features.images import image
from tfx_automl.components.transform.features.lists import categories_of_list, numbers_of_list
from tfx_automl.components.transform.features.numbers import number
from tfx_automl.components.transform.features.quantiles import quantile
from tfx_automl.components.transform.features.raw import as_float, as_text
from tfx_automl.components.transform.features.words import words
from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan, Kind
from tfx_automl.models.raw_tensors import position
from tfx_automl.models.task import TaskSpec

PLAN_KEY = "feature_plan"

_MAKERS: dict[Kind, Callable[[FeatureDecision, Any], dict[str, Any]]] = {
    "numeric": number,
    "log": number,
    "quantile": quantile,
    "date": date,
    "categorical": category,
    "hashed": category,
    "text": words,
    "list of numbers": numbers_of_list,
    "list of categories": categories_of_list,
    "image": image,
    "image size": image,
}


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Transforms raw columns by the plan in `custom_config["feature_plan"]`, which is JSON text.

    Args:
        inputs: Dense or sparse tensors of shape [rows, values].
        custom_config: As Transform's executor sets it.

    Returns:
        Dense tensors of shape [rows], or [rows, columns] where a feature is a vector; see `FeatureDecision.outputs`
        for their names. Numbers are float32, categories and class indices int64.
    """
    plan = FeaturePlan.from_json(custom_config[PLAN_KEY])
    outputs: dict[str, Any] = {}
    for decision in plan.decisions:
        if decision.kind != "dropped":
            outputs.update(_transform(decision, inputs[decision.name], plan.task))
    return outputs


def _transform(decision: FeatureDecision, raw: Any, task: TaskSpec) -> dict[str, Any]:
    if decision.kind in _MAKERS:
        return _MAKERS[decision.kind](decision, raw)
    if task.kind == "regression":
        return {task.transformed_label: tf.cast(as_float(raw), tf.float32)}
    return {task.transformed_label: position(as_text(raw), task.classes)}
