"""Target statistics: for categories of many values, the mean of the label by value.

In the Transform graph, and so for eval, test and serving, stands a table of the whole train split. The rows of the
train split itself get values from the other folds only: a model that saw the mean of a value, its own label in it,
would trust it far too much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfx_automl.components.transform.features.categories import known_index
from tfx_automl.components.transform.features.raw import as_float, as_text
from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan, target_name
from tfx_automl.models.growing import open_array
from tfx_automl.models.inputs import InputSpec
from tfx_automl.models.raw_tensors import position
from tfx_automl.models.task import TaskSpec

_FOLDS = 5
_MORE_VALUES_THAN = 20
_FEWEST_ROWS_PER_VALUE = 10
# The mean of all labels counts as so many rows of every value.
_SMOOTHING = 20.0
_ROWS_PER_BATCH = 8192

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Rows and labels by index.

    Attributes:
        count: Number of rows, float64 of shape [..., indices].
        total: Sum of their labels, in the same shape.
    """

    count: Numbers
    total: Numbers

    def smoothed(self, prior: float) -> Numbers:
        """Returns the mean label by index, drawn to the prior where there are few rows."""
        means: Numbers = (self.total + _SMOOTHING * prior) / (self.count + _SMOOTHING)
        return means


def with_targets(plan: FeaturePlan, files: Sequence[str], specs: Mapping[str, Any]) -> FeaturePlan:
    """Adds target statistics to a plan where there are enough rows of every value; none for a multiclass task.

    Args:
        plan: What becomes of each column.
        files: Gzip-compressed TFRecords of the train split.
        specs: By which TensorFlow parses the examples.
    """
    chosen = [decision for decision in plan.decisions if _is_worth_it(decision, plan)]
    sums = _sums(chosen, files, specs, plan.task) if chosen else {}
    for decision in chosen:
        parameters = {decision.name: _parameters(sums[decision.name])}
        reason = f"{decision.reason}; and the mean label of each value, from the other folds for training rows"
        plan = plan.with_parameters(parameters).with_reasons({decision.name: reason})
    return plan


def _is_worth_it(decision: FeatureDecision, plan: FeaturePlan) -> bool:
    size = len(decision.parameters.get("vocabulary", ())) or decision.parameters.get("buckets", 0)
    taken = {output for other in plan.decisions for output in other.outputs}
    return (
        plan.task.kind != "multiclass"
        and decision.kind in ("categorical", "hashed")
        and size > _MORE_VALUES_THAN
        and plan.rows >= size * _FEWEST_ROWS_PER_VALUE
        and target_name(decision.name) not in taken
    )


def _sums(
    decisions: Sequence[FeatureDecision], files: Sequence[str], specs: Mapping[str, Any], task: TaskSpec
) -> dict[str, Sums]:
    """Adds up labels by index, in one pass that parses only the columns that it needs."""
    names = [*(decision.name for decision in decisions), task.label]

    @tf.autograph.experimental.do_not_convert  # rewriting the source takes longer than the pass over most data
    def batch_sums(serialized: Any) -> list[Any]:
        parsed = tf.io.parse_example(serialized, {name: specs[name] for name in names})
        label = _label(parsed[task.label], task)
        return [_by_index(*known_index(decision, parsed[decision.name]), label) for decision in decisions]

    batches = (
        tf.data.TFRecordDataset(list(files), "GZIP")
        .batch(_ROWS_PER_BATCH)
        .map(batch_sums, num_parallel_calls=tf.data.AUTOTUNE)
    )
    totals: list[Any] = [0.0] * len(decisions)
    for parts in batches.as_numpy_iterator():
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
    return {decision.name: Sums(*total) for decision, total in zip(decisions, totals, strict=True)}


def _label(raw: Any, task: TaskSpec) -> Any:
    """Returns the target, or 1 for the positive class; NaN where it is missing or none that the task knows."""
    if task.kind == "regression":
        return as_float(raw)
    index = position(as_text(raw), task.classes)
    return tf.where(index < 0, tf.constant(np.nan, tf.float64), tf.cast(index, tf.float64))


def _by_index(index: Any, size: Any, label: Any) -> Any:
    """Returns rows and sum of labels by index, float64 of shape [2, size]."""
    known = tf.math.is_finite(label)
    rows = tf.stack([tf.cast(known, tf.float64), tf.where(known, label, tf.zeros_like(label))], axis=1)
    return tf.transpose(tf.math.unsorted_segment_sum(rows, index, size))


def _parameters(sums: Sums) -> dict[str, Any]:
    rows = max(1.0, sums.count.sum())
    prior = float(sums.total.sum() / rows)
    means = sums.smoothed(prior)
    std = float(np.sqrt((sums.count * (means - prior) ** 2).sum() / rows)) or 1.0
    return {"target": means.tolist(), "target_mean": prior, "target_std": std}


def out_of_fold(index: npt.NDArray[Any], label: npt.NDArray[Any], size: int, prior: float) -> Numbers:
    """Returns, for every row, the smoothed mean label of its index in the other folds.

    Args:
        index: Below `size`, shape [rows].
        label: Target, or 0 and 1, shape [rows].
        size: Number of indices.
        prior: Mean of all labels. That each of them is a small part of it tells nothing that could be learned.
    """
    cell = np.arange(len(index)) % _FOLDS * size + index
    count = np.bincount(cell, minlength=_FOLDS * size).reshape(_FOLDS, size).astype(np.float64)
    total = np.bincount(cell, np.asarray(label, np.float64), _FOLDS * size).reshape(_FOLDS, size)
    others = Sums(count.sum(0) - count, total.sum(0) - total)
    means: Numbers = others.smoothed(prior).reshape(-1)[cell]
    return means


def put_out_of_fold(plan: FeaturePlan, inputs: InputSpec, folder: Path) -> None:
    """Replaces the target statistics in the arrays of the train split by those from the other folds.

    Args:
        plan: With the target statistics of the whole split.
        inputs: What the columns of the arrays are.
        folder: With `numeric.npy`, `categorical.npy` and `label.npy` of the split.
    """
    encoded = [decision for decision in plan.decisions if "target" in decision.parameters]
    if not encoded:
        return
    numeric = np.load(folder / "numeric.npy", mmap_mode="r+")
    categorical, label = open_array(folder / "categorical.npy"), open_array(folder / "label.npy")
    columns = [name for name, _ in inputs.categorical]
    for decision in encoded:
        prior, std = decision.parameters["target_mean"], decision.parameters["target_std"]
        index = categorical[:, columns.index(decision.outputs[0])]
        means = out_of_fold(index, label, len(decision.parameters["target"]), prior)
        numeric[:, inputs.numeric.index(target_name(decision.name))] = (means - prior) / std
    numeric.flush()
