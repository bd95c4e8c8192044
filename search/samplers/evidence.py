"""What samplers learn from, when trials have come to different levels of the resource."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.search.objective import Objectives, Outcome
from tfx_automl.search.samplers.encoding import searched
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

_MOST_NEEDED = 20


@dataclass(frozen=True)
class Evidence:
    """Outcomes that can be compared, because all are of one level.

    Attributes:
        level: The level.
        trials: Those that have finished it and not failed, in the order of the proposals.
    """

    level: int
    trials: tuple[TrialView, ...]

    @property
    def outcomes(self) -> list[Outcome]:
        """What the trials came to at the level."""
        return [trial.outcomes[self.level] for trial in self.trials]

    def places(self, objectives: Objectives) -> npt.NDArray[np.int_]:
        """Returns the place of each trial in their order, 0 for the best; equal ones in the order of the proposals.

        So constraints, tie-breakers and several goals count just as they do everywhere else.
        """
        return _places(self.outcomes, objectives)


def _places(outcomes: Sequence[Outcome], objectives: Objectives) -> npt.NDArray[np.int_]:
    places = np.empty(len(outcomes), int)
    places[objectives.order(outcomes)] = np.arange(len(outcomes))
    return places


def gather(trials: Sequence[TrialView], enough: int) -> Evidence | None:
    """Returns the outcomes of the highest level that enough trials have finished; None if there is no such level.

    Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML 2018, section 3.2.

    Args:
        trials: All trials.
        enough: How many.
    """
    good = [trial for trial in trials if not trial.failed]
    for level in sorted({level for trial in good for level in trial.outcomes}, reverse=True):
        finished = tuple(trial for trial in good if level in trial.outcomes)
        if len(finished) >= enough:
            return Evidence(level, finished)
    return None


def duels(trials: Sequence[TrialView], objectives: Objectives) -> npt.NDArray[np.int_]:
    """Compares each trial with each other one, at the highest level that both have finished.

    So a trial that was sent on is compared with all of its rung, and with those that were sent on too.

    Args:
        trials: Those that failed lose to all that did not.
        objectives: What is better.

    Returns:
        A matrix: 1 where the trial of the row is better than that of the column, -1 where it is worse, 0 where there is
        nothing to compare.
    """
    found = np.zeros((len(trials), len(trials)), int)
    for level in sorted({level for trial in trials if not trial.failed for level in trial.outcomes}):
        there = [n for n, trial in enumerate(trials) if not trial.failed and level in trial.outcomes]
        places = _places([trials[n].outcomes[level] for n in there], objectives)
        found[np.ix_(there, there)] = np.sign(places[None, :] - places[:, None])
    lost = np.array([trial.failed for trial in trials], bool)
    won = np.array([not trial.failed and bool(trial.outcomes) for trial in trials], bool)
    found[np.ix_(won, lost)], found[np.ix_(lost, won)] = 1, -1
    return found


def enough_for(space: Space) -> int:
    """Returns how many outcomes a model of a space needs: BOHB's d + 3 for d parameters, but 20 at most."""
    return min(len(searched(space)) + 3, _MOST_NEEDED)


def pending(trials: Sequence[TrialView]) -> list[TrialView]:
    """Returns the trials that have not come to anything yet."""
    return [trial for trial in trials if not trial.failed and not trial.outcomes]


def failed(trials: Sequence[TrialView]) -> list[TrialView]:
    """Returns the trials that failed; samplers take them for bad ones, and so leave regions where trials fail."""
    return [trial for trial in trials if trial.failed]
