"""Trains a final model: with early stopping, and the best epoch's weights kept."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tfx_automl.models.training import Session
from tfx_automl.search.objective import Objective


def fit(
    session: Session,
    objective: Objective,
    max_epochs: int,
    patience: int,
    tell: Callable[[int, Mapping[str, float]], None],
) -> list[dict[str, Any]]:
    """Trains until an epoch limit, or until there is no progress any more.

    Args:
        session: The model; afterwards it has the weights of its best epoch.
        objective: What tells progress.
        max_epochs: The most epochs.
        patience: Epochs without progress after which to stop.
        tell: Called with the number and the metrics of every epoch.

    Returns:
        For every epoch its number, its metrics, and whether it is the `best` so far.
    """
    history: list[dict[str, Any]] = []
    best_rank, best_epoch, best_weights = (math.inf, math.inf), 0, session.weights()
    while session.epoch < max_epochs and session.epoch - best_epoch < patience:
        metrics = session.train_epoch().metrics
        rank = (objective.key(objective.score(metrics)), objective.tie_breaker(metrics))
        progress = rank < best_rank
        if progress:
            best_rank, best_epoch, best_weights = rank, session.epoch, session.weights()
        history.append({"epoch": session.epoch, **metrics, "best": progress})
        tell(session.epoch, metrics)
    session.set_weights(best_weights)
    return history
