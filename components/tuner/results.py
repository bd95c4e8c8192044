"""Writes what a search found, in the files and formats of the stock Tuner."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfx_automl.components.data import without_nan
from tfx_automl.search.objective import Objective
from tfx_automl.search.space import Space
from tfx_automl.search.trial import SearchResult

BEST_FILE = "best_hyperparameters.txt"
RESULTS_FILE = "tuner_results.json"
TRIALS_FILE = "trials.json"


def write_best(config: Mapping[str, Any], folder: Path) -> None:
    """Writes the configuration of a `keras_tuner.HyperParameters`, as the stock Trainer reads it."""
    _write(folder / BEST_FILE, config)


def write_results(records: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Writes one record per finished trial: `trial_id`, `score` and the hyperparameters."""
    _write(folder / RESULTS_FILE, list(records))


def write_keras_tuner_trials(details: Mapping[str, Any], folder: Path) -> None:
    """Writes everything about the search of a KerasTuner tuner and its trials, failed ones with their traceback."""
    _write(folder / TRIALS_FILE, details)


def write_search(
    result: SearchResult, space: Space, objective: Objective, plan: list[str], folders: Mapping[str, Path]
) -> None:
    """Writes all outputs of a search of a model family.

    Args:
        result: What was found.
        space: What was searched.
        objective: By what.
        plan: The lines that describe the schedule.
        folders: Of the outputs `best_hyperparameters`, `tuner_results` and `best_model`.
    """
    best = space.to_config(result.best.values)
    write_best(best, folders["best_hyperparameters"])
    ranked = sorted(
        (trial for trial in result.trials if trial.rungs and trial.status != "failed"),
        key=lambda trial: objective.key(trial.score),
    )
    records = ({"trial_id": str(t.trial_id), "score": t.score, **t.values} for t in ranked)
    write_results(records, folders["tuner_results"])
    details = {
        "objective": objective.metric,
        "direction": objective.direction,
        "brackets": plan,
        "stop_reason": result.stop_reason,
        "best_trial_id": result.best.trial_id,
        "total_epochs": result.total_epochs,
        "seconds": round(result.seconds, 2),
        "utilisation": round(result.utilisation, 4),
        "trials": [_without_path(trial.to_json()) for trial in result.trials],
    }
    _write(folders["tuner_results"] / TRIALS_FILE, details)
    _write(folders["best_model"] / "hyperparameters.json", best)


def _without_path(trial: dict[str, Any]) -> dict[str, Any]:
    """Checkpoints are deleted when the search has ended; their folder would lead nowhere."""
    return {key: value for key, value in trial.items() if key != "checkpoint"}


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(without_nan(value)), encoding="utf-8")
