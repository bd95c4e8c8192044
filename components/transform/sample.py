"""A sample of the train split's rows, as NumPy arrays, for what the statistics of single columns cannot tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfx_automl.components.transform.features.raw import as_float, as_text
from tfx_automl.components.transform.plan import FeaturePlan

_ROWS = 20_000
_ROWS_PER_BATCH = 4096
# Rows are taken evenly from so many times as many, in case the first ones are alike; reading all might take long.
_SPREAD = 10
NUMBERS = ("numeric", "log", "quantile", "date")
CATEGORIES = ("categorical", "hashed")
SAMPLED = (*NUMBERS, *CATEGORIES)

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """Rows of the train split; columns of other kinds are not in it.

    Attributes:
        numbers: By column, with NaN where there is none, float64 of shape [rows].
        categories: By column, numbered in the order in which they occur, int64 of shape [rows].
        label: Target, or index of the class (-1 if it is none of the task's), float64 of shape [rows].
    """

    numbers: Mapping[str, Floats]
    categories: Mapping[str, Codes]
    label: Floats

    def __len__(self) -> int:
        return len(self.label)


def read_sample(plan: FeaturePlan, files: Sequence[str], specs: Mapping[str, Any]) -> Sample:
    """Reads a sample of the columns that a plan keeps, and of the label.

    Args:
        plan: What becomes of each column.
        files: Gzip-compressed TFRecords of the train split.
        specs: By which TensorFlow parses the examples.
    """
    numbers = [d.name for d in plan.decisions if d.kind in NUMBERS]
    texts = [d.name for d in plan.decisions if d.kind in CATEGORIES]
    label = plan.task.label
    of_label = as_float if plan.task.kind == "regression" else as_text

    @tf.autograph.experimental.do_not_convert  # rewriting the source takes longer than reading the sample
    def parse(serialized: Any) -> tuple[dict[str, Any], dict[str, Any], Any]:
        parsed = tf.io.parse_example(serialized, {name: specs[name] for name in (*numbers, *texts, label)})
        values = {name: as_float(parsed[name]) for name in numbers}
        return values, {name: as_text(parsed[name]) for name in texts}, of_label(parsed[label])

    step = max(1, min(_SPREAD, plan.rows // _ROWS))
    records = tf.data.TFRecordDataset(list(files), "GZIP").shard(step, 0).take(_ROWS)
    batches = list(records.batch(_ROWS_PER_BATCH).map(parse).as_numpy_iterator())
    columns = {name: np.concatenate([batch[0][name] for batch in batches]) for name in numbers}
    codes = {name: in_order(np.concatenate([batch[1][name] for batch in batches])) for name in texts}
    labels = np.concatenate([batch[2] for batch in batches])
    return Sample(columns, codes, labels if plan.task.kind == "regression" else _classes(labels, plan.task.classes))


def in_order(values: npt.NDArray[Any]) -> Codes:
    """Numbers values in the order in which they occur, so that columns that differ only in names become the same."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    codes: Codes = np.argsort(np.argsort(first))[inverse]
    return codes


def _classes(labels: npt.NDArray[Any], classes: Sequence[str]) -> Floats:
    known, found = np.array([name.encode() for name in classes]), labels.astype(np.bytes_)
    order = np.argsort(known)
    index = order[np.minimum(np.searchsorted(known[order], found), len(known) - 1)]
    return np.where(known[index] == found, index, -1).astype(np.float64)
