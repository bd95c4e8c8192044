"""Hyperband's brackets, computed up front and bounded.

Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: Hyperband: A Novel Bandit-Based Approach to Hyperparameter
Optimization. JMLR 18 (2018), section 3.

One round over all brackets is run. KerasTuner's Hyperband uses an arithmetic of its own, which
gives other numbers of trials for the same R and η.
"""

import math

from tfx_automl.errors import ConfigError
from tfx_automl.search.schedulers.brackets import Bracket, BracketScheduler, Rung


def hyperband_brackets(max_resource: int, factor: int, max_trials: int | None = None) -> tuple[Bracket, ...]:
    """Returns the brackets, from the one with the most trials to the one that trains every trial fully.

    Args:
        max_resource: R of the paper, the highest level of the resource; at least 1.
        factor: η of the paper; at least 2.
        max_trials: The most trials in all; brackets are shortened or left out from the end. None is no limit.

    Returns:
        For s from floor(log_η R) down to 0: n = ceil((s_max + 1) / (s + 1) · η^s) trials, of which
        n_i = floor(n · η^-i) reach rung i at r_i = R · η^(i - s) units, rounded.

    Raises:
        ConfigError: A number is out of range.
    """
    if max_resource < 1 or factor < 2 or (max_trials is not None and max_trials < 1):
        raise ConfigError(
            "Hyperband: expected max_resource of 1 or more, a factor of 2 or more and max_trials of 1 or more;"
            f" got {max_resource}, {factor} and {max_trials}."
        )
    s_max = _floor_log(max_resource, factor)
    brackets: list[Bracket] = []
    left = max_trials
    for s in range(s_max, -1, -1):
        trials = math.ceil((s_max + 1) * factor**s / (s + 1))
        if left is not None:
            trials = min(trials, left)
            left -= trials
        if trials:
            brackets.append(_bracket(s, trials, max_resource, factor))
    return tuple(brackets)


def _bracket(s: int, trials: int, max_resource: int, factor: int) -> Bracket:
    rungs: list[Rung] = []
    for i in range(s + 1):
        level = max(1, round(max_resource / factor ** (s - i)))
        if not rungs or level > rungs[-1].level:
            rungs.append(Rung(max(1, trials // factor**i), level))
    return Bracket(s, tuple(rungs))


def _floor_log(value: int, base: int) -> int:
    """Returns floor(log_base(value)) in whole numbers: math.log(243, 3) is 4.999…, not 5."""
    power = 0
    while base ** (power + 1) <= value:
        power += 1
    return power


def hyperband(
    max_resource: int, factor: int, max_trials: int | None = None, unit: str = "epochs", iterations: int = 1
) -> BracketScheduler:
    """Returns Hyperband as a scheduler; see `hyperband_brackets`.

    Args:
        max_resource: R of the paper.
        factor: η of the paper.
        max_trials: The most trials in all; None is no limit.
        unit: What a level of the resource counts, in the plural.
        iterations: How often the brackets are run through, with new trials.
    """
    brackets: tuple[Bracket, ...] = ()
    for _ in range(iterations):
        left = None if max_trials is None else max_trials - sum(b.rungs[0].trials for b in brackets)
        if left == 0:
            break
        brackets += hyperband_brackets(max_resource, factor, left)
    return BracketScheduler(brackets, unit, len(hyperband_brackets(max_resource, factor)))


def successive_halving(
    max_resource: int, factor: int, max_trials: int | None = None, unit: str = "epochs"
) -> BracketScheduler:
    """Returns a single bracket of successive halving (Jamieson and Talwalkar 2016), from level 1 to the highest.

    Args:
        max_resource: The highest level of the resource.
        factor: One trial in so many goes on at each rung.
        max_trials: The trials at the lowest rung; None takes so many that one is left at the highest.
        unit: What a level of the resource counts, in the plural.
    """
    first, *_ = hyperband_brackets(max_resource, factor)
    trials = max_trials or factor**first.s
    return BracketScheduler([_bracket(first.s, trials, max_resource, factor)], unit)
