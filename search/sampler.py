"""What to try next."""

import abc
import json
from collections.abc import Sequence

import numpy as np

from tfx_automl.search.parameters import Point
from tfx_automl.search.space import Space

_MOST_ATTEMPTS = 1000


class Sampler(abc.ABC):
    """Proposes points of a space.

    A sampler keeps no state of its own: a proposal is a function of the space, the seed and the points that were
    proposed before, so that a search that was killed goes on as if it had not been.
    """

    @abc.abstractmethod
    def propose(self, history: Sequence[Point]) -> Point | None:
        """Returns the next point, or None when the space is exhausted.

        Args:
            history: All points proposed so far, in order.
        """


class RandomSampler(Sampler):
    """Draws evenly and never proposes a point twice.

    Args:
        space: The space.
        seed: Where the randomness starts; 0 is a seed like any other.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed

    def propose(self, history: Sequence[Point]) -> Point | None:
        """Returns a point that is not in the history.

        The n-th proposal has a random generator of its own, so it does not depend on how the first n - 1 came about.
        """
        seen = {_key(point) for point in history}
        size = self._space.size()
        if size is not None and len(seen) >= size:
            return None
        rng = np.random.default_rng([self._seed, len(history)])
        for _ in range(_MOST_ATTEMPTS):
            point = self._space.sample(rng)
            if _key(point) not in seen:
                return point
        return None  # so few points are left (conditions make a space smaller than its bound) that none was met


def _key(point: Point) -> str:
    return json.dumps(point, sort_keys=True)
