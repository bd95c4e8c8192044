"""Confusion matrices of every slice, for several classes: only entries that are not 0."""

import numpy as np

from tfx_automl.components.evaluator.columnar.cells import Cells
from tfx_automl.components.evaluator.predictions import Predictions

Confusion = dict[tuple[int, int], float]


def confusions_of(rows: Predictions, cells: Cells) -> list[list[Confusion]]:
    """Returns for each slicing the matrices of its slices: from class index and predicted one to the number of rows.

    The predicted class is the most probable one.

    Args:
        rows: In the order of their cells, with a score for each class.
        cells: How they are divided.
    """
    classes = rows.score.shape[1]
    entry = rows.label * classes + rows.score.argmax(axis=1)
    found: list[list[Confusion]] = []
    for slicing in cells.slicings:
        codes = slicing.of_cell[cells.of_row].astype(np.int64) * classes**2 + entry
        matrices: list[Confusion] = [{} for _ in slicing.keys]
        for code, count in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
            place, pair = divmod(code, classes**2)
            matrices[place][divmod(pair, classes)] = float(count)
        found.append(matrices)
    return found
