"""How often two models decide differently, by slice."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tfx_automl.components.evaluator.columnar.cells import Cells
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.predictions import Predictions

_Flags = npt.NDArray[np.bool_]


def flips_of(rows: Predictions, cells: Cells, plan: EvaluationPlan) -> list[list[dict[str, float]]]:
    """Returns for each slicing the shares of its slices' rows whose decision would change with the model.

    Args:
        rows: In the order of their cells, with the scores of another model.
        cells: How they are divided.
        plan: What is measured, with both models' thresholds.

    Returns:
        Of a binary task `to_positive` and `to_negative`: what the evaluated model makes of the other's decisions;
        for several classes `changed`; for regression nothing.
    """
    changed = _changed(rows, plan)
    found = []
    for slicing in cells.slicings:
        of_row, slices = slicing.of_cell[cells.of_row], len(slicing.keys)
        sizes = np.bincount(of_row, minlength=slices)
        shares = {name: np.bincount(of_row, flags, slices) / sizes for name, flags in changed.items()}
        found.append([{name: float(share[place]) for name, share in shares.items()} for place in range(slices)])
    return found


def _changed(rows: Predictions, plan: EvaluationPlan) -> Mapping[str, _Flags]:
    if rows.other is None or plan.task.kind == "regression":
        return {}
    if plan.task.kind == "multiclass":
        return {"changed": rows.score.argmax(axis=1) != rows.other.argmax(axis=1)}
    now, before = rows.selected(plan.threshold), rows.of_other.selected(plan.other_threshold)
    return {"to_positive": now & ~before, "to_negative": before & ~now}
