"""What makes one trial better than another."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tfx_automl.errors import ConfigError

Direction = Literal["max", "min"]

_HIGHER_IS_BETTER = ("auc", "accuracy", "acc", "precision", "recall", "tpr", "f1", "r2", "prc")


def infer_direction(metric: str) -> Direction:
    """Returns `max` for metrics such as `val_auc` or `val_accuracy`, else `min` (losses and errors)."""
    words = metric.removeprefix("val_").split("_")
    return "max" if any(word in _HIGHER_IS_BETTER for word in words) else "min"


@dataclass(frozen=True)
class Objective:
    """A metric and the direction in which it is better.

    Attributes:
        metric: Name among the metrics of an epoch, such as `val_auc`.
        direction: `max`, `min`, or `auto` to infer it from the name.
    """

    metric: str
    direction: str = "auto"

    def __post_init__(self) -> None:
        if not self.metric:
            raise ConfigError("The objective needs the name of a metric, such as val_auc; got an empty one.")
        if self.direction == "auto":
            object.__setattr__(self, "direction", infer_direction(self.metric))
        if self.direction not in ("max", "min"):
            raise ConfigError(f"objective: expected the direction max, min or auto, got {self.direction!r}.")

    def score(self, metrics: Mapping[str, float]) -> float:
        """Returns the metric of an epoch.

        Raises:
            ConfigError: There is no such metric.
        """
        if self.metric not in metrics:
            raise ConfigError(
                f"objective: there is no metric {self.metric!r}; an epoch has {', '.join(sorted(metrics))}."
            )
        return float(metrics[self.metric])

    def tie_breaker(self, metrics: Mapping[str, float]) -> float:
        """Returns what decides between equal scores: the loss on the eval split, smaller is better.

        On a small eval split many trials have the very same accuracy.
        """
        loss = float(metrics.get("val_loss", 0.0))
        return math.inf if math.isnan(loss) else loss

    def key(self, score: float | None) -> float:
        """Returns a number that is smaller for a better score: a total order in which missing and NaN come last."""
        if score is None or math.isnan(score):
            return math.inf
        return -score if self.direction == "max" else score
