"""Searches a model family with worker processes."""

import hashlib
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import tfx_automl
from tfx_automl import console
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families import family_for
from tfx_automl.models.metrics import objective_name
from tfx_automl.search.hyperband import hyperband
from tfx_automl.search.ledger import Ledger
from tfx_automl.search.objective import Objective
from tfx_automl.search.runner import ProcessRunner, default_workers
from tfx_automl.search.sampler import RandomSampler
from tfx_automl.search.scheduler import BracketScheduler, full_budget
from tfx_automl.search.search import Search, content_key
from tfx_automl.search.space import Space
from tfx_automl.search.trial import SearchResult

_RANDOM_TRIALS = 10
# What a changed number of workers or a larger time budget leaves as it is.
_NOT_IN_THE_KEY = ("workers", "time_budget_s")


def search_family(
    data: TrainingData, options: SearchOptions, folder: Path, identity: str
) -> tuple[SearchResult, Space, Objective]:
    """Runs the search; one that was interrupted in the same folder goes on.

    Args:
        data: The training data.
        options: How to search.
        folder: For the ledger and the checkpoints; one sub-folder per search.
        identity: What identifies the data, so that a ledger is only ever continued on the same.

    Returns:
        The result, the space that was searched, and the objective.
    """
    family = family_for(options.family, data.inputs)
    space = family.space(data.inputs, len(data.split("train")))
    objective = Objective(objective_name(data.task, options.objective))
    searched = {name: value for name, value in asdict(options).items() if name not in _NOT_IN_THE_KEY}
    key = content_key(
        data=identity,
        task=data.task.to_json(),
        space=space.to_config(),
        options=searched,
        version=tfx_automl.__version__,
    )
    folder = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
    workers = options.workers or default_workers()
    console.line(f"  family {family.name}, objective {objective.metric} ({objective.direction}), {workers} workers")
    ledger = Ledger(folder / "ledger.jsonl", key)
    arguments = {"data_dir": str(data.folder), "threads": max(1, default_workers() // workers)}
    try:
        factory = "tfx_automl.models.trainable:make_trainable"
        with ProcessRunner(factory, arguments, workers, _environment(arguments)) as runner:
            search = Search(
                RandomSampler(space, options.seed),
                scheduler_of(options),
                objective,
                runner,
                ledger,
                folder,
                options.seed,
                options.time_budget_s,
            )
            return search.run(), space, objective
    finally:
        ledger.close()


def scheduler_of(options: SearchOptions) -> BracketScheduler:
    """Returns the schedule that the options ask for."""
    if options.algorithm == "random":
        return full_budget(options.max_trials or _RANDOM_TRIALS, options.max_epochs)
    return hyperband(options.max_epochs, options.factor, options.max_trials)


def _environment(arguments: dict[str, object]) -> dict[str, str]:
    """Returns what the workers' environment says.

    OpenMP gets their share of the cores, TensorFlow's C++ code only reports errors, Keras runs on TensorFlow, and
    oneDNN, which sums in another order, stays off unless the variable is set already. GPUs are left as they are.
    """
    threads = str(arguments["threads"])
    return {
        "OMP_NUM_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "KERAS_BACKEND": "tensorflow",
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "0"),
    }


def copy_best(result: SearchResult, folder: Path) -> None:
    """Copies the checkpoint of the best trial into an artifact."""
    shutil.copytree(result.best.checkpoint, folder, dirs_exist_ok=True)
