"""How Trainer trains."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.errors import require
from tfx_automl.models.distribution import DISTRIBUTIONS
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.thresholds import threshold_checks

MODES = ("retrain", "retrain_all", "continue", "reuse")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of a final training.

    Attributes:
        mode: See `Trainer`.
        max_epochs: The most epochs; of `continue`, the most further ones.
        steps_per_epoch: Counts so many steps of training as an epoch; None is a pass over all rows.
        patience: Epochs without progress on the eval split after which to stop.
        objective: Metric that tells progress; None takes the task's own.
        constraints: Bounds that come before the objective.
        threshold: Probability from which on a binary task's positive class is predicted; or by which metric on the eval
            split it is chosen.
        group_thresholds: What thresholds by group are to make equal; None has one threshold for all rows.
        distribution: How the rows of a batch are shared out; see `models.distribution`.
        seed: Where all randomness starts.

    Raises:
        ConfigError: With one line for every value out of range.
    """

    mode: str = "retrain"
    max_epochs: int = 30
    steps_per_epoch: int | None = None
    patience: int = 5
    objective: str | None = None
    constraints: Sequence[str] = ()
    threshold: float | str = DECISION_THRESHOLD
    group_thresholds: str | None = None
    distribution: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "constraints", tuple(self.constraints))
        require(*self._checks())

    def _checks(self) -> Iterator[tuple[bool, str]]:
        yield self.mode in MODES, f"mode: expected one of {', '.join(MODES)}, got {self.mode!r}."
        for name in ("max_epochs", "patience", "steps_per_epoch"):
            value = getattr(self, name)
            yield value is None or value >= 1, f"{name}: expected 1 or more, got {value}."
        yield self.seed >= 0, f"seed: expected 0 or more, got {self.seed}."
        yield from threshold_checks(self.threshold)
        known = ", ".join(DISTRIBUTIONS)
        yield self.distribution in DISTRIBUTIONS, f"distribution: expected one of {known}, got {self.distribution!r}."

    @property
    def rule(self) -> str | None:
        """The metric that the threshold is chosen by; None if it is given."""
        return self.threshold if isinstance(self.threshold, str) else None

    @property
    def chooses(self) -> bool:
        """Whether a threshold is chosen on rows that the model was not trained on."""
        return self.rule is not None or self.group_thresholds is not None

    def to_properties(self) -> dict[str, Any]:
        """Returns the options as execution properties; those that are None are left out."""
        properties = {
            **vars(self),
            "constraints": json.dumps(self.constraints),
            "threshold": json.dumps(self.threshold),
        }
        return {name: value for name, value in properties.items() if value is not None}

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "TrainOptions":
        """Reads what `to_properties` wrote, among other properties."""
        values = {name: properties[name] for name in cls.__dataclass_fields__ if properties.get(name) is not None}
        return cls(**{name: json.loads(v) if name in _JSON else v for name, v in values.items()})


_JSON = ("constraints", "threshold")
