"""Mean and standard deviation of columns for which the statistics do not hold them, in one pass over a split."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_automl.components.transform.plan import FeatureDecision

_ROWS_PER_BATCH = 8192


def exact_moments(
    files: Sequence[str], specs: dict[str, Any], decisions: Sequence[FeatureDecision]
) -> dict[str, dict[str, float]]:
    """Computes `mean`, `std` and, where it is unknown, `fill` of the finite numbers of each column.

    Only the given columns are parsed. Sums are taken in float64, of the distance to `fill`, which keeps them small.

    Args:
        files: Gzip-compressed TFRecords of tf.Example.
        specs: By which TensorFlow parses the examples.
        decisions: For columns of numbers; moments of the kind `log` are those of `log(1 + x)`.

    Returns:
        Parameters by column. A column without spread has the standard deviation 1.
    """
    if not decisions:
        return {}
    shifts = np.array([_shown(decision, decision.parameters.get("fill", 0.0)) for decision in decisions])

    @tf.autograph.experimental.do_not_convert  # rewriting the source takes longer than the pass over most data
    def sums_of(serialized: Any) -> Any:
        parsed = tf.io.parse_example(serialized, {d.name: specs[d.name] for d in decisions})
        return tf.stack([_sums(parsed[d.name], d, shift) for d, shift in zip(decisions, shifts, strict=True)])

    # Files are read side by side, in batches: taking turns record by record costs more than parsing.
    names = tf.data.Dataset.from_tensor_slices(tf.constant(list(files), tf.string))
    batches = names.interleave(_batches, num_parallel_calls=tf.data.AUTOTUNE)
    batches = batches.map(sums_of, num_parallel_calls=tf.data.AUTOTUNE)
    # Without a `reduce`: tracing one costs more than this loop over a few small arrays.
    count, total, squares = sum(batches.as_numpy_iterator(), np.zeros([len(decisions), 3])).T
    count = np.maximum(count, 1)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    moments = zip(decisions, (mean + shifts).tolist(), std.tolist(), strict=True)
    return {d.name: {"fill": m, **d.parameters, "mean": m, "std": s or 1.0} for d, m, s in moments}


@tf.autograph.experimental.do_not_convert
def _batches(file: Any) -> Any:
    return tf.data.TFRecordDataset(file, "GZIP").batch(_ROWS_PER_BATCH)


def _shown(decision: FeatureDecision, value: float) -> float:
    return float(np.log1p(value)) if decision.kind == "log" else value


def _sums(raw: Any, decision: FeatureDecision, shift: float) -> Any:
    """Returns the number of finite values, their sum and their sum of squares, as float64 of shape [3]."""
    values = tf.cast(tf.reshape(raw.values if isinstance(raw, tf.SparseTensor) else raw, [-1]), tf.float64)
    values = tf.boolean_mask(values, tf.math.is_finite(values))
    values = (tf.math.log1p(values) if decision.kind == "log" else values) - shift
    return tf.stack([tf.cast(tf.size(values), tf.float64), tf.reduce_sum(values), tf.reduce_sum(values**2)])
