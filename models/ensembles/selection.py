"""Greedy ensemble selection (Caruana et al., Ensemble Selection from Libraries of Models, 2004)."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Predictions = Sequence[npt.NDArray[np.float32]]
Loss = Callable[[npt.NDArray[np.float32]], float]

_ROUNDS = 30


def select(predictions: Predictions, loss: Loss, most_members: int) -> npt.NDArray[np.float64]:
    """Returns the weight of each model; 0 for those that were not chosen.

    Models are added one after another, each time the one whose addition makes the mean prediction best; a model may be
    added again, which is how it gets more weight. Of all means on the way the best is taken, the earliest of equals: it
    is never worse than the best model alone.

    Args:
        predictions: Of rows that no model was trained on, all of one shape.
        loss: Smaller for a better mean prediction.
        most_members: The most different models, 1 or more.

    Returns:
        Shape [models]; the weights sum to 1.
    """
    counts = np.zeros(len(predictions), np.int64)
    total = np.zeros(predictions[0].shape, np.float64)
    best_loss, best_counts = np.inf, counts
    for round_number in range(1, _ROUNDS + 1):
        allowed = np.flatnonzero(counts) if (counts > 0).sum() >= most_members else range(len(predictions))
        losses = {n: loss(((total + predictions[n]) / round_number).astype(np.float32)) for n in allowed}
        chosen = min(losses, key=lambda n: (losses[n], n))
        counts = counts.copy()
        counts[chosen] += 1
        total += predictions[chosen]
        if losses[chosen] < best_loss:
            best_loss, best_counts = losses[chosen], counts
    weights: npt.NDArray[np.float64] = best_counts / best_counts.sum()
    return weights
