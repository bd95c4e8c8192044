"""What is particular to each sampler; what they have in common is in tests/conformance."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.histories import EVERYTHING, LOSS, small_space
from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objectives, Outcome
from tfx_automl.search.parameters import Boolean, Choice, Condition, Fixed, Float, Int
from tfx_automl.search.samplers import sampler_for
from tfx_automl.search.samplers.base import point_key
from tfx_automl.search.samplers.controller import Controller
from tfx_automl.search.samplers.encoding import Encoding, by_number, mutate
from tfx_automl.search.samplers.evidence import duels, gather
from tfx_automl.search.samplers.evolution import EvolutionSampler
from tfx_automl.search.samplers.gp import GaussianProcessSampler, expected_improvement
from tfx_automl.search.samplers.grid import GridSampler
from tfx_automl.search.space import Space
from tfx_automl.search.testing import SPACE
from tfx_automl.search.trial import TrialView

LINE = Space((Float("x", 0.0, 1.0),))
LEARNERS = ("bayesian", "gp", "evolution", "reinforce")


def _seen(points, losses, **more) -> list[TrialView]:
    return [
        TrialView(n, 0, point, {1: Outcome((loss,))}, **more)
        for n, (point, loss) in enumerate(zip(points, losses, strict=True))
    ]


def _mixed(point) -> float:
    """A loss with its optimum, 0, at x = 1, units = 256, kind = deep, depth = 3, no flag."""
    loss = (point["x"] - 1.0) ** 2 / 10 + (point["units"] / 256 - 1.0) ** 2
    return loss + (0.5 if point["kind"] == "plain" else 0.3 * abs(point["depth"] - 3)) + 0.2 * point["flag"]


def _best_of(name: str, seed: int, count: int) -> float:
    sampler, trials = sampler_for(name, SPACE, seed), []
    for _ in range(count):
        point = sampler.propose(trials, LOSS)
        trials.append(TrialView(len(trials), 0, point, {1: Outcome((_mixed(point),))}))
    return min(trial.outcomes[1].scores[0] for trial in trials)


@pytest.mark.parametrize(
    ("name", "seeds", "count"), [("bayesian", 5, 60), ("gp", 5, 30), ("evolution", 15, 60), ("reinforce", 15, 60)]
)
def test_learners_beat_random_search(name, seeds, count):
    """Medians over seeds; random search comes to 0.34 in 60 trials, and to half of that in about 400."""
    ours, randoms = (np.median([_best_of(who, seed, count) for seed in range(seeds)]) for who in (name, "random"))
    assert ours < 0.5 * randoms


def test_importing_samplers_loads_no_optuna_and_no_scikit_learn():
    code = (
        "import sys, tfx_automl.search.samplers as s; print(sorted({'optuna', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_grid_goes_through_all_combinations_in_order():
    space = Space((Choice("a", ("x", "y")), Int("b", 1, 5, step=2, conditions=(Condition("a", ("y",)),)), Boolean("c")))
    trials: list[TrialView] = []
    while (point := GridSampler(space).propose(trials, LOSS)) is not None:
        trials.append(TrialView(len(trials), 0, point))
    assert [tuple(trial.values.values()) for trial in trials] == [
        ("x", False), ("x", True),
        ("y", 1, False), ("y", 1, True), ("y", 3, False), ("y", 3, True), ("y", 5, False), ("y", 5, True),
    ]  # fmt: skip


@given(seed=st.integers(0, 2**31 - 1))
def test_points_are_all_combinations_that_the_space_contains(seed):
    space = small_space(np.random.default_rng(seed))
    options = [[None, *parameter.grid()] for parameter in space.parameters]
    names = [parameter.name for parameter in space.parameters]
    every = [
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for values in itertools.product(*options)
    ]
    wanted = sorted(point_key(point) for point in every if space.contains(point))
    assert sorted(map(point_key, space.points())) == wanted


PARAMETERS = [
    Float("p", 0.0, 1.0),
    Float("p", 1e-5, 10.0, sampling="log"),
    Float("p", 1.0, 100.0, sampling="reverse_log"),
    Float("p", -1.0, 2.0, step=0.3),
    Float("p", 1.0, 100.0, step=10.0, sampling="log"),
    Int("p", 3, 40, step=7),
    Int("p", 1, 1000, sampling="log"),
    Int("p", 1, 100, sampling="reverse_log"),
    Int("p", 1, 60, step=1.3, sampling="log"),
    Choice("p", ("a", "b", "c")),
    Choice("p", (8, 16, 64)),
    Boolean("p"),
]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=map(repr, PARAMETERS))
def test_the_unit_interval_and_back(parameter):
    rng = np.random.default_rng(0)
    for _ in range(100):
        value = parameter.sample(rng)
        unit = parameter.to_unit(value)
        assert 0.0 <= unit <= 1.0
        assert parameter.from_unit(unit) == (pytest.approx(value) if isinstance(value, float) else value)
        assert parameter.contains(parameter.from_unit(float(rng.uniform())))
    assert parameter.contains(parameter.from_unit(0.0)) and parameter.contains(parameter.from_unit(1.0))


@pytest.mark.parametrize("parameter", PARAMETERS[3:], ids=map(repr, PARAMETERS[3:]))
def test_grids_hold_each_value_once(parameter):
    values = list(parameter.grid())
    assert all(map(parameter.contains, values))
    assert len(set(values)) == len(values)
    rng = np.random.default_rng(0)
    assert {parameter.sample(rng) for _ in range(30)} <= set(values)


def test_a_continuous_range_has_no_grid():
    with pytest.raises(ConfigError, match=r"x: there is no end of values from 0.0 to 1.0; give it a step"):
        list(Space((Boolean("b"), Float("x", 0.0, 1.0))).points())


@given(seed=st.integers(0, 2**31 - 1))
def test_mutants_differ_in_one_parameter_and_what_follows_from_it(seed):
    rng = np.random.default_rng(seed)
    parent = EVERYTHING.sample(rng)
    before = by_number(EVERYTHING, parent)
    child = mutate(EVERYTHING, parent, rng)
    after = by_number(EVERYTHING, child)
    assert EVERYTHING.contains(child)
    changed = [number for number in before.keys() & after.keys() if before[number] != after[number]]
    assert len(changed) == 1
    moved = EVERYTHING.parameters[changed[0]].name
    for number in before.keys() ^ after.keys():
        parents = {condition.parent for condition in EVERYTHING.parameters[number].conditions}
        assert moved in parents or "depth" in parents  # depth itself depends on kind


def test_vectors_have_a_place_for_every_value():
    space = Space(
        (
            Fixed("f", 1),
            Choice("kind", ("a", "b")),
            Float("x", 1.0, 100.0, sampling="log", conditions=(Condition("kind", ("b",)),)),
            Boolean("flag", conditions=(Condition("kind", ("b",)),)),
        )
    )
    rows = Encoding(space).vectors([{"f": 1, "kind": "a"}, {"f": 1, "kind": "b", "x": 10.0, "flag": True}])
    assert rows.tolist() == [[1, 0, 0.5, 0, 0], [0, 1, 0.5, 0, 1]]


def _rungs(*reached) -> list[TrialView]:
    """One trial for each dictionary of losses by level; None failed."""
    return [
        TrialView(n, 0, {}, {level: Outcome((loss,)) for level, loss in (levels or {}).items()}, failed=levels is None)
        for n, levels in enumerate(reached)
    ]


def test_the_highest_level_with_enough_outcomes_is_learned_from():
    trials = _rungs({1: 3.0}, {1: 2.0, 3: 1.0}, {1: 1.0, 3: 2.0, 9: 5.0}, None, {})
    assert gather(trials, 1).level == 9
    assert [trial.trial_id for trial in gather(trials, 2).trials] == [1, 2]
    assert gather(trials, 3).level == 1
    assert gather(trials, 4) is None
    assert gather(trials, 2).places(LOSS).tolist() == [0, 1]


def test_duels_are_fought_at_the_highest_level_that_both_have_finished():
    trials = _rungs({1: 3.0}, {1: 2.0, 3: 1.0}, {1: 1.0, 3: 2.0}, None, {}, {9: 0.0})
    assert duels(trials, LOSS).tolist() == [
        [0, -1, -1, 1, 0, 0],
        [1, 0, 1, 1, 0, 0],  # better than trial 2 at level 3, though worse at level 1
        [1, -1, 0, 1, 0, 0],
        [-1, -1, -1, 0, 0, -1],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
    ]


@pytest.mark.parametrize("name", ["bayesian", "gp"])
def test_a_level_of_few_outcomes_does_not_mislead(name):
    """At level 1 small x are best, at level 3 large ones: as soon as level 3 has enough, it counts."""
    xs = np.random.default_rng(0).uniform(size=30)
    low = [TrialView(n, 0, {"x": x}, {1: Outcome((x,))}) for n, x in enumerate(xs)]
    high = [TrialView(n, 0, {"x": x}, {1: Outcome((x,)), 3: Outcome((-x,))}) for n, x in enumerate(xs)]
    for trials, wanted in ((low, 0.0), (low[:-3] + high[-3:], 0.0), (low[:10] + high[10:], 1.0)):
        point = sampler_for(name, LINE, 0).propose(trials, LOSS)
        assert abs(point["x"] - wanted) < 0.25


@pytest.mark.parametrize("name", LEARNERS)
def test_constraints_come_first(name):
    """Small x are best, but those below 0.75 are not allowed."""
    by = Objectives.of("val_loss", constraints=["parameters>=0.75"])
    sampler, trials = sampler_for(name, LINE, 1), []
    for number in range(60):
        point = sampler.propose(trials, by)
        metrics = {"val_loss": point["x"], "parameters": point["x"]}
        trials.append(TrialView(number, 0, point, {1: by.outcome(metrics)}))
    assert sum(trial.outcomes[1].feasible for trial in trials[30:]) >= 15  # at random: 7.5 on average, deviation 2.4
    assert min(trial.outcomes[1].scores[0] for trial in trials if trial.outcomes[1].feasible) < 0.78


@pytest.mark.parametrize("name", LEARNERS)
def test_both_ends_of_a_front_are_found(name):
    by = Objectives.of("val_loss", "val_error")
    space = Space((Float("x", 0.0, 1.0), Float("waste", 0.0, 1.0)))
    sampler, trials = sampler_for(name, space, 0), []
    for number in range(60):
        point = sampler.propose(trials, by)
        scores = (point["x"] + point["waste"], 1.0 - point["x"] + point["waste"])
        trials.append(TrialView(number, 0, point, {1: Outcome(scores)}))
    assert np.median([trial.values["waste"] for trial in trials[30:]]) < 0.35
    late = [trial.values["x"] for trial in trials[30:]]
    assert min(late) < 0.25 and max(late) > 0.75


@pytest.mark.parametrize("name", ["bayesian", "gp"])
def test_workers_that_ask_at_once_get_different_answers(name):
    """There are two valleys. While a proposal in one of them runs, the other is looked at, too."""
    known = _seen([{"x": x} for x in (0.0, 0.2, 0.3, 0.5, 0.7, 0.8, 1.0)], [1.0, 0.0, 0.1, 1.0, 0.2, 0.1, 1.0])
    alone = [sampler_for(name, LINE, seed).propose(known, LOSS)["x"] for seed in range(4)]
    trials = list(known)
    for _ in range(4):
        point = sampler_for(name, LINE, 0).propose(trials, LOSS)
        trials.append(TrialView(len(trials), 0, point, running_to=1))
    together = [trial.values["x"] for trial in trials[len(known) :]]
    assert np.ptp(alone) < 0.1 and np.ptp(together) > 0.4


def test_regions_where_trials_fail_are_left():
    xs = np.random.default_rng(0).uniform(size=30)
    trials = [
        TrialView(n, 0, {"x": x}, {1: Outcome((-x,))}) if x < 0.5 else TrialView(n, 0, {"x": x}, failed=True)
        for n, x in enumerate(xs)
    ]
    for name in ("bayesian", "gp"):
        assert 0.3 < sampler_for(name, LINE, 0).propose(trials, LOSS)["x"] < 0.6


def test_optuna_keeps_its_own_settings():
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    xs = np.linspace(0.0, 1.0, 20)
    sampler_for("bayesian", LINE, 0).propose(_seen([{"x": float(x)} for x in xs], xs), LOSS)
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING


def test_expected_improvement_is_the_mean_of_improvements():
    """Six standard deviations of the mean of a million draws."""
    rng = np.random.default_rng(0)
    for mean, deviation, best in ((0.0, 1.0, 0.0), (1.0, 0.5, 0.2), (-0.3, 0.1, 0.0)):
        draws = np.maximum(best - rng.normal(mean, deviation, 1_000_000), 0.0)
        (found,) = expected_improvement(np.array([mean]), np.array([deviation]), best)
        assert abs(found - draws.mean()) < 6 * draws.std() / 1000


def test_the_gaussian_process_takes_no_longer_with_many_trials():
    """It learns from 150 trials at most; without that, 1200 would take many seconds each."""
    rng = np.random.default_rng(0)
    xs = rng.uniform(size=1200)
    trials = _seen([{"x": x} for x in xs], (xs - 0.3) ** 2)
    point = GaussianProcessSampler(LINE, 0).propose(trials, LOSS)
    assert abs(point["x"] - 0.3) < 0.05


def test_in_evolution_the_oldest_die_however_good_they_are():
    """The first ten trials are the best by far, but dead: no child of theirs is proposed."""
    space = Space((Choice("a", tuple(range(50))), Choice("b", tuple(range(50)))))
    dead = [{"a": n, "b": n} for n in range(10)]
    alive = [{"a": 20 + n, "b": 20 + n} for n in range(10)]
    trials = _seen([*dead, *alive], [0.0] * 10 + [1.0 + n for n in range(10)])
    for seed in range(20):
        child = EvolutionSampler(space, seed, population=10, sample=10).propose(trials, LOSS)
        assert child["a"] == 20 or child["b"] == 20  # of the best that is alive, with one of the two changed
        assert child["a"] != child["b"]


@pytest.mark.parametrize(("numbers", "message"), [((1, 1), "population of 2 or more"), ((5, 6), "sample of 1 to 5")])
def test_evolution_refuses_numbers_out_of_range(numbers, message):
    with pytest.raises(ConfigError, match=message):
        EvolutionSampler(SPACE, 0, *numbers)


@pytest.mark.parametrize(("advantage", "entropy"), [(0.7, 0.0), (-1.3, 0.2), (0.0, 1.0)])
def test_gradients_of_the_controller_are_those_of_its_loss(advantage, entropy):
    """Central differences, on every tenth weight or so: their error is about 1e-10 here."""
    controller = Controller({0: 3, 2: 2, 5: 4})
    rng = np.random.default_rng(0)
    weights = {name: 3.0 * values for name, values in controller.weights(rng).items()}
    decisions = [(0, 2), (2, 0), (5, 3)]
    gradient = controller.gradient(weights, decisions, advantage, entropy)
    for name, values in weights.items():
        for place in rng.choice(values.size, max(5, values.size // 10), replace=False):
            index = np.unravel_index(place, values.shape)
            ends = []
            for shift in (1e-5, -1e-5):
                moved = {**weights, name: values.copy()}
                moved[name][index] += shift
                ends.append(controller.loss(moved, decisions, advantage, entropy))
            assert gradient[name][index] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


def test_the_controller_learns_what_depends_on_what():
    """b must equal a: no choice of one parameter alone does that."""
    space = Space((Choice("a", ("x", "y")), Choice("b", ("x", "y")), Float("c", 0.0, 1.0)))
    sampler, trials = sampler_for("reinforce", space, 0), []
    for number in range(150):
        point = sampler.propose(trials, LOSS)
        trials.append(TrialView(number, 0, point, {1: Outcome((float(point["a"] != point["b"]),))}))
    assert sum(trial.values["a"] == trial.values["b"] for trial in trials[100:]) >= 40  # at random: 25, deviation 3.5


def test_logarithmic_scales_are_learned_as_such():
    """The optimum is at 1e-4 of a range from 1e-6 to 1: on a linear scale nobody would come near in 40 trials."""
    space = Space((Float("rate", 1e-6, 1.0, sampling="log"),))
    for name in ("bayesian", "gp"):
        sampler, trials = sampler_for(name, space, 0), []
        for number in range(40):
            point = sampler.propose(trials, LOSS)
            loss = (math.log10(point["rate"]) + 4.0) ** 2
            trials.append(TrialView(number, 0, point, {1: Outcome((loss,))}))
        assert min(trial.outcomes[1].scores[0] for trial in trials) < 0.01
