"""No point twice: what samplers do when their proposal is not new."""

import abc
from collections.abc import Iterable, Sequence

import numpy as np

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.base import Sampler, point_key
from tfx_automl.search.samplers.random import RandomSampler
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView


class LearningSampler(Sampler):
    """A sampler that has ideas; where it has none that is new, a point is drawn at random, until all are used up.

    Args:
        space: The space.
        seed: Where the randomness starts; 0 is a seed like any other.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed = space, seed
        self._random = RandomSampler(space, seed)

    def propose(self, trials: Sequence[TrialView], objectives: Objectives) -> Point | None:
        """Returns the first idea that was not proposed before; None when the space is exhausted."""
        seen = {point_key(trial.values) for trial in trials}
        for point in self._ideas(trials, objectives):
            if point_key(point) not in seen:
                return point
        return self._random.propose(trials, objectives)

    @abc.abstractmethod
    def _ideas(self, trials: Sequence[TrialView], objectives: Objectives) -> Iterable[Point]:
        """Returns what to try, the best idea first; none if too little is known. Few of them: all may be old."""

    def _rng(self, trials: Sequence[TrialView]) -> np.random.Generator:
        """Returns the randomness of the next proposal: its own, however the earlier ones came about."""
        return np.random.default_rng([self._seed, len(trials), 1])  # 1: not the numbers that random search draws
