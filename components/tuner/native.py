"""Searches a model family with workers that keep their data."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tfx_automl
from tfx_automl import console
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.components.tuner.workers import memory_of, threshold_of, workers_of
from tfx_automl.models.data import TrainingData
from tfx_automl.models.families import FAMILY, Family, defaults_of, families_for, space_of
from tfx_automl.models.folds import folds_for
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.measures import objectives_of
from tfx_automl.search.checkpoints import BEST_KEPT
from tfx_automl.search.ledger import Ledger, content_key
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.samplers import sampler_for
from tfx_automl.search.samplers.first import FirstPoints
from tfx_automl.search.schedulers.base import Scheduler
from tfx_automl.search.search import Search
from tfx_automl.search.space import Space
from tfx_automl.search.stoppers import parse_stopper
from tfx_automl.search.trial import SearchResult

_MODEL_SHARE = 0.5  # of a worker's memory; TensorFlow and the rows take the rest
_CANDIDATES = 4  # so many times as many trials as an ensemble may have models are there to choose from


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
    families = _families(options, data)
    space = space_of(families, data)
    objectives = objectives_of(data.task, options.objective, options.constraints, data.groups.sensitive)
    threshold = threshold_of(options, data.task.kind, objectives)
    GapMeter(data, objectives.metrics, threshold).check()
    folds = folds_for(data, options.folds, objectives.metrics)
    what = ", ".join(family.name for family in families) + (f", {folds} folds" if folds > 1 else "")
    points = defaults_of(families, data)
    plan = plan_of(what, data, options, space, objectives, scheduler, first, points, threshold=threshold)
    return replace(plan, folds=folds)


def _families(options: SearchOptions, data: TrainingData) -> tuple[Family, ...]:
    """Returns the families that are asked for or, where none is, those whose models a worker's memory can hold."""
    families = families_for(options.families, data.inputs)
    most = memory_of(options)
    if options.families or most is None:
        return families
    large = [family for family in families if family.memory(data) > most * _MODEL_SHARE]
    for family in large:
        needed, has = (-(-size // 2**20) for size in (family.memory(data), most))
        console.line(f"  {family.name} left out: training needs about {needed} MB, too much of a worker's {has} MB")
    return tuple(family for family in families if family not in large)


def plan_of(
    what: str,
    data: TrainingData,
    options: SearchOptions,
    space: Space,
    objectives: Objectives,
    scheduler: Scheduler | None = None,
    first: Sequence[Point] = (),
    defaults: Sequence[Point] = (),
    **identity: float | str,
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
