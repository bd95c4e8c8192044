"""Trains one network alone and shared by two virtual devices; as a script, because devices are set up only once.

python distribution_for_tests.py FOLDER KIND
"""

import json
import sys
from pathlib import Path

import numpy as np
from training_data_for_tests import write_training_data

from tfx_automl.models.distribution import make_strategy
from tfx_automl.models.families import start_model
from tfx_automl.models.model import Workplace

VALUES = {
    "family": "mlp",
    "layers": 2,
    "units": 32,
    "dropout": 0.0,
    "learning_rate": 3e-3,
    "weight_decay": 1e-3,
    "batch_size": 33,  # an odd number: the shares are not of the same size
    "numeric_pieces": 8,
}
LOSS = {"binary": {"class_weight": "balanced"}, "regression": {"loss": "huber", "target": "plain"}}
EPOCHS = 3


def main(folder: str, kind: str) -> dict[str, object]:
    """Returns how far the two are apart, and what the training came to."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    data = write_training_data(Path(folder), kind)
    strategy = make_strategy("mirrored")
    values = {**VALUES, **LOSS[kind]}
    alone, shared = (start_model(values, 3, Workplace(data, strategy=s)) for s in (None, strategy))
    start = [weights.copy() for weights in alone.snapshot()]
    losses = [[model.train_epoch().metrics for _ in range(EPOCHS)] for model in (alone, shared)]
    shared.save(Path(folder) / "checkpoint")
    again = start_model(values, 3, Workplace(data))
    again.load(Path(folder) / "checkpoint")
    pairs = list(zip(alone.snapshot(), shared.snapshot(), strict=True))
    return {
        "replicas": strategy.num_replicas_in_sync,
        "apart": max(float(np.abs(a - b).max()) for a, b in pairs),
        "moved": max(float(np.abs(a - b).max()) for a, b in zip(alone.snapshot(), start, strict=True)),
        "losses": [[epoch["loss"] for epoch in run] for run in losses],
        "replicas_apart": max(
            float(np.abs(np.subtract(*(part.numpy() for part in variable.value.values))).max())
            for variable in shared.model.trainable_variables
        ),
        "loaded": all(np.array_equal(a, b) for a, b in zip(again.snapshot(), shared.snapshot(), strict=True)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
