"""Hyperband's brackets, computed up front and bounded.

Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband: A Novel Bandit-Based Approach to Hyperparameter
Optimization. JMLR 18 (2018), section 3.

One round over all brackets is run. KerasTuner's Hyperband uses an arithmetic of its own, which
gives other numbers of trials for the same R and η.
"""

import math

from tfx_automl.errors import ConfigError
from tfx_automl.search.scheduler import Bracket, BracketScheduler, Rung


def hyperband_brackets(max_epochs: int, factor: int, max_trials: int | None = None) -> tuple[Bracket, ...]:
    """Returns the brackets, from the one with the most trials to the one that trains every trial fully.

    Args:
        max_epochs: R of the paper, the most epochs that one trial may take; at least 1.
        factor: η of the paper; at least 2.
        max_trials: The most trials in all; brackets are shortened or left out from the end. None is no limit.

    Returns:
        For s from floor(log_η R) down to 0: n = ceil((s_max + 1) / (s + 1) · η^s) trials, of which
        n_i = floor(n · η^-i) reach rung i at r_i = R · η^(i - s) epochs, rounded.

    Raises:
        ConfigError: A number is out of range.
    """
    if max_epochs < 1 or factor < 2 or (max_trials is not None and max_trials < 1):
        raise ConfigError(
            "Hyperband: expected max_epochs of 1 or more, a factor of 2 or more and max_trials of 1 or more;"
            f" got {max_epochs}, {factor} and {max_trials}."
        )
    s_max = _floor_log(max_epochs, factor)
    brackets: list[Bracket] = []
    left = max_trials
    for s in range(s_max, -1, -1):
        trials = math.ceil((s_max + 1) * factor**s / (s + 1))
        if left is not None:
            trials = min(trials, left)
            left -= trials
        if trials:
            brackets.append(_bracket(s, trials, max_epochs, factor))
    return tuple(brackets)


def _bracket(s: int, trials: int, max_epochs: int, factor: int) -> Bracket:
    rungs: list[Rung] = []
    for i in range(s + 1):
        epochs = max(1, round(max_epochs / factor ** (s - i)))
        if not rungs or epochs > rungs[-1].epochs:
            rungs.append(Rung(max(1, trials // factor**i), epochs))
    return Bracket(s, tuple(rungs))


def _floor_log(value: int, base: int) -> int:
    """Returns floor(log_base(value)) in whole numbers: math.log(243, 3) is 4.999…, not 5."""
    power = 0
    while base ** (power + 1) <= value:
        power += 1
    return power


def hyperband(max_epochs: int, factor: int, max_trials: int | None = None) -> BracketScheduler:
    """Returns Hyperband as a scheduler; see `hyperband_brackets`."""
    return BracketScheduler(hyperband_brackets(max_epochs, factor, max_trials))
