"""What a scheduler is."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.search.objective import Objectives
from tfx_automl.search.trial import TrialView


@dataclass(frozen=True)
class Start:
    """Start a new trial for a bracket and train it to a level of the resource."""

    bracket: int
    level: int


@dataclass(frozen=True)
class Continue:
    """Train a trial further, to a higher level of the resource."""

    trial_id: int
    level: int


@dataclass(frozen=True)
class Wait:
    """Nothing can be decided before a running trial ends."""


@dataclass(frozen=True)
class Done:
    """The schedule is complete."""


Decision = Start | Continue | Wait | Done


class Scheduler(abc.ABC):
    """Decides what to run; a pure function of the trials, so it can be asked again after a restart."""

    @abc.abstractmethod
    def next(self, trials: Sequence[TrialView], objectives: Objectives, may_start: bool = True) -> Decision:
        """Returns what to do with a free worker.

        Args:
            trials: All trials so far, in the order of the proposals.
            objectives: What is better.
            may_start: Whether there is anything left to try. If not, the answer is never `Start`, and the schedule goes
                on with the trials that there are.
        """

    @abc.abstractmethod
    def may_continue(self, trials: Sequence[TrialView], objectives: Objectives) -> set[int]:
        """Returns the trials that may still be sent on, so that their checkpoints are needed; running ones or not."""

    @abc.abstractmethod
    def describe(self) -> list[str]:
        """Returns the plan as lines to print before the search."""
