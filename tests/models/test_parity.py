"""Thresholds by group: against trying every combination of them."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tfx_automl.models import rate_curves
from tfx_automl.models.group_thresholds import CRITERIA, Criterion
from tfx_automl.models.parity import TOLERANCE, Chosen, choose_thresholds, comparable
from tfx_automl.models.thresholds import RULES, cuts_of, metric_at

BY_NAME = {criterion.name: criterion for criterion in CRITERIA}
COMMON = 0.5
# Few different scores, so that there are ties, or many.
FLOATS = st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.25, 0.5, 1.0])
ROWS = st.lists(st.tuples(st.integers(-1, 1), st.booleans(), FLOATS), min_size=4, max_size=16)


def columns(rows: list[tuple[int, bool, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes, labels and probabilities; every slice has rows of both labels."""
    both = [(code, label, 0.5) for code in (0, 1) for label in (False, True)]
    code, label, probability = zip(*rows, *both, strict=True)
    return np.array(code), np.array(label).astype(int), np.array(probability, np.float32)


def outcome(
    criterion: Criterion, rule: str, data: tuple[np.ndarray, np.ndarray, np.ndarray], thresholds: Any
) -> tuple[float, float]:
    """Gap and metric of thresholds of the slices, row by row."""
    code, label, probability = data
    positive = label == 1
    selected = probability >= np.append(thresholds, COMMON).astype(np.float32)[code]
    among = {"selection_rate": np.ones(len(code), bool), "tpr": positive, "fpr": ~positive}
    rates = [[selected[among[name] & (code == slice_)].mean() for slice_ in (0, 1)] for name in criterion.rates]
    counts = np.array([(selected & positive).sum()]), np.array([selected.sum()])
    metric = metric_at(rule, *counts, int(positive.sum()), len(code))
    return max(abs(one - other) for one, other in rates), float(metric[0])


def candidates(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Any:
    code, label, probability = data
    parts = [code == slice_ for slice_ in (0, 1)]
    return itertools.product(*(np.append(cuts_of(probability[part], label[part] == 1)[0], COMMON) for part in parts))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.name)
@given(rows=ROWS)
def test_what_it_says_is_so_and_no_gap_grows(criterion: Criterion, rule: str, rows: list[Any]) -> None:
    data = columns(rows)
    code, label, probability = data
    found = choose_thresholds(criterion, rule, label, probability, code, COMMON)
    assert outcome(criterion, rule, data, [COMMON, COMMON]) == pytest.approx((found.gap[0], found.metric[0]))
    assert outcome(criterion, rule, data, found.thresholds) == pytest.approx((found.gap[1], found.metric[1]))
    assert found.gap[1] <= found.gap[0] + 1e-12
    assert ((found.thresholds > 0) & (found.thresholds <= 1)).all()
    assert (found.thresholds.astype(np.float32) == found.thresholds).all()  # as the exported graph has them
    if found.gap[0] <= found.tolerance:
        assert found.thresholds.tolist() == [COMMON, COMMON]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("criterion", [c for c in CRITERIA if len(c.rates) == 1], ids=lambda criterion: criterion.name)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), different=st.sampled_from([4, 12, 10**6]))
def test_one_rate_no_other_thresholds_within_the_tolerance_are_better(
    criterion: Criterion, rule: str, seed: int, different: int
) -> None:
    """Groups whose scores differ, with many ties or none."""
    rng = np.random.default_rng(seed)
    code = np.repeat([0, 1, -1], (14, 14, 4))
    label = rng.permutation(np.tile([0, 1], 16))
    probability = (0.5 * rng.random(32) + 0.2 * label + 0.3 * (code == 1)) * different
    data = code, label, (probability.round() / different).astype(np.float32)
    code, label, probability = data
    assume(comparable(criterion, label, code, 1).all())
    found = choose_thresholds(criterion, rule, label, probability, code, COMMON)
    assume(found.gap[0] > found.tolerance + 1e-9)
    every = [outcome(criterion, rule, data, thresholds) for thresholds in candidates(data)]
    allowed = max(found.tolerance, min(gap for gap, _ in every))
    assert found.gap[1] <= allowed + 1e-9
    assert found.metric[1] >= max(metric for gap, metric in every if gap <= allowed + 1e-9) - 1e-9


