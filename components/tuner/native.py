"""Searches a model family with workers that keep their data."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tfx_automl
from tfx_automl import console
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.machine import usable_cores, usable_memory
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families import FAMILY, defaults_of, families_for, space_of
from tfx_automl.models.folds import folds_for
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.measures import objectives_of
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.checkpoints import BEST_KEPT
from tfx_automl.search.ledger import Ledger, content_key
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.processes import WorkerSetup
from tfx_automl.search.samplers import sampler_for
from tfx_automl.search.samplers.first import FirstPoints
from tfx_automl.search.schedulers.base import Scheduler
from tfx_automl.search.search import Search
from tfx_automl.search.space import Space
from tfx_automl.search.stoppers import parse_stopper
from tfx_automl.search.trial import SearchResult

_MEMORY_SHARE = 0.9  # of the memory for all workers together
_LEAST_MEMORY = 2 * 2**30  # for each worker: TensorFlow alone takes half of it
_CANDIDATES = 4  # so many times as many trials as an ensemble may have models are there to choose from
_RESIDENT_SHARE = 0.25  # of the memory for the training rows of all workers together


@dataclass(frozen=True)
class Plan:
    """A search that has not begun.

    Attributes:
        data: The training data.
        options: How to search.
        space: What is searched.
        objectives: What trials are judged by.
        scheduler: Which trial trains next, and how far.
        key: What identifies the search.
        first: Points to try first.
        folds: Into how many folds the rows of train and eval are cut.
    """

    data: TrainingData
    options: SearchOptions
    space: Space
    objectives: Objectives
    scheduler: Scheduler
    key: str
    first: tuple[Point, ...] = ()
    folds: int = 1


def plan_search(
    data: TrainingData, options: SearchOptions, scheduler: Scheduler | None = None, first: Sequence[Point] = ()
) -> Plan:
    """Finds out what there is to search.

    Args:
        data: The training data.
        options: How to search.
        scheduler: Another schedule than the options'.
        first: Points to try first, such as the best of an earlier search; those that are not in the space are left out.

    Raises:
        ConfigError: An option does not fit the task, or a fairness gap cannot be measured on the eval split.
        ModelError: A family is unknown, or not for such data.
    """
    families = families_for(options.families, data.inputs)
    space = space_of(families, data)
    objectives = objectives_of(data.task, options.objective, options.constraints, data.groups.sensitive)
    GapMeter(data, objectives.metrics).check()
    folds = folds_for(data, options.folds, objectives.metrics)
    what = ", ".join(family.name for family in families) + (f", {folds} folds" if folds > 1 else "")
    plan = plan_of(what, data, options, space, objectives, scheduler, first, defaults_of(families, data))
    return replace(plan, folds=folds)


def plan_of(
    what: str,
    data: TrainingData,
    options: SearchOptions,
    space: Space,
    objectives: Objectives,
    scheduler: Scheduler | None = None,
    first: Sequence[Point] = (),
    defaults: Sequence[Point] = (),
    **identity: str,
) -> Plan:
    """Returns a plan, and tells of it.

    Args:
        what: What is searched, to be shown.
        data: The training data.
        options: How to search.
        space: What may vary.
        objectives: What trials are judged by.
        scheduler: Another schedule than the options'.
        first: Points to try first.
        defaults: Points to try after these.
        identity: What else makes it another search.
    """
    goals = ", ".join(f"{goal.metric} ({goal.direction})" for goal in objectives.goals)
    bounds = "".join(f", {constraint}" for constraint in objectives.constraints)
    console.line(f"  {what}, objective {goals}{bounds}, {workers_of(options)} workers")
    known = tuple(point for point in (*first, *defaults) if space.contains(point))
    for point in first:
        console.line(f"  {'first' if point in known else 'not in the space, so left out'}: {point}")
    key = content_key(
        data=data.fingerprint,
        task=data.task.to_json(),
        space=space.to_config(),
        options=options.identity(),
        first=known,
        version=tfx_automl.__version__,
        **identity,
    )
    scheduler = scheduler or options.strategy().make_scheduler(options.stages, options.budget)
    return Plan(data, options, space, objectives, scheduler, key, known)


def run_search(plan: Plan, runner: TrialRunner, folder: Path) -> SearchResult:
    """Runs a search; one that was interrupted in the same folder, or may use more than before, goes on.

    Args:
        plan: What to search.
        runner: What executes jobs.
        folder: For ledgers and checkpoints; one sub-folder per search.
    """
    folder = folder / hashlib.sha256(plan.key.encode()).hexdigest()[:16]
    options = plan.options
    ledger = Ledger(folder / "ledger.jsonl", plan.key)
    try:
        return Search(
            FirstPoints(plan.first, sampler_for(str(options.strategy().sampler), plan.space, options.seed)),
            plan.scheduler,
            plan.objectives,
            runner,
            ledger,
            folder,
            resource=options.stages,
            stopper=parse_stopper(options.stopper, options.patience),
            budget=options.budget,
            target=options.target,
            seed=options.seed,
            keep_best=max(BEST_KEPT, _CANDIDATES * options.ensemble if options.ensemble > 1 else 0),
            keep_each=FAMILY if options.ensemble > 1 else None,
        ).run()
    finally:
        ledger.close()


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
    measures = objectives_of(task, options.objective, options.constraints, sensitive).metrics
    factory = "tfx_automl.models.trainable:make_trainable"
    more = {"steps": options.steps_per_epoch, "folds": options.folds, "keep_predictions": options.ensemble > 1}
    return setup_for(factory, data_folder, options, measures=measures, **more)


def setup_for(factory: str, data_folder: Path, options: SearchOptions, **arguments: Any) -> WorkerSetup:
    """Returns the setup of workers with any trainable; see `worker_setup`.

    Args:
        factory: `module:callable` that makes it from `data_dir`, `threads`, `resident_bytes` and the arguments.
        data_folder: Where `prepare` writes or has written the data.
        options: How to search.
        arguments: Further arguments of the factory.
    """
    workers, memory = workers_of(options), usable_memory()
    here = options.runner == "processes"  # Beam's workers may be on other machines, with other cores and memory
    threads = max(1, usable_cores() // workers) if here else 1
    limit = max(_LEAST_MEMORY, int(memory * _MEMORY_SHARE / workers)) if here else None
    return WorkerSetup(
        factory,
        {
            "data_dir": str(data_folder),
            "threads": threads,
            "resident_bytes": int(memory * _RESIDENT_SHARE / workers),
            **arguments,
        },
        {
            "OMP_NUM_THREADS": str(threads),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "KERAS_BACKEND": "tensorflow",
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "0"),
        },
        options.memory_limit or limit,
        imports=("keras",),
    )


def workers_of(options: SearchOptions) -> int:
    """Returns the number of workers."""
    return options.workers or usable_cores()
