"""Random search."""

from collections.abc import Sequence

import numpy as np

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.base import Sampler, point_key
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

_MOST_ATTEMPTS = 1000


class RandomSampler(Sampler):
    """Draws evenly and never proposes a point twice.

    Args:
        space: The space.
        seed: Where the randomness starts; 0 is a seed like any other.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed = space, seed

    def propose(self, trials: Sequence[TrialView], objectives: Objectives) -> Point | None:
        """Returns a point that was not proposed before.

        The n-th proposal has a random generator of its own, so it does not depend on how the first n - 1 came about.
        """
        seen = {point_key(trial.values) for trial in trials}
        size = self._space.size()
        if size is not None and len(seen) >= size:
            return None
        rng = np.random.default_rng([self._seed, len(trials)])
        for _ in range(_MOST_ATTEMPTS):
            point = self._space.sample(rng)
            if point_key(point) not in seen:
                return point
        if size is None:
            return None
        # So few points are left that none was met, or none at all: conditions make a space smaller than its bound.
        return next((point for point in self._space.points() if point_key(point) not in seen), None)