@pytest.mark.parametrize("rule", RULES)
@given(rows=ROWS)
def test_two_rates_the_metric_less_the_gap_never_falls(rule: str, rows: list[Any]) -> None:
    data = columns(rows)
    code, label, probability = data
    found = choose_thresholds(BY_NAME["equalized_odds"], rule, label, probability, code, COMMON)
    assert found.metric[1] - found.gap[1] >= found.metric[0] - found.gap[0] - 1e-12


def people(rows: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three groups that differ in how often they are positive, scored by how likely that is."""
    rng = np.random.default_rng(seed)
    code = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    logit = rng.normal(0, 1.5, rows) + np.array([0.5, -0.5, -1.5])[code]
    chance = 1 / (1 + np.exp(-logit))
    return code, (rng.random(rows) < chance).astype(int), chance.astype(np.float32)


def choose(name: str, data: tuple[np.ndarray, np.ndarray, np.ndarray], **options: Any) -> Chosen:
    code, label, probability = data
    rule = options.pop("rule", "accuracy")
    return choose_thresholds(BY_NAME[name], rule, label, probability, code, COMMON, **options)


@pytest.mark.parametrize("name", ["demographic_parity", "equal_opportunity", "predictive_equality"])
def test_one_rate_becomes_equal_for_three_groups(name: str) -> None:
    found = choose(name, people())
    assert found.gap[0] > 0.2
    assert found.gap[1] <= found.tolerance == TOLERANCE
    assert found.metric[0] - 0.1 < found.metric[1] < found.metric[0]  # a price, but no ruin
    # Those who were selected least often need the lowest threshold now.
    assert found.thresholds[0] > found.thresholds[1] > found.thresholds[2]


def test_equalized_odds_is_approached_and_the_model_stays_of_use() -> None:
    found = choose("equalized_odds", people(), rule="balanced_accuracy")
    assert found.gap[0] > 0.3
    assert found.gap[1] < 0.1
    assert found.metric[1] > 0.6  # predicting all rows alike, which has no gap, has 0.5


def test_equal_groups_keep_the_common_threshold() -> None:
    code, label, probability = people()
    mixed = np.random.default_rng(1).permutation(code)  # says nothing about the label any more
    for name in BY_NAME:
        found = choose(name, (mixed, label, probability))
        if found.gap[0] <= found.tolerance:
            assert found.thresholds.tolist() == [COMMON] * 3
            assert found.gap[0] == found.gap[1]
        else:
            assert found.gap[1] < found.gap[0]
    twice = np.r_[np.zeros(len(label), int), np.ones(len(label), int)]
    found = choose("equalized_odds", (twice, np.tile(label, 2), np.tile(probability, 2)))
    assert found.thresholds.tolist() == [COMMON] * 2


def test_small_slices_and_rows_of_none_keep_the_common_threshold() -> None:
    code, label, probability = people()
    code = code.copy()
    code[:500] = -1
    code[500:520] = 3
    found = choose("demographic_parity", (code, label, probability), smallest=30)
    assert found.compared.tolist() == [True, True, True, False]
    assert found.thresholds[3] == COMMON
    assert found.gap[1] <= TOLERANCE


def test_slices_without_the_rate_are_not_compared() -> None:
    code, label = np.repeat([0, 1, 2], 10), np.r_[np.tile([0, 1], 10), np.zeros(10, int)]
    assert comparable(BY_NAME["demographic_parity"], label, code, 10).tolist() == [True, True, True]
    assert comparable(BY_NAME["equal_opportunity"], label, code, 10).tolist() == [True, True, False]
    assert comparable(BY_NAME["predictive_equality"], 1 - label, code, 10).tolist() == [True, True, False]
    assert comparable(BY_NAME["equalized_odds"], label, code, 11).tolist() == [False] * 3


def test_many_thresholds_are_thinned_without_much_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = choose("demographic_parity", people(5000), rule="f1")
    monkeypatch.setattr(rate_curves, "GRID", 200)
    thinned = choose("demographic_parity", people(5000), rule="f1")
    assert thinned.gap[1] <= TOLERANCE
    assert whole.metric[1] - 0.002 < thinned.metric[1] <= whole.metric[1]


def test_the_same_rows_in_another_order_get_the_same() -> None:
    data = people(3000)
    order = np.random.default_rng(3).permutation(3000)
    for name in BY_NAME:
        shuffled = choose(name, tuple(column[order] for column in data))
        assert choose(name, data).thresholds.tolist() == shuffled.thresholds.tolist()
