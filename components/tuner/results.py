"""Writes what a search found, in the files and formats of the stock Tuner."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tfx_automl.components import tensorboard
from tfx_automl.components.data import without_nan
from tfx_automl.components.tuner.native import Plan
from tfx_automl.models.ensembles.ensemble import Ensemble
from tfx_automl.models.fitting import best_of
from tfx_automl.models.groups import group_text
from tfx_automl.search.objective import Objectives
from tfx_automl.search.trial import SearchResult, Trial

BEST_FILE = "best_hyperparameters.txt"
RESULTS_FILE = "tuner_results.json"
TRIALS_FILE = "trials.json"
ENSEMBLE_KEY = "ensemble"
TRAINING_KEY = "training"


def write_best(config: Mapping[str, Any], folder: Path) -> None:
    """Writes the configuration of a `keras_tuner.HyperParameters`, as the stock Trainer reads it."""
    _write(folder / BEST_FILE, config)


def write_results(records: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Writes one record per finished trial: `trial_id`, `score` and the hyperparameters."""
    _write(folder / RESULTS_FILE, list(records))


def write_trials(details: Mapping[str, Any], folder: Path) -> None:
    """Writes everything about a search and its trials, failed ones with their traceback; also for TensorBoard."""
    _write(folder / TRIALS_FILE, details)
    tensorboard.write_search(details, folder / tensorboard.FOLDER)


def write_search(
    result: SearchResult, plan: Plan, folders: Mapping[str, Path], ensemble: Ensemble | None = None
) -> None:
    """Writes all outputs of a search of model families.

    Args:
        result: What was found.
        plan: What was searched.
        folders: Of the outputs `best_hyperparameters`, `tuner_results` and `best_model`.
        ensemble: An ensemble of the trials; then it stands, as the key `ensemble`, in the same files as the best
            trial's hyperparameters, and the checkpoints of its members in `member-0` and so on beside the best trial's.
    """
    # Keys of the same file, because the stock Trainer takes no second one, and no notice of keys that it does not know.
    best = {**plan.space.to_config(result.best.values), TRAINING_KEY: _training(result.best, plan)}
    if ensemble is not None:
        best[ENSEMBLE_KEY] = asdict(ensemble)
    write_best(best, folders["best_hyperparameters"])
    write_results(_records(result, plan.objectives), folders["tuner_results"])
    details = _details(result, plan) | {"ensemble": None if ensemble is None else asdict(ensemble)}
    write_trials(details, folders["tuner_results"])
    shutil.copytree(result.best.checkpoint, folders["best_model"], dirs_exist_ok=True)
    _write(folders["best_model"] / "hyperparameters.json", best)
    if ensemble is not None:
        _copy_members(ensemble, result, folders["best_model"])


def _copy_members(ensemble: Ensemble, result: SearchResult, folder: Path) -> None:
    for number, member in enumerate(ensemble.members):
        trial = next(trial for trial in result.trials if trial.trial_id == member.trial_id)
        shutil.copytree(trial.checkpoint, folder / f"member-{number}")


def _training(trial: Trial, plan: Plan) -> dict[str, Any]:
    """What a Trainer may want to know beside the hyperparameters.

    Epochs on a share of the rows do not tell how many epochs all rows take.
    """
    goal = plan.objectives.first
    all_rows = plan.options.resource == "epochs"
    weighed = plan.data.groups.reweigh
    return {
        **({"reweigh": group_text(weighed), "seed": trial.seed} if weighed else {}),
        "epochs": trial.epochs,
        "best_epoch": best_of(plan.objectives, [record.metrics for record in trial.curve]) if all_rows else None,
        "steps_per_epoch": plan.options.steps_per_epoch,
        "folds": plan.folds,
        "metric": goal.metric,
        "score": trial.score,
        "metrics": dict(trial.curve[-1].metrics),
    }


def _records(result: SearchResult, objectives: Objectives) -> list[dict[str, Any]]:
    """The finished trials, the best first, as the stock Tuner has them."""
    ranked = _ranked(result, objectives)
    return [{"trial_id": str(trial.trial_id), "score": trial.score, **trial.values} for trial in ranked]


def _ranked(result: SearchResult, objectives: Objectives) -> list[Trial]:
    done = [trial for trial in result.trials if trial.current and not trial.failed]
    return [done[n] for n in objectives.order([trial.current for trial in done if trial.current])]


def _details(result: SearchResult, plan: Plan) -> dict[str, Any]:
    objectives, options = plan.objectives, plan.options
    return {
        "objective": objectives.first.metric,
        "direction": objectives.first.direction,
        "objectives": [{"metric": goal.metric, "direction": goal.direction} for goal in objectives.goals],
        "constraints": [str(constraint) for constraint in objectives.constraints],
        "options": asdict(options),
        "space": plan.space.to_config()["space"],
        "brackets": plan.scheduler.describe(),
        "stop_reason": result.stop_reason,
        "best_trial_id": result.best.trial_id,
        "ranking": [trial.trial_id for trial in _ranked(result, objectives)],
        "pareto_front": [trial.trial_id for trial in result.front],
        "total_epochs": result.total_epochs,
        "seconds": round(result.seconds, 2),
        "utilisation": round(result.utilisation, 4),
        "trials": [trial.to_json() for trial in result.trials],
    }


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(without_nan(value)), encoding="utf-8")
