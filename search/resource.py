"""What trials get more of as they go up: epochs, or rows."""

from dataclasses import dataclass
from typing import Any, Literal

from tfx_automl.errors import require

ResourceKind = Literal["epochs", "rows"]


@dataclass(frozen=True)
class Resource:
    """Turns levels into epochs and rows.

    Attributes:
        kind: `epochs`: a level is so many epochs on all rows. `rows`: a trial that goes on from its checkpoint trains
            `epochs` more of them on `level / maximum` of the rows (data set size as the resource: Li et al. 2018,
            section 4.2); it sees all rows at the highest level.
        maximum: The highest level.
        epochs: For `rows`, the epochs at each level.
    """

    kind: ResourceKind = "epochs"
    maximum: int = 27
    epochs: int = 3

    def __post_init__(self) -> None:
        require(
            (self.kind in ("epochs", "rows"), f"resource: expected epochs or rows, got {self.kind!r}."),
            (self.maximum >= 1, f"resource: expected a maximum of 1 or more, got {self.maximum}."),
            (self.epochs >= 1, f"resource: expected 1 epoch or more at each level, got {self.epochs}."),
        )

    def job_event(self, trial_id: int, done: int, level: int) -> dict[str, Any]:
        """Returns the ledger record of what a trial must do to finish a level.

        Args:
            trial_id: The trial.
            done: Epochs that it has done.
            level: The level.
        """
        rows = 1.0 if self.kind == "epochs" else min(1.0, level / self.maximum)
        stop = max(done, level) if self.kind == "epochs" else done + self.epochs
        return {"event": "job", "trial_id": trial_id, "level": level, "stop": stop, "rows": rows}

    @property
    def unit(self) -> str:
        """What a level counts, in the plural."""
        return "epochs" if self.kind == "epochs" else f"of {self.maximum} parts of the rows"
