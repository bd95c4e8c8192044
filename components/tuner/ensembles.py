"""Builds an ensemble of the trials of a search."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from tfx_automl import console
from tfx_automl.components.tuner.native import Plan
from tfx_automl.components.tuner.workers import threshold_of
from tfx_automl.models.ensembles.ensemble import Ensemble, Member, Weighing, weighed
from tfx_automl.models.ensembles.predictions import read_validation
from tfx_automl.models.ensembles.selection import select
from tfx_automl.models.ensembles.stacking import fit_weights
from tfx_automl.models.measures import own_metrics
from tfx_automl.models.model import Workplace
from tfx_automl.search.trial import SearchResult, Trial

_Predictions = Sequence[npt.NDArray[np.float32]]


def build_ensemble(result: SearchResult, plan: Plan) -> Ensemble | None:
    """Returns the ensemble that predicts best; None if none is asked for, or none is better than the best trial alone.

    It is chosen by the rows that trials are judged on: the eval split, or all folds.

    Args:
        result: What the search found; the checkpoints of the trials must be there.
        plan: What was searched.
    """
    if plan.options.ensemble == 1:
        return None
    trials, predictions = _candidates(result)
    if len(trials) < 2:
        console.line("  no ensemble: fewer than two trials have kept their predictions")
        return None
    place = _judged_on(plan)
    loss = _loss(place, plan)
    weights = select(predictions, loss, plan.options.ensemble)
    weighing = cast(Weighing, plan.options.ensemble_weights)
    if weighing == "stacking":
        weights = _stacked(place, predictions, weights)
    return _checked(result, plan, trials, predictions, weights, loss, weighing)


def _candidates(result: SearchResult) -> tuple[list[Trial], list[npt.NDArray[np.float32]]]:
    """Returns the trials whose checkpoint and predictions are there, with these."""
    found = []
    for trial in result.trials:
        if trial.current and not trial.failed:
            prediction = read_validation(Path(trial.checkpoint), trial.epochs)
            if prediction is not None:
                found.append((trial, prediction))
    return [trial for trial, _ in found], [prediction for _, prediction in found]


def _judged_on(plan: Plan) -> Workplace:
    measures = plan.objectives.metrics
    threshold = threshold_of(plan.options, plan.data.task.kind, plan.objectives)
    place = Workplace(plan.data, measures, folds=plan.folds, threshold=threshold)
    return place.pooled if place.folds > 1 else place


def _loss(place: Workplace, plan: Plan) -> Callable[[npt.NDArray[np.float32]], float]:
    goal = plan.objectives.first
    own = goal.metric in own_metrics(plan.data.task.kind)

    def loss(prediction: npt.NDArray[np.float32]) -> float:
        found = place.own_metrics(prediction) if own else place.validate(prediction)
        value = goal.key(goal.score(found))
        return value if value == value else float("inf")

    return loss


def _stacked(place: Workplace, predictions: _Predictions, chosen: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns new weights of the models that were chosen."""
    members = np.flatnonzero(chosen)
    weights = np.zeros(len(chosen))
    weights[members] = fit_weights(place.data.task, [predictions[n] for n in members], place.evaluation.label)
    return weights


def _checked(
    result: SearchResult,
    plan: Plan,
    trials: Sequence[Trial],
    predictions: _Predictions,
    weights: npt.NDArray[np.float64],
    loss: Callable[[npt.NDArray[np.float32]], float],
    weighing: Weighing,
) -> Ensemble | None:
    members = [int(n) for n in np.argsort(-weights, kind="stable") if weights[n] > 0]
    together = loss(weighed(weighing, plan.data.task, [predictions[n] for n in members], weights[members]))
    alone = plan.objectives.first.key(result.best.score or 0.0)
    if len(members) < 2 or together >= alone:
        console.line("  no ensemble: none is better than the best trial alone")
        return None
    sign = -1.0 if plan.objectives.first.direction == "max" else 1.0
    ensemble = Ensemble(
        weighing, tuple(_member(trials[n], float(weights[n])) for n in members), sign * together, sign * alone
    )
    console.line(_in_words(ensemble, plan.objectives.first.metric))
    return ensemble


def _member(trial: Trial, weight: float) -> Member:
    return Member(trial.trial_id, dict(trial.values), trial.epochs, trial.seed, weight)


def _in_words(ensemble: Ensemble, metric: str) -> str:
    parts = ", ".join(
        f"{member.weight:.2f} × trial {member.trial_id} ({member.values.get('family', 'model')})"
        for member in ensemble.members
    )
    return f"  ensemble: {metric} {ensemble.score:.4f}, best trial {ensemble.best_single:.4f}: {parts}"
