"""What every sampler keeps to. A new one inherits `SamplerConformance` and says how it is made."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.histories import COUNTED, EVERYTHING, LOSS, TWO_GOALS, Trouble, proposals, simulate, small_space
from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Outcome
from tfx_automl.search.parameters import Float
from tfx_automl.search.samplers import SAMPLERS, sampler_for
from tfx_automl.search.samplers.base import Sampler, point_key
from tfx_automl.search.space import Space
from tfx_automl.search.trial import TrialView

Make = Callable[[Space, int], Sampler]

# The methods are inherited, so one test runs on instances of many classes; that is what is wanted here.
examples = settings(
    max_examples=6, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture]
)
troubles = st.builds(
    Trouble, workers=st.integers(1, 4), failing=st.sampled_from([0.0, 0.3]), diverging=st.sampled_from([0.0, 0.2])
)
seeds = st.integers(0, 2**31 - 1)
objectives = st.sampled_from([LOSS, TWO_GOALS])


class SamplerConformance:
    """The suite.

    Attributes:
        space: What the long histories are of.
        permanent: Hash of the first proposals, or several, one for each kind of processor. Searches that are continued,
            and results that are published, rely on proposals not changing: a change that says so in the changelog may
            change the hash, any other may not.
    """

    space = EVERYTHING
    permanent = ""

    @pytest.fixture
    def make(self) -> Make:
        """Returns what makes the sampler from a space and a seed."""
        raise NotImplementedError

    @examples
    @given(seed=seeds, by=objectives, trouble=troubles)
    def test_proposals_are_of_the_space_and_new(self, make, seed, by, trouble):
        sampler = make(self.space, seed)
        trials = simulate(lambda trials: sampler.propose(trials, by), by, 20, seed, trouble)
        assert [self.space.contains(trial.values) for trial in trials] == [True] * 20
        assert len({point_key(trial.values) for trial in trials}) == 20

    @settings(examples, max_examples=20)
    @given(seed=seeds, trouble=troubles)
    def test_small_spaces_are_exhausted_exactly(self, make, seed, trouble):
        space = small_space(np.random.default_rng(seed))
        sampler = make(space, seed)
        trials = simulate(lambda trials: sampler.propose(trials, LOSS), LOSS, 1000, seed, trouble)
        wanted = sorted(map(point_key, space.points()))
        assert sorted(point_key(trial.values) for trial in trials) == wanted
        assert sampler.propose(trials, LOSS) is None

    @examples
    @given(seed=seeds, by=objectives, trouble=troubles)
    def test_what_is_remembered_changes_nothing(self, make, seed, by, trouble):
        """An instance that was asked about other histories before answers as a new one does."""
        used = make(self.space, 7)
        trials = simulate(lambda trials: used.propose(trials, by), by, 16, seed, trouble)
        for known in (16, 12, 16):
            assert used.propose(trials[:known], by) == make(self.space, 7).propose(trials[:known], by)

    @pytest.mark.parametrize("by", [LOSS, TWO_GOALS], ids=["one goal", "two goals"])
    def test_another_process_proposes_the_same(self, make, by):
        sampler = make(self.space, 3)
        trouble = Trouble(workers=2, failing=0.2)
        trials = simulate(lambda trials: sampler.propose(trials, by), by, 22, 0, trouble)
        histories = [trials[:count] for count in (0, 5, 18, 22)]
        code = (
            "import json, pickle, sys\n"
            "sampler, histories, by = pickle.load(sys.stdin.buffer)\n"
            "print(json.dumps([sampler.propose(trials, by) for trials in histories]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=pickle.dumps((make(self.space, 3), histories, by)),
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": "12345"},
        )
        assert json.loads(done.stdout) == [make(self.space, 3).propose(history, by) for history in histories]

    def test_seed_0_is_a_seed(self, make):
        first, again, other = (proposals(make(self.space, seed), LOSS, 3) for seed in (0, 0, 1))
        assert first == again
        assert first != other

    def test_proposals_never_change(self, make):
        """Nine digits of each number: the last ones depend on how NumPy computes an exponential."""
        points = proposals(make(self.space, 0), LOSS, 24)
        found = json.dumps([{k: f"{v:.9g}" if isinstance(v, float) else v for k, v in p.items()} for p in points])
        assert hashlib.sha256(found.encode()).hexdigest()[:16] in self.permanent.split()

    @pytest.mark.parametrize(
        "view",
        [
            {"failed": True},
            {"running_to": 1},
            {"outcomes": {1: Outcome((1.0,))}},
            {"outcomes": {1: Outcome((np.inf,), np.inf)}},
        ],
        ids=["all failed", "all run", "all equal", "all diverged"],
    )
    def test_histories_that_say_nothing(self, make, view):
        trials: list[TrialView] = []
        for number in range(25):
            point = make(self.space, 0).propose(trials, LOSS)
            assert point is not None
            assert self.space.contains(point)
            trials.append(TrialView(number, 0, point, **view))
        assert len({point_key(trial.values) for trial in trials}) == 25

    def test_nothing_is_printed_and_nobody_is_warned(self, make, capfd):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(proposals(make(self.space, 0), LOSS, 20)) == 20
        assert capfd.readouterr() == ("", "")

    def test_a_space_of_one_point(self, make):
        space = Space((Float("x", 1.0, 1.0),))
        assert proposals(make(space, 0), LOSS, 5) == [{"x": 1.0}]


class TestRandom(SamplerConformance):
    permanent = "381aa05f965dd58c"

    @pytest.fixture
    def make(self) -> Make:
        return SAMPLERS["random"]


class TestGrid(SamplerConformance):
    space = COUNTED
    permanent = "0477f716fe3b967a"

    @pytest.fixture
    def make(self) -> Make:
        return SAMPLERS["grid"]

    def test_seed_0_is_a_seed(self, make):
        """A grid has one order, whatever the seed."""
        assert proposals(make(self.space, 0), LOSS, 5) == proposals(make(self.space, 1), LOSS, 5)


class TestBayesian(SamplerConformance):
    # Optuna sorts values of which some are equal, and NumPy's order of equal ones depends on whether there is AVX-512.
    permanent = "110f594cac4fff05 2e091d1253a862c5"

    @pytest.fixture
    def make(self) -> Make:
        return SAMPLERS["bayesian"]


class TestGaussianProcess(SamplerConformance):
    permanent = "df43ecb961e4d535"

    @pytest.fixture
    def make(self) -> Make:
        return SAMPLERS["gp"]


class TestEvolution(SamplerConformance):
    permanent = "d7580a749f2754f5"

    @pytest.fixture
    def make(self) -> Make:
        return SAMPLERS["evolution"]


class TestReinforce(SamplerConformance):
    permanent = "2b51589d855ef077"

    @pytest.fixture
    def make(self) -> Make:
        return SAMPLERS["reinforce"]


def test_every_sampler_is_here():
    assert len(SamplerConformance.__subclasses__()) == len(SAMPLERS)


def test_an_unknown_sampler_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"expected one of random, grid, bayesian, gp, evolution, reinforce; got 'x'"):
        sampler_for("x", COUNTED, 0)


def test_grid_refuses_what_cannot_be_counted():
    with pytest.raises(ConfigError, match=r"got continuous x, rate, depth; give each a step"):
        sampler_for("grid", EVERYTHING, 0)
