"""What is better: goals, constraints, fronts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Constraint, Objective, Objectives, Outcome, infer_direction
from tfx_automl.search.pareto import crowding_distances, fronts

SCORES = st.floats(-10, 10, allow_nan=False)
OUTCOMES = st.lists(
    st.builds(Outcome, st.tuples(SCORES, SCORES), st.sampled_from([0.0, 0.0, 0.5, math.inf]), SCORES),
    min_size=1,
    max_size=25,
)
ONE = Objectives.of("val_auc", constraints=["latency_ms<=2"])
TWO = Objectives.of("val_auc", "val_loss", constraints=["latency_ms<=2"])


def _single(outcomes):
    return [Outcome(outcome.scores[:1], outcome.violation, outcome.tie_breaker) for outcome in outcomes]


@given(OUTCOMES)
def test_violator_never_ranks_above_a_feasible_trial(outcomes):
    for objectives, trials in ((ONE, _single(outcomes)), (TWO, outcomes)):
        keys = objectives.keys(trials)
        for one, key in zip(trials, keys, strict=True):
            for other, other_key in zip(trials, keys, strict=True):
                if one.feasible and not other.feasible:
                    assert key < other_key
        if any(outcome.feasible for outcome in trials):
            assert trials[objectives.best(trials)].feasible


@given(OUTCOMES)
def test_best_of_one_goal_is_the_best_of_the_feasible(outcomes):
    trials = _single(outcomes)
    feasible = [outcome.scores[0] for outcome in trials if outcome.feasible]
    if feasible:
        assert trials[ONE.best(trials)].scores[0] == max(feasible)


@given(OUTCOMES)
def test_front_is_what_nobody_dominates(outcomes):
    front = TWO.front(outcomes)

    def dominates(one: Outcome, other: Outcome) -> bool:
        a, b = TWO.losses(one), TWO.losses(other)
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    feasible = [outcome for outcome in outcomes if outcome.feasible]
    expected = [
        number
        for number, outcome in enumerate(outcomes)
        if outcome.feasible and not any(dominates(other, outcome) for other in feasible)
    ]
    assert front == expected
    if front:
        assert TWO.best(outcomes) in front


def test_fronts_and_crowding_by_hand():
    points = [(1.0, 4.0), (2.0, 2.0), (4.0, 1.0), (3.0, 3.0), (4.0, 4.0)]
    ranks = fronts(points)
    assert ranks == [0, 0, 0, 1, 2]
    # The middle one's neighbours are the whole range apart in both directions.
    assert crowding_distances(points, ranks) == [math.inf, 2.0, math.inf, math.inf, math.inf]
    assert fronts([]) == [] and fronts([(1.0,), (1.0,)]) == [0, 0]


def test_outcome_of_an_epoch():
    objectives = Objectives.of("val_auc", constraints=["latency_ms<=2", "val_recall>=0.8"])
    metrics = {"val_auc": 0.9, "val_loss": 0.3, "latency_ms": 3.0, "val_recall": 0.6}
    outcome = objectives.outcome(metrics)
    assert outcome.scores == (0.9,) and outcome.tie_breaker == 0.3
    assert outcome.violation == pytest.approx(0.5 + 0.25)  # each relative to its limit
    assert objectives.outcome({**metrics, "latency_ms": 2.0, "val_recall": 0.8}).feasible
    assert objectives.outcome({**metrics, "latency_ms": math.nan}).violation == math.inf
    assert objectives.outcome({**metrics, "val_auc": math.nan}) is None
    with pytest.raises(ConfigError, match="constraint: there is no metric 'val_recall'; an epoch has val_auc"):
        Objectives.of("val_auc", constraints=["val_recall>=1"]).outcome({"val_auc": 1.0})


@pytest.mark.parametrize("text", ["latency_ms=2", "latency_ms<2", "<=2", "latency_ms<=fast", "a<=inf", "a<=nan", ""])
def test_no_constraint(text):
    with pytest.raises(ConfigError, match=r"constraint: expected METRIC<=NUMBER or METRIC>=NUMBER"):
        Constraint.parse(text)


def test_constraint_as_text():
    assert str(Constraint.parse(" model_bytes <= 1e6 ")) == "model_bytes<=1e+06"


def test_objectives_need_different_metrics():
    with pytest.raises(ConfigError, match="expected one or more different metrics"):
        Objectives(())
    with pytest.raises(ConfigError, match="expected one or more different metrics"):
        Objectives.of("val_auc", "val_auc")
    with pytest.raises(ConfigError, match="expected the direction max, min or auto, got 'up'"):
        Objective("val_auc", "up")


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("val_f1_score", "max"),
        ("val_mean_squared_error", "min"),
        ("parameters", "min"),
        ("latency_ms", "min"),
        ("val_accuracy_difference", "min"),
        ("val_equalized_odds_difference[sex]", "min"),
        ("val_demographic_parity_ratio", "max"),
    ],
)
def test_directions(metric, direction):
    assert infer_direction(metric) == direction
