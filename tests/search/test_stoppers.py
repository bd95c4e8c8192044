"""When a trial has shown enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.search.stoppers import MedianStopper, PlateauStopper, parse_stopper

LOSSES = st.lists(st.floats(-5, 5), min_size=1, max_size=12)


def test_plateau_waits_for_its_patience():
    plateau = PlateauStopper(patience=3)
    assert not plateau.should_stop([3.0, 2.0, 2.0, 2.0], [])
    assert plateau.should_stop([3.0, 2.0, 2.0, 2.0, 2.0], [])
    assert not plateau.should_stop([3.0, 2.0, 2.0, 2.0, 1.9], [])
    assert PlateauStopper(3, min_delta=0.2).should_stop([3.0, 2.0, 2.0, 2.0, 1.9], [])


@given(LOSSES, st.integers(1, 5))
def test_plateau_never_stops_what_has_just_improved(curve, patience):
    if len(curve) > 1 and curve[-1] < min(curve[:-1]):
        assert not PlateauStopper(patience).should_stop(curve, [])


def test_median_compares_with_the_means_of_the_others():
    median = MedianStopper(grace=1, min_trials=3)
    others = [[4.0, 2.0], [3.0, 1.0], [9.0, 9.0], [5.0]]  # means up to epoch 2: 3, 2, 9; the last has not come so far
    assert not median.should_stop([5.0, 3.0], others)
    assert median.should_stop([5.0, 3.1], others)
    assert not median.should_stop([9.0], others), "the first epoch is its grace"
    assert not median.should_stop([5.0, 9.0], others[:2]), "too few others"


def test_stoppers_are_joined():
    flat, bad = [2.0, 2.0, 2.0], [[1.0, 1.0, 1.0]] * 5
    assert parse_stopper("plateau|median", 9).should_stop(flat, bad)
    assert not parse_stopper("plateau&median", 9).should_stop(flat, bad)
    assert parse_stopper("plateau & median", 1).should_stop(flat, bad)
    assert not parse_stopper("plateau|median", 9).should_stop(flat, [])
    assert parse_stopper("none", 5) is None
    assert parse_stopper("plateau", 7) == PlateauStopper(7)


def test_unknown_stopper_and_numbers_out_of_range():
    with pytest.raises(ConfigError, match=r"stopper: expected none, plateau, median, or several joined by \| or &"):
        parse_stopper("plateau|magic", 5)
    with pytest.raises(ConfigError, match="patience of 1 or more"):
        PlateauStopper(0)
    with pytest.raises(ConfigError, match="grace of 1 epoch or more"):
        MedianStopper(grace=0)
