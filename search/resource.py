"""What trials get more of as they go up: epochs, or rows."""

from dataclasses import dataclass
from typing import Literal

from tfx_automl.errors import require

ResourceKind = Literal["epochs", "rows"]


@dataclass(frozen=True)
class Stage:
    """What a trial must do to finish a level.

    Attributes:
        stop: Epochs to have trained in all.
        rows: Share of the training rows to train on.
    """

    stop: int
    rows: float = 1.0


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

    def stage(self, done: int, level: int) -> Stage:
        """Returns what a trial with so many epochs done must do to finish a level."""
        if self.kind == "epochs":
            return Stage(max(done, level))
        return Stage(done + self.epochs, min(1.0, level / self.maximum))

    @property
    def unit(self) -> str:
        """What a level counts, in the plural."""
        return "epochs" if self.kind == "epochs" else f"/{self.maximum} of the rows"
