"""Runs the tuner of a stock `tuner_fn` to its end."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from keras_tuner.engine.trial import Trial
from tfx import types
from tfx.proto import tuner_pb2
from tfx.utils import json_utils, proto_utils

from tfx_automl import console
from tfx_automl.components.tuner.stock.host import NothingWorks, OracleHost
from tfx_automl.components.tuner.stock.messages import Hello
from tfx_automl.components.tuner.stock.pool import WorkerPool
from tfx_automl.components.tuner.stock.service import Service
from tfx_automl.components.tuner.stock.snapshot import Snapshot, TrialRecord
from tfx_automl.components.tuner.stock.user_code import UserCode
from tfx_automl.machine import usable_cores, usable_memory

# TensorFlow, TFX and the model of a small trial take about half of this.
_MEMORY_PER_WORKER = 2 * 2**30


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        best: The configuration of the best hyperparameters.
        records: A record per completed trial, best first, as the stock Tuner writes them.
        details: Everything about the search and every trial.
        folder: Where the search's files are; of no use once this is written down.
    """

    best: dict[str, Any]
    records: list[dict[str, Any]]
    details: dict[str, Any]
    folder: Path


def run_tuner_fn(inputs: dict[str, list[types.Artifact]], properties: dict[str, Any], lasting: Path) -> Found:
    """Runs a stock `tuner_fn` to its end, or on to its end if a run with the same inputs and module was killed.

    Args:
        inputs: The inputs of the component.
        properties: Its parameters; one of `tuner_fn`, `module_file` and `module_path` names the function.
        lasting: A folder in which another run finds what this one left there.

    Returns:
        What was found.

    Raises:
        SearchError: No trial was completed, or the workers cannot run trials at all.
    """
    code = UserCode(inputs, properties)
    folder = lasting / code.key()
    (folder / "tuner").mkdir(parents=True, exist_ok=True)
    with code.importable(folder) as importable:
        try:
            return _search(importable, folder)
        except NothingWorks:
            shutil.rmtree(folder)  # this search is over; with the same module, the next one is to try again
            raise


def _search(code: UserCode, folder: Path) -> Found:
    start = time.monotonic()
    # Several workers, and this process, share a GPU; read when TensorFlow first uses it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    snapshot = Snapshot(folder / "search.pickle")
    tuner = code.call(folder / "tuner", joining=snapshot.exists).tuner
    host = OracleHost(tuner.oracle, snapshot)
    workers = worker_count(code.properties, host.oracle.max_trials)
    name = f"{type(tuner).__name__} of the given tuner_fn"
    console.line(f"  {name}, objective {host.oracle.objective.name}, {workers} workers")
    if host.records:
        console.line(f"  continues a search that was interrupted: {len(host.records)} trials are known")
    hello = Hello(json_utils.dumps(code.inputs), code.properties, str(folder / "tuner"))
    with WorkerPool(workers, hello, _environment(workers)) as pool:
        Service(host, pool, workers).run()
    if not host.completed:
        raise host.nothing_works()
    details = {"tuner": type(tuner).__name__, "workers": workers, "seconds": round(time.monotonic() - start, 2)}
    return _found(host, details, folder)


def worker_count(properties: dict[str, Any], max_trials: int | None) -> int:
    """Returns how many trials run at once.

    What `tune_args` say, else one per core, since a trial's result does not depend on the worker that runs it. But one
    in all with a GPU, of which a stock `tuner_fn` expects to have all; and never more than there are trials.

    Args:
        properties: The parameters of the component.
        max_trials: The most trials; None if the oracle does not know.
    """
    args = tuner_pb2.TuneArgs()
    if text := properties.get("tune_args"):
        proto_utils.json_to_proto(text, args)
    count = args.num_parallel_trials or _default_workers()
    return min(count, max_trials) if max_trials else count


def _default_workers() -> int:
    if tf.config.list_physical_devices("GPU"):
        return 1
    return max(1, min(usable_cores(), usable_memory() // _MEMORY_PER_WORKER))


def _environment(workers: int) -> dict[str, str]:
    """Each worker gets its share of the cores; variables that are set already stay."""
    threads = str(max(1, usable_cores() // workers))
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    defaults = {"TF_CPP_MIN_LOG_LEVEL": "2", **dict.fromkeys(names, threads)}
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


def _found(host: OracleHost, details: dict[str, Any], folder: Path) -> Found:
    completed = host.completed
    # The stock Tuner asks for `oracle.max_trials` trials here, which Hyperband leaves at None: a TypeError after the
    # whole search. The trials that there are is right for every oracle.
    records = [
        {"trial_id": trial.trial_id, "score": trial.score, **trial.hyperparameters.values}
        for trial in completed
        if trial.hyperparameters.values
    ]
    trials = [_everything(trial, host) for trial in host.oracle.trials.values()]
    console.line(f"  {len(trials)} trials, {len(completed)} completed, best score {completed[0].score:.4f}")
    objective = host.oracle.objective
    details = {
        "objective": objective.name,
        "direction": objective.direction,
        "best_trial_id": completed[0].trial_id,
        "total_epochs": sum(trial["epochs"] for trial in trials),
        **details,
        "trials": trials,
    }
    return Found(completed[0].hyperparameters.get_config(), records, details, folder)


def _everything(trial: Trial, host: OracleHost) -> dict[str, Any]:
    record = host.records.get(trial.trial_id, TrialRecord())
    return {
        "trial_id": trial.trial_id,
        "status": trial.status.lower(),
        "values": trial.hyperparameters.values,
        "score": trial.score,
        "best_step": trial.best_step,
        "metrics": {name: history.get_best_value() for name, history in trial.metrics.metrics.items()},
        "epochs": len(record.curve),
        "curve": record.curve,
        "seconds": record.seconds,
        "worker": record.worker,
        "seed": record.seed,
        "error": trial.message,
    }
