"""Hyperband's brackets against tables computed by hand, and its decisions."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.search.objective import Objectives, Outcome
from tfx_automl.search.schedulers.base import Continue, Done, Start, Wait
from tfx_automl.search.schedulers.full import FullBudgetScheduler
from tfx_automl.search.schedulers.hyperband import hyperband, hyperband_brackets
from tfx_automl.search.trial import TrialView

LOSS = Objectives.of("val_loss")


def _trial(number: int, scores: dict[int, float], **more) -> TrialView:
    outcomes = {level: Outcome((score,)) for level, score in scores.items()}
    return TrialView(number, 0, {}, outcomes, **more)


def _plan(max_epochs: int, factor: int, max_trials: int | None = None):
    brackets = hyperband_brackets(max_epochs, factor, max_trials)
    return [[(rung.trials, rung.level) for rung in bracket.rungs] for bracket in brackets]


def test_table_1_of_the_paper():
    """R = 81, η = 3: n = ceil(5/(s+1) · 3^s) is 81, 34, 15, 8, 5."""
    assert _plan(81, 3) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]


def test_whole_epochs_when_r_is_no_power():
    """R = 10, η = 3: r = 10/9, 10/3, 10 round to 1, 3, 10; n = ceil(3/(s+1) · 3^s) is 9, 5, 3."""
    assert _plan(10, 3) == [[(9, 1), (3, 3), (1, 10)], [(5, 3), (1, 10)], [(3, 10)]]


def test_power_of_three_is_no_rounding_victim():
    assert len(hyperband_brackets(243, 3)) == 6


def test_one_epoch():
    assert _plan(1, 3) == [[(1, 1)]]


@given(max_epochs=st.integers(1, 300), factor=st.integers(2, 6), max_trials=st.one_of(st.none(), st.integers(1, 100)))
def test_plans_are_bounded(max_epochs, factor, max_trials):
    brackets = hyperband_brackets(max_epochs, factor, max_trials)
    for bracket in brackets:
        epochs = [rung.level for rung in bracket.rungs]
        trials = [rung.trials for rung in bracket.rungs]
        assert epochs == sorted(set(epochs)) and epochs[-1] == max_epochs
        assert trials == sorted(trials, reverse=True)
    if max_trials is not None:
        assert sum(bracket.rungs[0].trials for bracket in brackets) <= max_trials


def test_describe_names_rungs_and_totals():
    assert hyperband(9, 3).describe() == [
        "bracket 0 (s=2): 9 × 1 → 3 × 3 → 1 × 9 epochs",
        "bracket 1 (s=1): 5 × 3 → 1 × 9 epochs",
        "bracket 2 (s=0): 3 × 9 epochs",
        "17 trials, 69 epochs in all",
    ]


@pytest.mark.parametrize("arguments", [(0, 3, None), (9, 1, None), (9, 3, 0)])
def test_numbers_out_of_range(arguments):
    with pytest.raises(ConfigError, match="expected max_resource of 1 or more"):
        hyperband_brackets(*arguments)


def _bracket_0(*scores: float | None, **more) -> list[TrialView]:
    """Nine trials at rung 0; None still runs."""
    return [
        _trial(n, {} if score is None else {1: score}, running_to=1 if score is None else None)
        for n, score in enumerate(scores)
    ]


def test_rung_must_be_full_before_anyone_is_promoted():
    scheduler = hyperband(9, 3, max_trials=9)
    trials = _bracket_0(*range(8))
    assert scheduler.next(trials, LOSS) == Start(0, 1)
    trials = _bracket_0(*range(8), None)
    assert scheduler.next(trials, LOSS) == Wait()


def test_next_bracket_starts_while_a_rung_waits():
    assert hyperband(9, 3).next(_bracket_0(*range(8), None), LOSS) == Start(1, 3)


@given(st.permutations([float(n) for n in range(9)]))
def test_top_k_is_promoted(scores):
    scheduler = hyperband(9, 3, max_trials=9)
    trials = _bracket_0(*scores)
    promoted = []
    while isinstance(decision := scheduler.next(trials, LOSS), Continue):
        promoted.append(scores[decision.trial_id])
        trial = trials[decision.trial_id]
        trials[decision.trial_id] = replace(trial, running_to=decision.level)
    assert sorted(promoted) == [0.0, 1.0, 2.0]
    assert decision == Wait()


def test_equal_scores_are_decided_by_the_tie_breaker():
    trials = [TrialView(n, 0, {}, {1: Outcome((0.5,), tie_breaker=9.0 - n)}) for n in range(9)]
    assert hyperband(9, 3, max_trials=9).next(trials, LOSS) == Continue(8, 3)


def test_failed_trial_is_replaced_in_rung_0():
    trials = _bracket_0(*range(9))
    trials[4] = _trial(4, {}, failed=True)
    assert hyperband(9, 3, max_trials=9).next(trials, LOSS) == Start(0, 1)


def test_next_best_takes_the_place_of_one_that_fails_higher_up():
    trials = _bracket_0(*range(9))
    trials[0] = _trial(0, {1: 0.0, 3: 0.0})
    trials[1] = _trial(1, {1: 1.0}, failed=True)
    trials[2] = _trial(2, {1: 2.0, 3: 1.0})
    # Rung 0 has lost a member, so it is filled first; then the fourth best goes up instead of the failed one.
    scheduler = hyperband(9, 3, max_trials=9)
    assert scheduler.next(trials, LOSS) == Start(0, 1)
    trials.append(_trial(9, {1: 99.0}))
    assert scheduler.next(trials, LOSS) == Continue(3, 3)


def test_without_anything_to_start_a_rung_is_filled_from_the_members_there_are():
    scheduler = hyperband(9, 3, max_trials=9)
    trials = _bracket_0(3.0, 1.0, None)
    assert scheduler.next(trials, LOSS, may_start=False) == Wait()
    trials[2] = _trial(2, {1: 2.0})
    assert scheduler.next(trials, LOSS, may_start=False) == Continue(1, 3)
    trials[1] = _trial(1, {1: 1.0, 3: 9.0})
    trials[2] = _trial(2, {1: 2.0, 3: 8.0})
    trials[0] = _trial(0, {1: 3.0}, running_to=3)
    assert scheduler.next(trials, LOSS, may_start=False) == Wait()
    trials[0] = _trial(0, {1: 3.0, 3: 7.0})
    assert scheduler.next(trials, LOSS, may_start=False) == Continue(0, 9)
    trials[0] = _trial(0, {1: 3.0, 3: 7.0, 9: 7.0})
    assert scheduler.next(trials, LOSS, may_start=False) == Done()


def test_without_anything_to_start_an_empty_schedule_is_done():
    assert hyperband(9, 3).next([], LOSS, may_start=False) == Done()


def test_done_after_the_last_rung():
    scheduler = FullBudgetScheduler(5, 2)
    assert scheduler.next([], LOSS) == Start(0, 5)
    assert scheduler.next([_trial(0, {5: 1.0}), _trial(1, {5: 2.0})], LOSS) == Done()
