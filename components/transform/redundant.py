"""Columns that are as good as constant, or as good as another column, found on a sample of the rows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan
from tfx_automl.components.transform.sample import Floats, Sample

_SAME = 0.999
_FEWEST_OTHERS = 30
_CORRELATION = 0.9999
_FEWEST_ROWS = 100


def without_redundant(plan: FeaturePlan, sample: Sample) -> FeaturePlan:
    """Drops columns that add nothing, each with the reason.

    Args:
        plan: What becomes of each column.
        sample: Of the train split.
    """
    if len(sample) < _FEWEST_ROWS:
        return plan
    reasons = _near_constant(sample, plan.rows)
    numbers = {name: values for name, values in sample.numbers.items() if name not in reasons}
    categories = {name: codes for name, codes in sample.categories.items() if name not in reasons}
    kinds = {decision.name: decision.kind for decision in plan.decisions}
    dates = {name: values for name, values in numbers.items() if kinds[name] == "date"}
    reasons |= _near_duplicates({name: values for name, values in numbers.items() if name not in dates})
    reasons |= _near_duplicates(dates) | _same_categories(categories)
    decisions = [
        FeatureDecision(d.name, "dropped", reasons[d.name]) if d.name in reasons else d for d in plan.decisions
    ]
    return replace(plan, decisions=tuple(decisions))


def _near_constant(sample: Sample, rows: int) -> dict[str, str]:
    """Returns the columns of which nearly all rows are alike, unless the others are enough to learn from."""
    reasons = {}
    for name, values in {**sample.numbers, **sample.categories}.items():
        _, counts = np.unique(values, return_counts=True)  # NaN counts as one value
        share = counts.max() / len(values)
        others = round((1 - share) * rows)
        if share >= _SAME and others < _FEWEST_OTHERS:
            reasons[name] = (
                f"nearly constant: the same in {100 * share:.2f} % of {len(values):,} sampled rows, and about {others}"
                " others are too few to learn from"
            )
    return reasons


def _near_duplicates(numbers: Mapping[str, Floats]) -> dict[str, str]:
    """Returns the columns that another one, which stays, determines as good as exactly.

    Correlations of values and of ranks must both say so: of the first, a few huge numbers in common are enough.
    """
    names = list(numbers)
    if len(names) < 2:
        return {}
    absent = [~np.isfinite(numbers[name]) for name in names]
    filled = [np.where(absent[place], _middle(numbers[name]), numbers[name]) for place, name in enumerate(names)]
    values = _correlations(filled)
    ranks = _correlations([np.unique(column, return_inverse=True)[1] for column in filled])
    same = np.minimum(np.abs(values), np.abs(ranks)) > _CORRELATION
    pairs = zip(*np.nonzero(np.triu(same, 1)), strict=True)
    reasons: dict[str, str] = {}
    for one, other in pairs:
        if names[one] not in reasons and np.array_equal(absent[one], absent[other]):
            how = f"correlation {values[one, other]:.5f} in {len(filled[one]):,} sampled rows"
            reasons.setdefault(names[other], f"as good as {names[one]!r}, which is kept: {how}")
    return reasons


def _middle(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else 0.0


def _correlations(columns: list[npt.NDArray[Any]]) -> Floats:
    with np.errstate(all="ignore"):  # a column that is constant in the sample correlates with none
        matrix: Floats = np.nan_to_num(np.atleast_2d(np.corrcoef(np.stack(columns))))
    return matrix


def _same_categories(categories: Mapping[str, npt.NDArray[np.int64]]) -> dict[str, str]:
    """Returns the columns whose values are those of another one, which stays, under the same or other names."""
    seen: dict[bytes, str] = {}
    reasons = {}
    for name, codes in categories.items():
        first = seen.setdefault(codes.tobytes(), name)
        if first != name:
            how = f"the same in all {len(codes):,} sampled rows, but for the names of the values"
            reasons[name] = f"as good as {first!r}, which is kept: {how}"
    return reasons
