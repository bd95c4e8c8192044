"""Training one model with several devices or processes: each takes its share of every batch.

The batch stays as large as it is, and gradients are summed before the step; so the model is the one that a single
device would have trained, up to rounding (and dropout, which every replica draws for its own rows).
"""

import json
import os
from typing import Any

from tfx_automl.errors import ModelError

DISTRIBUTIONS = ("none", "mirrored", "multi_worker")


def make_strategy(distribution: str) -> Any:
    """Returns a `tf.distribute` strategy by name; None for `none`.

    `mirrored` takes all GPUs of this machine or, where there is none, all (virtual) CPU devices; `multi_worker` one
    process for each worker that the variable `TF_CONFIG` names. The latter must be called before TensorFlow is used.

    Raises:
        ModelError: TensorFlow was used before, or `TF_CONFIG` names no cluster.
    """
    if distribution == "none":
        return None
    import tensorflow as tf

    if distribution == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if not json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster"):
        raise ModelError(
            "distribution multi_worker: the variable TF_CONFIG must name the cluster and this process's task, as"
            ' {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}; it does not.'
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ModelError(
            f"distribution multi_worker must be set up before TensorFlow is used, but it was ({error}); run the"
            " component in a process of its own, as Kubeflow does."
        ) from error


def is_chief(strategy: Any) -> bool:
    """Tells whether this process is the one that writes."""
    resolver = getattr(strategy, "cluster_resolver", None)
    if resolver is None or not resolver.task_type:
        return True
    chiefs = resolver.cluster_spec().as_dict().get("chief")
    return bool(resolver.task_type == "chief" or (not chiefs and resolver.task_id == 0))


def check_agreement(strategy: Any, epochs: int) -> None:
    """Makes sure that all workers begin after the same epoch; a collective call.

    Raises:
        ModelError: They do not: they see different checkpoints.
    """
    if strategy is None:
        return
    import tensorflow as tf

    everywhere = strategy.run(lambda: tf.constant(epochs))
    total = int(strategy.reduce(tf.distribute.ReduceOp.SUM, everywhere, axis=None))
    if total != epochs * strategy.num_replicas_in_sync:
        raise ModelError(
            "distribution multi_worker: the workers do not see the same checkpoints of the interrupted training; put"
            " the pipeline's root on storage that they share."
        )
