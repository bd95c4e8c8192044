"""What every threshold does on the rows of one group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_automl.models.thresholds import cuts_of

GRID = 10_000  # steps of a rate; of more thresholds than that, those nearest to the steps are looked at

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Curve:
    """What thresholds do on the rows of one slice, from the highest threshold to the lowest.

    Attributes:
        cuts: The thresholds, shape [thresholds].
        hits: How many truly positive rows are predicted positive.
        chosen: How many rows are.
        positives: How many truly are.
        rows: How many there are.
        common: Which of the thresholds is the common one.
    """

    cuts: Floats
    hits: Integers
    chosen: Integers
    positives: int
    rows: int
    common: int

    @classmethod
    def of(cls, positive: npt.NDArray[np.bool_], score: npt.NDArray[np.float32], common: float) -> "Curve":
        """Returns the curve of the rows of a slice."""
        cuts, hits, chosen = cuts_of(score, positive)
        selected = score >= np.float32(common)
        place = int(np.searchsorted(-cuts, -common))
        return cls(
            np.insert(cuts, place, common),
            np.insert(hits, place, (positive & selected).sum()),
            np.insert(chosen, place, selected.sum()),
            int(positive.sum()),
            len(positive),
            place,
        )

    def among(self, name: str) -> int:
        """Returns how many rows a rate is a share of."""
        return {"selection_rate": self.rows, "tpr": self.positives, "fpr": self.rows - self.positives}[name]

    def rate(self, name: str) -> Floats:
        """Returns a rate at each threshold, which never falls from one to the next."""
        counted = {"selection_rate": self.chosen, "tpr": self.hits, "fpr": self.chosen - self.hits}[name]
        return np.asarray(counted / self.among(name))

    def level(self, rates: Sequence[str]) -> Floats:
        """Returns the mean of some rates at each threshold."""
        return np.asarray(sum(self.rate(name) for name in rates) / len(rates))

    def thinned(self, rates: Sequence[str]) -> "Curve":
        """Returns a curve of fewer thresholds, if there are many: both ends of each step of the rate."""
        if len(self.cuts) <= GRID:
            return self
        level, steps = self.level(rates), np.linspace(0, 1, GRID + 1)
        ends = [np.searchsorted(level, steps, "left"), np.searchsorted(level, steps, "right") - 1]
        kept = np.unique(np.clip(np.concatenate([*ends, [self.common]]), 0, len(level) - 1))
        arrays = self.cuts[kept], self.hits[kept], self.chosen[kept]
        return Curve(*arrays, self.positives, self.rows, int(np.searchsorted(kept, self.common)))
