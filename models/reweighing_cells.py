"""Weights of rows by group and label, for people to read."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.models.data import TrainingData
from tfx_automl.models.reweighing import weights_of
from tfx_automl.models.slice_codes import open_values


@dataclass(frozen=True)
class Cell:
    """The training rows of one group and one label.

    Attributes:
        values: Of the group's features, as text.
        label: The class, as text.
        rows: How many there are.
        weight: Of each of them; 0 where there is none.
    """

    values: tuple[str, ...]
    label: str
    rows: int
    weight: float


def cells_of(data: TrainingData) -> list[Cell]:
    """Returns all cells, group by group; none where rows have no weights."""
    weights = weights_of(data)
    if weights is None:
        return []
    return [
        Cell(values, label, int(rows), float(weight))
        for values, counts, row in zip(open_values(data), weights.rows, weights.table, strict=True)
        for label, rows, weight in zip(data.task.classes, counts, row, strict=True)
    ]


def effective_rows(cells: Sequence[Cell]) -> float:
    """Returns how many rows without weights would say as much (Kish, Survey Sampling, 1965); 0 without cells."""
    total = sum(cell.rows * cell.weight for cell in cells)
    squares = sum(cell.rows * cell.weight**2 for cell in cells)
    return total**2 / squares if squares else 0.0
