"""How the workers of a search are started, and what they may use."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.machine import usable_cores, usable_memory
from tfx_automl.models.measures import judged_by_decisions, objectives_of
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskKind, TaskSpec
from tfx_automl.search.objective import Objectives
from tfx_automl.search.runners.processes import WorkerSetup

_MEMORY_SHARE = 0.9  # of the memory for all workers together
_LEAST_MEMORY = 2 * 2**30  # for each worker: TensorFlow alone takes half of it
_RESIDENT_SHARE = 0.25  # of the memory for the training rows of all workers together


def worker_setup(
    data_folder: Path, task: TaskSpec, options: SearchOptions, sensitive: Sequence[Sequence[str]] = ()
) -> WorkerSetup:
    """Returns how workers are started; the data need not be there before their first job.

    OpenMP gets each worker's share of the cores, TensorFlow's C++ code only reports errors, Keras runs on TensorFlow,
    and oneDNN, which sums in another order, stays off unless the variable is set already. GPUs are left as they are.
    With Beam, every worker has one thread, and no memory limit but what the options give.

    Args:
        data_folder: Where `prepare` writes or has written the data.
        task: What is to be predicted.
        options: How to search.
        sensitive: The groups of sensitive features that the data will have.

    Raises:
        ConfigError: An objective or constraint names a metric that the task does not have.
    """
    objectives = objectives_of(task, options.objective, options.constraints, sensitive)
    return setup_for(
        "tfx_automl.models.trainable:make_trainable",
        data_folder,
        options,
        measures=objectives.metrics,
        steps=options.steps_per_epoch,
        folds=options.folds,
        keep_predictions=options.ensemble > 1,
        threshold=threshold_of(options, task.kind, objectives),
    )


def threshold_of(options: SearchOptions, kind: TaskKind, objectives: Objectives) -> float | str:
    """Returns what decides whether a row is predicted positive, if trials are judged by that; else the default."""
    return options.threshold if judged_by_decisions(objectives.metrics, kind) else DECISION_THRESHOLD


def setup_for(factory: str, data_folder: Path, options: SearchOptions, **arguments: Any) -> WorkerSetup:
    """Returns the setup of workers with any trainable; see `worker_setup`.

    Args:
        factory: `module:callable` that makes it from `data_dir`, `threads`, `resident_bytes` and the arguments.
        data_folder: Where `prepare` writes or has written the data.
        options: How to search.
        arguments: Further arguments of the factory.
    """
    workers = workers_of(options)
    threads = max(1, usable_cores() // workers) if _is_here(options) else 1
    return WorkerSetup(
        factory,
        {
            "data_dir": str(data_folder),
            "threads": threads,
            "resident_bytes": int(usable_memory() * _RESIDENT_SHARE / workers),
            **arguments,
        },
        {
            "OMP_NUM_THREADS": str(threads),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "KERAS_BACKEND": "tensorflow",
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "0"),
        },
        memory_of(options),
        imports=("keras",),
    )


def workers_of(options: SearchOptions) -> int:
    """Returns the number of workers."""
    return options.workers or usable_cores()


def memory_of(options: SearchOptions) -> int | None:
    """Returns the most bytes of memory of a worker; None is without a limit."""
    if options.memory_limit is not None or not _is_here(options):
        return options.memory_limit
    return max(_LEAST_MEMORY, int(usable_memory() * _MEMORY_SHARE / workers_of(options)))


def _is_here(options: SearchOptions) -> bool:
    """Tells whether workers are on this machine; Beam's may be on others, with other cores and memory."""
    return options.runner == "processes"
