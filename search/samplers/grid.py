"""Grid search."""

from collections.abc import Sequence

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objectives
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.base import Sampler, point_key
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView


class GridSampler(Sampler):
    """Proposes all combinations in a fixed order, the last parameter changing first.

    Conditional parameters count only where they are active.

    Args:
        space: The space.
        seed: Changes nothing.

    Raises:
        ConfigError: A parameter is continuous.
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        del seed
        endless = [parameter.name for parameter in space.parameters if parameter.size() is None]
        if endless:
            raise ConfigError(
                f"grid: expected parameters that can be counted, got continuous {', '.join(endless)}; give each a step,"
                " or take another sampler."
            )
        self._space = space

    def propose(self, trials: Sequence[TrialView], objectives: Objectives) -> Point | None:
        """Returns the first combination that was not proposed before; None after the last."""
        del objectives
        seen = {point_key(trial.values) for trial in trials}
        return next((point for point in self._space.points() if point_key(point) not in seen), None)
