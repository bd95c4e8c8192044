"""Points that are known to be good come first."""

from collections.abc import Sequence

from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.base import Sampler, point_key
from tfx_automl.search.trial import TrialView


class FirstPoints(Sampler):
    """Proposes given points, and then what another sampler proposes.

    Args:
        points: Points of the space, such as the best of an earlier search.
        then: The other sampler; it sees the given points as trials like any other.
    """

    def __init__(self, points: Sequence[Point], then: Sampler) -> None:
        self._points, self._then = tuple(points), then

    def propose(self, trials: Sequence[TrialView], objectives: Objectives) -> Point | None:
        """Returns the first of the points that was not proposed before, or what the other sampler says."""
        seen = {point_key(trial.values) for trial in trials}
        first = next((point for point in self._points if point_key(point) not in seen), None)
        return first if first is not None else self._then.propose(trials, objectives)
