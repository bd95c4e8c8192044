"""The threshold that is best by a metric: against trying every one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from tfx_automl.errors import ModelError
from tfx_automl.models.thresholds import RULES, best_threshold

REFERENCE = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score, "accuracy": accuracy_score}
FLOATS = st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.25, 0.5, 1.0])
ROWS = st.lists(st.tuples(st.booleans(), FLOATS), min_size=2, max_size=30).filter(
    lambda rows: len({positive for positive, _ in rows}) == 2
)


def _value(rule: str, label, probability, threshold: float) -> float:
    chosen = np.asarray(probability, np.float32) >= np.float32(threshold)
    if rule == "f1":
        return f1_score(label, chosen, zero_division=0.0)
    return REFERENCE[rule](label, chosen)


@pytest.mark.parametrize("rule", RULES)
@given(rows=ROWS)
def test_no_other_threshold_is_better(rule, rows):
    label, probability = (np.array(column) for column in zip(*rows, strict=True))
    found = best_threshold(rule, label.astype(int), probability.astype(np.float32))
    assert 0 < found <= 1
    assert float(np.float32(found)) == found
    others = [p for p in [*np.unique(probability), 1.0] if p > 0]
    best = max(_value(rule, label, probability, other) for other in others)
    assert _value(rule, label, probability, found) >= best - 1e-12


def test_it_lies_halfway_between_rows_and_near_the_middle():
    label = np.array([0, 0, 1, 1])
    assert best_threshold("f1", label, np.array([0.1, 0.2, 0.3, 0.9], np.float32)) == pytest.approx(0.25)
    # As good from 0.15 on as from 0.85 on.
    several = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.8, 0.9], np.float32)
    assert best_threshold("accuracy", *several) in (pytest.approx(0.15), pytest.approx(0.85))


def test_neighbouring_numbers_are_told_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    assert best_threshold("accuracy", np.array([0, 1]), np.array([low, high])) == float(high)


def test_rows_of_one_label_or_nan_are_refused():
    with pytest.raises(ModelError, match=r"0 positive ones of 2; give a number such as 0\.5"):
        best_threshold("f1", np.zeros(2), np.array([0.1, 0.2], np.float32))
    with pytest.raises(ModelError, match="predicts NaN"):
        best_threshold("f1", np.array([0, 1]), np.array([0.1, np.nan], np.float32))


def test_a_million_rows_take_less_than_two_seconds():
    import time

    rng = np.random.default_rng(0)
    label, probability = rng.integers(0, 2, 1_000_000), rng.random(1_000_000, np.float32)
    started = time.monotonic()
    for rule in RULES:
        best_threshold(rule, label, probability)
    assert (time.monotonic() - started) / len(RULES) < 2
