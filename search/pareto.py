"""Non-dominated sorting and crowding, as in NSGA-II.

Deb, Pratap, Agarwal, Meyarivan: A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II. IEEE Transactions on
Evolutionary Computation 6 (2002).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Losses = Sequence[tuple[float, ...]]


def fronts(losses: Losses) -> list[int]:
    """Returns for each point the number of its non-dominated front, from 0.

    Args:
        losses: One tuple per point; smaller is better in every place.
    """
    values = np.asarray(losses, float).reshape(len(losses), len(losses[0]) if losses else 0)
    no_worse = (values[:, None, :] <= values[None, :, :]).all(axis=2)
    dominates = no_worse & ~no_worse.T
    ranks = np.full(len(losses), -1)
    number = 0
    while (ranks < 0).any():
        left = ranks < 0
        first = left & ~dominates[left].any(axis=0)
        ranks[first] = number
        number += 1
    return [int(rank) for rank in ranks]


def crowding_distances(losses: Losses, ranks: Sequence[int]) -> list[float]:
    """Returns for each point how far its neighbours in its front are; infinite at the ends of a front.

    Args:
        losses: One tuple per point.
        ranks: What `fronts` returned.
    """
    values = np.asarray(losses, float).reshape(len(losses), len(losses[0]) if losses else 0)
    distances = np.zeros(len(losses))
    for rank in set(ranks):
        members = np.flatnonzero(np.asarray(ranks) == rank)
        for column in values[members].T:
            distances[members] += _gaps(column)
    return [float(distance) for distance in distances]


def _gaps(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the distance between both neighbours of each value, as a share of the range."""
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    gaps = np.full(len(column), np.inf)
    if len(column) > 2:
        # Without a range, or an endless one, nobody in between is told apart.
        known = np.isfinite(ordered[[0, -1]]).all() and ordered[0] < ordered[-1]
        gaps[1:-1] = (ordered[2:] - ordered[:-2]) / (ordered[-1] - ordered[0]) if known else 0.0
    found = np.empty_like(gaps)
    found[order] = gaps
    return found
