"""How Tuner searches a model family."""

import json
from dataclasses import asdict, dataclass, replace

from tfx_automl.errors import require

ALGORITHMS = ("hyperband", "random")


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Options of a search.

    Attributes:
        family: Name of a model family, or `auto`.
        algorithm: `hyperband`, or `random`: every trial gets all epochs.
        max_epochs: The most epochs that one trial may take.
        factor: Hyperband's η: one trial in so many goes on at each rung.
        max_trials: The most trials; None leaves it to the brackets, and is 10 for `random`.
        time_budget_s: The longest time in seconds; None is no limit.
        objective: Metric of an epoch, such as `val_auc`; None takes the task's own.
        seed: Where all randomness starts.
        workers: Number of worker processes; None takes one per core.

    Raises:
        ConfigError: With one line for every value out of range.
    """

    family: str = "auto"
    algorithm: str = "hyperband"
    max_epochs: int = 27
    factor: int = 3
    max_trials: int | None = None
    time_budget_s: float | None = None
    objective: str | None = None
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        require(
            (
                self.algorithm in ALGORITHMS,
                f"algorithm: expected one of {', '.join(ALGORITHMS)}, got {self.algorithm!r}.",
            ),
            (self.max_epochs >= 1, f"max_epochs: expected 1 or more, got {self.max_epochs}."),
            (self.factor >= 2, f"factor: expected 2 or more, got {self.factor}."),
            (
                self.max_trials is None or self.max_trials >= 1,
                f"max_trials: expected 1 or more, got {self.max_trials}.",
            ),
            (
                self.time_budget_s is None or self.time_budget_s > 0,
                f"time_budget_s: expected a time above zero, got {self.time_budget_s}.",
            ),
            (self.seed >= 0, f"seed: expected 0 or more, got {self.seed}."),
            (self.workers is None or self.workers >= 1, f"workers: expected 1 or more, got {self.workers}."),
        )

    def with_workers(self, workers: int | None) -> "SearchOptions":
        """Returns the same options with another number of workers."""
        return replace(self, workers=workers)

    def to_json(self) -> str:
        """Returns the options as JSON text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "SearchOptions":
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))
