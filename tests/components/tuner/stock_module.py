"""A user's module with a stock `tuner_fn`; `custom_config` chooses the tuner and what goes wrong in it.

Every trial appends lines to the file `custom_config["log"]`, so that tests see what ran, where and how often.
"""

import os
import signal
import time
from pathlib import Path

import keras
import keras_tuner
import numpy as np
from tfx.components.tuner.component import TunerFnResult

TUNERS = {
    "RandomSearch": {"max_trials": 6, "seed": 3},
    "BayesianOptimization": {"max_trials": 6, "num_initial_points": 3, "seed": 3},
    "GridSearch": {},
    "Hyperband": {"max_epochs": 2, "factor": 2, "seed": 3},
}


def loss_of(values):
    """What a trial without a model comes to: a function of its hyperparameters."""
    return round((values["x"] - 2) ** 2 + (0.5 if values["kind"] == "b" else 0.0), 6)


def listening_sockets(process):
    """The listening TCP sockets of a process."""
    fields = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in fields if row[3] == "0A"}
    held = set()
    for path in Path(f"/proc/{process}/fd").iterdir():
        try:
            held.add(os.readlink(path))
        except FileNotFoundError:
            continue
    return inodes & held


class Formula(keras_tuner.HyperModel):
    """No model is trained; `fit` returns `loss_of` the hyperparameters."""

    def __init__(self, config):
        super().__init__()
        self.config = config

    def build(self, hp):
        hp.Int("x", 0, 5)
        hp.Choice("kind", ["a", "b"])
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    def fit(self, hp, model, **kwargs):
        self._log(f"start {os.getpid()} {hp.values}")
        time.sleep(self.config.get("seconds", 0.1))
        fault = self.config.get("faults", {}).get(f"{hp.get('x')}{hp.get('kind')}")
        if fault == "raise":
            raise ArithmeticError(f"x={hp.get('x')} does not work")
        if fault == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        self._log(f"end {os.getpid()} {hp.values}")
        return {"loss": loss_of(hp.values)}

    def _log(self, line):
        with open(self.config["log"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


class Trained(Formula):
    """A model of one weight, which logs what it starts from and how it ends."""

    def build(self, hp):
        inputs = keras.Input((1,))
        model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
        model.compile(keras.optimizers.SGD(hp.Choice("rate", [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08])), "mse")
        return model

    def fit(self, hp, model, **kwargs):
        before = float(model.get_weights()[0].item())
        history = model.fit(**kwargs)
        sockets = sorted(set().union(*(listening_sockets(process) for process in (os.getpid(), os.getppid()))))
        after = float(model.get_weights()[0].item())
        self._log(repr({"before": before, "after": after, "sockets": sockets, **hp.values}))
        return history


def tuner_fn(fn_args):
    config = fn_args.custom_config
    name = config["tuner"]
    model = Trained(config) if name == "Hyperband" else Formula(config)
    tuner = getattr(keras_tuner, name)(
        model,
        objective=keras_tuner.Objective("val_loss" if name == "Hyperband" else "loss", "min"),
        directory=fn_args.working_dir,
        project_name="project",
        overwrite=config.get("overwrite", False),
        **TUNERS[name],
    )
    x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    data = {"x": x, "y": 3 * x, "validation_data": (x, 3 * x)}
    return TunerFnResult(tuner=tuner, fit_kwargs={**data, "batch_size": 64, "verbose": 0})
