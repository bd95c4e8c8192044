"""Stoppers: when a trial has shown enough.

A stopper of one's own, such as one that extrapolates learning curves, is a class with `should_stop`.
"""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfx_automl.errors import ConfigError, require

Curve = Sequence[float]


class Stopper(abc.ABC):
    """Decides after an epoch whether a trial should end. Compose with `&` and `|`.

    A stopper keeps no state: what it answers is a function of the curves.
    """

    @abc.abstractmethod
    def should_stop(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Tells whether the trial should end now.

        Args:
            curve: The trial's loss after each of its epochs, smaller is better: the objective, negated where more of it
                is better. Not empty.
            others: The same of all other trials that did not fail, running ones too.
        """

    def __and__(self, other: "Stopper") -> "Stopper":
        return _Both(self, other)

    def __or__(self, other: "Stopper") -> "Stopper":
        return _Either(self, other)


@dataclass(frozen=True)
class _Both(Stopper):
    one: Stopper
    other: Stopper

    def should_stop(self, curve: Curve, others: Sequence[Curve]) -> bool:
        return self.one.should_stop(curve, others) and self.other.should_stop(curve, others)


@dataclass(frozen=True)
class _Either(Stopper):
    one: Stopper
    other: Stopper

    def should_stop(self, curve: Curve, others: Sequence[Curve]) -> bool:
        return self.one.should_stop(curve, others) or self.other.should_stop(curve, others)


@dataclass(frozen=True)
class PlateauStopper(Stopper):
    """Ends a trial that has not improved for some epochs.

    Attributes:
        patience: How many.
        min_delta: An improvement is more than this.
    """

    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        require(
            (self.patience >= 1, f"plateau: expected a patience of 1 or more, got {self.patience}."),
            (self.min_delta >= 0, f"plateau: expected min_delta of 0 or more, got {self.min_delta}."),
        )

    def should_stop(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Tells whether the last `patience` epochs hold no improvement on those before."""
        del others
        if len(curve) <= self.patience:
            return False
        return min(curve[-self.patience :]) >= min(curve[: -self.patience]) - self.min_delta


@dataclass(frozen=True)
class MedianStopper(Stopper):
    """Ends a trial whose best so far is worse than the median of the others at the same epoch.

    The others count with the mean of their losses up to that epoch: the median stopping rule of Golovin et al., Google
    Vizier: A Service for Black-Box Optimization (KDD 2017), section 3.2.

    Attributes:
        grace: Epochs that every trial gets.
        min_trials: Other trials that must have come as far before any is stopped.
    """

    grace: int = 1
    min_trials: int = 5

    def __post_init__(self) -> None:
        require(
            (self.grace >= 1, f"median: expected a grace of 1 epoch or more, got {self.grace}."),
            (self.min_trials >= 1, f"median: expected min_trials of 1 or more, got {self.min_trials}."),
        )

    def should_stop(self, curve: Curve, others: Sequence[Curve]) -> bool:
        """Tells whether the trial is in the worse half."""
        epochs = len(curve)
        means = [float(np.mean(other[:epochs])) for other in others if len(other) >= epochs]
        if epochs <= self.grace or len(means) < self.min_trials:
            return False
        best = min(curve)
        return math.isnan(best) or best > float(np.median(means))


STOPPERS = {"plateau": PlateauStopper, "median": MedianStopper}


def parse_stopper(text: str, patience: int) -> Stopper | None:
    """Reads a text such as `plateau`, `median`, `plateau|median` or `none`.

    Args:
        text: Names joined by `|` (any of them stops a trial) or `&` (only all together); `&` binds more tightly.
        patience: Of `plateau`.

    Raises:
        ConfigError: A name is unknown.
    """
    if text.strip() == "none":
        return None
    found: Stopper | None = None
    for part in text.split("|"):
        both: Stopper | None = None
        for name in map(str.strip, part.split("&")):
            stopper = _stopper(name, patience)
            both = both & stopper if both else stopper
        found = found | both if found and both else both
    return found


def _stopper(name: str, patience: int) -> Stopper:
    if name not in STOPPERS:
        raise ConfigError(f"stopper: expected none, {', '.join(STOPPERS)}, or several joined by | or &; got {name!r}.")
    return PlateauStopper(patience) if name == "plateau" else MedianStopper()
