"""Trains a final model: with early stopping, and the best epoch's weights kept."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tfx_automl.models.model import Model
from tfx_automl.search.objective import Objectives

_NOTHING = (math.inf, math.inf, math.inf)


def fit(
    session: Model,
    objectives: Objectives,
    max_epochs: int,
    patience: int,
    tell: Callable[[int, Mapping[str, float]], None],
) -> list[dict[str, Any]]:
    """Trains until an epoch limit, or until there is no progress any more.

    Args:
        session: The model; afterwards it has the weights of its best epoch.
        objectives: What tells progress: constraints come first, then, of several goals, the first.
        max_epochs: The most epochs.
        patience: Epochs without progress after which to stop.
        tell: Called with the number and the metrics of every epoch.

    Returns:
        For every epoch its number, its metrics, and whether it is the `best` so far.
    """
    history: list[dict[str, Any]] = []
    best_rank, best_epoch, best_weights = _NOTHING, 0, session.snapshot()
    while session.epoch < max_epochs and session.epoch - best_epoch < patience:
        metrics = session.train_epoch().metrics
        rank = _rank(objectives, metrics)
        progress = rank < best_rank
        if progress:
            best_rank, best_epoch, best_weights = rank, session.epoch, session.snapshot()
        history.append({"epoch": session.epoch, **metrics, "best": progress})
        tell(session.epoch, metrics)
    session.restore(best_weights)
    return history


def _rank(objectives: Objectives, metrics: Mapping[str, float]) -> tuple[float, float, float]:
    """Returns what is smaller for a better epoch."""
    outcome = objectives.outcome(metrics)
    if outcome is None:
        return _NOTHING
    return outcome.violation, objectives.losses(outcome)[0], outcome.tie_breaker
