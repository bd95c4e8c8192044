"""Training one model with several devices or processes: each takes its share of every batch.

The batch stays as large as it is, and gradients are summed before the step; so the model is the one that a single
device would have trained, up to rounding. With dropout it is another one: which units are left out is drawn for shares.
"""

import json
import os
from collections.abc import Callable
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


def step_of(gradients_of: Callable[..., Any], apply: Callable[[list[Any]], None], strategy: Any) -> Callable[..., Any]:
    """Returns a step of training as TensorFlow operations: from the inputs and labels of a batch to its mean loss.

    Args:
        gradients_of: From inputs and labels to their mean loss and its gradients.
        apply: Changes the weights by gradients.
        strategy: With one, each replica computes the gradients of its share of the rows.
    """
    import tensorflow as tf

    def step(inputs: dict[str, Any], labels: Any) -> Any:
        loss, gradients = gradients_of(inputs, labels)
        apply(gradients)
        return loss

    def on_replica(inputs: dict[str, Any], labels: Any) -> Any:
        replica = tf.distribute.get_replica_context()
        share = slice(replica.replica_id_in_sync_group, None, replica.num_replicas_in_sync)
        mine = labels[share]
        loss, gradients = gradients_of({name: values[share] for name, values in inputs.items()}, mine)
        # Shares need not be of the same size: the mean over all rows is the sum of the means, weighted by rows.
        weight = tf.size(mine) / tf.size(labels)
        weight = tf.cast(weight, tf.float32)
        parts = [weight * loss, *(weight * tf.convert_to_tensor(g) for g in gradients if g is not None)]
        whole = iter(replica.all_reduce(tf.distribute.ReduceOp.SUM, parts))
        total = next(whole)
        apply([None if gradient is None else next(whole) for gradient in gradients])
        return total

    def shared_step(inputs: dict[str, Any], labels: Any) -> Any:
        losses = strategy.run(on_replica, args=(inputs, labels))
        return strategy.experimental_local_results(losses)[0]

    return step if strategy is None else shared_step


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
