"""A search without trainings: workers that end their jobs in any order, some of which fail."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tfx_automl.search.objective import Objectives, Outcome
from tfx_automl.search.schedulers.base import Continue, Decision, Done, Scheduler, Start, Wait
from tfx_automl.search.trial import TrialView, ranked

LOSS = Objectives.of("val_loss")


@dataclass(frozen=True)
class Plan:
    """A scheduler and what it promised.

    Attributes:
        make: Makes it.
        trials: The most trials that do not fail.
        units: The most units of the resource that they use.
        top: The highest level.
    """

    make: Callable[[], Scheduler]
    trials: int
    units: int
    top: int


@dataclass
class Simulation:
    """Runs a schedule to its end and checks what must hold at every moment.

    Attributes:
        plan: The schedule.
        seed: Of the scores, the failures, and the order in which jobs end.
        workers: How many jobs run at once.
        failing: Share of the jobs that fail.
        points: How many points the space has.
        trials: What became of it.
    """

    plan: Plan
    seed: int = 0
    workers: int = 1
    failing: float = 0.0
    points: int = 10**9
    trials: list[TrialView] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._scheduler = self.plan.make()
        self._dropped: set[int] = set()  # trials whose checkpoints were not needed any more

    @property
    def running(self) -> list[TrialView]:
        return [trial for trial in self.trials if trial.running_to is not None]

    @property
    def good(self) -> list[TrialView]:
        return [trial for trial in self.trials if not trial.failed]

    def run(self) -> "Simulation":
        for _ in range(100_000):
            decision = self._decide()
            if isinstance(decision, (Start, Continue)):
                continue
            if isinstance(decision, Done):
                assert not self.running
                return self
            assert self.running, "waits for nothing"
            self._one_ends()
        raise AssertionError("does not end")

    def _decide(self) -> Decision:
        """Does what the schedule says, or returns that there is nothing to do, or nobody to do it."""
        if len(self.running) >= self.workers:
            return Wait()
        may_start = len(self.trials) < self.points
        before = list(self.trials)
        decision = self._scheduler.next(self.trials, LOSS, may_start)
        assert self.trials == before, "what it is given is changed"
        assert decision == self.plan.make().next(self.trials, LOSS, may_start), "remembers what it was asked"
        if isinstance(decision, Start):
            assert may_start
            self.trials.append(TrialView(len(self.trials), decision.bracket, running_to=decision.level))
        elif isinstance(decision, Continue):
            self._check_promotion(decision)
            trial = self.trials[decision.trial_id]
            self.trials[decision.trial_id] = replace(trial, running_to=decision.level)
        return decision

    def _check_promotion(self, decision: Continue) -> None:
        trial = self.trials[decision.trial_id]
        assert trial.running_to is None and not trial.failed and trial.level < decision.level
        assert trial.trial_id not in self._dropped, "its checkpoint was said to be needed no more"
        rivals = [other for other in self.good if other.bracket == trial.bracket and other.level == trial.level]
        idle = [other for other in ranked(rivals, trial.level, LOSS) if other.running_to is None]
        assert idle[0] is trial, "a better one waits at this rung"

    def _one_ends(self) -> None:
        trial = self.running[int(self._rng.integers(len(self.running)))]
        number = trial.trial_id
        if self._rng.uniform() < self.failing:
            self.trials[number] = replace(trial, running_to=None, failed=True)
        else:
            found = Outcome((float(self._rng.integers(8)),))  # few scores, so many are equal
            outcomes = {**trial.outcomes, trial.running_to or 0: found}
            self.trials[number] = replace(trial, running_to=None, outcomes=outcomes)
        needed = self._scheduler.may_continue(self.trials, LOSS)
        assert needed <= {trial.trial_id for trial in self.good}
        self._dropped |= {trial.trial_id for trial in self.trials} - needed
