"""What every scheduler keeps to. A new one inherits `SchedulerConformance` and says what it promises."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.schedules import LOSS, Plan, Simulation
from tfx_automl.search.schedulers.asha import AshaScheduler
from tfx_automl.search.schedulers.base import Done, Start
from tfx_automl.search.schedulers.full import FullBudgetScheduler
from tfx_automl.search.schedulers.hyperband import hyperband, hyperband_brackets, successive_halving

# The methods are inherited, so one test runs on instances of many classes; that is what is wanted here.
examples = settings(
    max_examples=25, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 2**31 - 1)


class SchedulerConformance:
    """The suite. `Simulation` checks at every step what must hold at every moment: see there."""

    @pytest.fixture
    def plan(self) -> Plan:
        """Returns the scheduler and what it promises."""
        raise NotImplementedError

    @examples
    @given(seed=seeds, workers=st.integers(1, 6))
    def test_the_plan_is_completed_and_never_exceeded(self, plan, seed, workers):
        trials = Simulation(plan, seed, workers).run().trials
        assert len(trials) == plan.trials
        assert sum(trial.level for trial in trials) <= plan.units
        assert max(trial.level for trial in trials) == plan.top

    @examples
    @given(seed=seeds, workers=st.integers(1, 6))
    def test_failed_trials_are_replaced(self, plan, seed, workers):
        done = Simulation(plan, seed, workers, failing=0.25).run()
        assert len(done.good) == plan.trials
        assert sum(trial.level for trial in done.good) <= plan.units
        assert max(trial.level for trial in done.good) == plan.top

    @examples
    @given(seed=seeds, workers=st.integers(1, 6), points=st.integers(0, 30))
    def test_an_exhausted_space_ends_with_the_trials_there_are(self, plan, seed, workers, points):
        trials = Simulation(plan, seed, workers, points=points).run().trials
        assert len(trials) == min(points, plan.trials)
        assert max((trial.level for trial in trials), default=plan.top) == plan.top

    @examples
    @given(seed=seeds, workers=st.integers(1, 6), points=st.integers(0, 30))
    def test_failures_in_an_exhausted_space_end_too(self, plan, seed, workers, points):
        assert len(Simulation(plan, seed, workers, 0.3, points).run().trials) >= min(points, plan.trials)

    def test_nothing_known_starts_a_trial(self, plan):
        assert isinstance(plan.make().next([], LOSS), Start)
        assert plan.make().next([], LOSS, may_start=False) == Done()

    def test_a_finished_schedule_needs_no_checkpoints(self, plan):
        done = Simulation(plan).run()
        assert plan.make().may_continue(done.trials, LOSS) == set()
        assert plan.make().next(done.trials, LOSS) == Done()

    def test_the_plan_is_described(self, plan):
        assert str(plan.trials) in "\n".join(plan.make().describe())


def _of_brackets(make, brackets) -> Plan:
    trials, units = sum(b.rungs[0].trials for b in brackets), sum(b.units for b in brackets)
    return Plan(make, trials, units, brackets[0].rungs[-1].level)


class TestHyperband(SchedulerConformance):
    @pytest.fixture
    def plan(self) -> Plan:
        return _of_brackets(lambda: hyperband(9, 3), hyperband_brackets(9, 3))


class TestHyperbandOfFewTrials(SchedulerConformance):
    @pytest.fixture
    def plan(self) -> Plan:
        return _of_brackets(lambda: hyperband(16, 4, 19), hyperband_brackets(16, 4, 19))


class TestSuccessiveHalving(SchedulerConformance):
    @pytest.fixture
    def plan(self) -> Plan:
        return _of_brackets(lambda: successive_halving(9, 3), successive_halving(9, 3).brackets)


class TestAsha(SchedulerConformance):
    @pytest.fixture
    def plan(self) -> Plan:
        """Nobody waits, so more than planned may go up at first; every trial going up is the most it may use."""
        return Plan(lambda: AshaScheduler(9, 3, 20), 20, 20 * 9, 9)


class TestFullBudget(SchedulerConformance):
    @pytest.fixture
    def plan(self) -> Plan:
        return Plan(lambda: FullBudgetScheduler(5, 7), 7, 35, 5)
