"""What a sampler is."""

import abc
import json
from collections.abc import Sequence

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.trial import TrialView


class Sampler(abc.ABC):
    """Proposes points of a space.

    A proposal is a function of the space, the seed and the trials so far, and of nothing else, so that a search that
    was killed goes on as if it had not been. A sampler may remember what it computed from earlier trials, as long as
    it answers the same without.
    """

    @abc.abstractmethod
    def propose(self, trials: Sequence[TrialView], objectives: Objectives) -> Point | None:
        """Returns the next point, never one that was proposed before; None when the space is exhausted.

        Args:
            trials: All trials so far, in the order of the proposals; some still run, some have failed.
            objectives: What is better.
        """


def point_key(point: Point) -> str:
    """Returns a text that is the same for equal points only."""
    return json.dumps(point, sort_keys=True)
