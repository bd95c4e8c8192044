"""The executor of Transform: plans, then lets the stock executor carry the plan out."""

import os
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.transform import executor as stock
from tfx.types import artifact_utils
from tfx.utils import json_utils

from tfx_automl import console
from tfx_automl.components.transform.plan import FILE, FeaturePlan
from tfx_automl.components.transform.planner import plan_features
from tfx_automl.components.transform.preprocessing import PLAN_KEY, preprocessing_fn
from tfx_automl.errors import DataError
from tfx_automl.models.task import TaskSpec

Artifacts = dict[str, list[types.Artifact]]


class Executor(stock.Executor):
    """Plans features from the statistics of the train split and runs TensorFlow Transform with the plan."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Plans and transforms; see `Transform` for the parameters."""
        plan = _plan(input_dict["statistics"], exec_properties)
        folder = Path(artifact_utils.get_single_uri(output_dict["feature_plan"]))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(plan.to_json(), encoding="utf-8")
        kept = sum(decision.kept for decision in plan.decisions)
        dropped = [decision.name for decision in plan.decisions if decision.kind == "dropped"]
        console.line(f"  {kept} features kept, {len(dropped)} dropped{': ' if dropped else ''}{', '.join(dropped)}")
        stock_properties = {
            **exec_properties,
            "preprocessing_fn": f"{preprocessing_fn.__module__}.{preprocessing_fn.__name__}",
            "custom_config": json_utils.dumps({PLAN_KEY: plan.to_json()}),
        }
        stock_inputs = {key: value for key, value in input_dict.items() if key != "statistics"}
        stock_outputs = {key: value for key, value in output_dict.items() if key != "feature_plan"}
        super().Do(stock_inputs, stock_outputs, stock_properties)
        _check_rows(input_dict["examples"], output_dict["transformed_examples"])


def _plan(statistics: list[types.Artifact], exec_properties: dict[str, Any]) -> FeaturePlan:
    uri = artifact_utils.get_split_uri(statistics, "train")
    train = tfdv.load_stats_binary(os.path.join(uri, "FeatureStats.pb")).datasets[0]
    exclude = json_utils.loads(exec_properties["exclude"])
    return plan_features(train, TaskSpec.from_json(exec_properties["task"]), exclude)


def _check_rows(before: list[types.Artifact], after: list[types.Artifact]) -> None:
    """Makes sure that no row was lost on the way.

    Raises:
        DataError: A split has another number of rows than before.
    """
    for split in artifact_utils.decode_split_names(artifact_utils.get_single_instance(after).split_names):
        counts = [_count(artifact_utils.get_split_uris(artifacts, split)) for artifacts in (before, after)]
        if counts[0] != counts[1]:
            raise DataError(f"Transform got {counts[0]} rows in the split {split!r}, but wrote {counts[1]}.")


def _count(uris: list[str]) -> int:
    files = [path for uri in uris for path in tf.io.gfile.glob(os.path.join(uri, "*"))]
    batches = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(10_000)
    return int(batches.reduce(tf.constant(0, tf.int64), lambda total, batch: total + tf.size(batch, tf.int64)))
