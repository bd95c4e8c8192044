"""Regularised evolution.

Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search. AAAI 2019, algorithm 1.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tfx_automl.errors import require
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.encoding import mutate
from tfx_automl.search.samplers.evidence import duels
from tfx_automl.search.samplers.learning import LearningSampler
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

_MUTATIONS = 50


class EvolutionSampler(LearningSampler):
    """Mutates the best of a few that are drawn from a population; the oldest of it dies, however good it is.

    The population are the latest P trials that have an outcome. The best of a sample is the one that wins most
    comparisons within it, each at the highest level of the resource that both have finished. The first P proposals are
    random. A child differs from its parent in one parameter; conditional parameters that become active by that are
    drawn.

    Args:
        space: The space.
        seed: Where the randomness starts.
        population: P of the paper, 2 or more; 100 there, fewer here, because searches have tens of trials.
        sample: S of the paper, 1 to P.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(self, space: Space, seed: int, population: int = 10, sample: int = 5) -> None:
        require(
            (population >= 2, f"evolution: expected a population of 2 or more, got {population}."),
            (1 <= sample <= population, f"evolution: expected a sample of 1 to {population}, got {sample}."),
        )
        super().__init__(space, seed)
        self._population, self._sample = population, sample

    def _ideas(self, trials: Sequence[TrialView], objectives: Objectives) -> Iterator[Point]:
        alive = [trial for trial in trials if trial.outcomes and not trial.failed][-self._population :]
        if len(trials) < self._population or not alive:
            return
        rng = self._rng(trials)
        drawn = rng.choice(len(alive), min(self._sample, len(alive)), replace=False)
        sample = [alive[number] for number in drawn]
        parent = sample[int(np.argmax(duels(sample, objectives).sum(axis=1)))]
        for _ in range(_MUTATIONS):
            yield mutate(self._space, parent.values, rng)
