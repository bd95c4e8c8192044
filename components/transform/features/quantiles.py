"""Numbers that neither standardising nor a logarithm spreads out: mapped through their deciles to a normal scale."""

from itertools import groupby, pairwise
from statistics import NormalDist, fmean
from typing import Any

import tensorflow as tf

from tfx_automl.components.transform.columns import Column, Numbers
from tfx_automl.components.transform.features.numbers import fill, filling
from tfx_automl.components.transform.plan import FeatureDecision
from tfx_automl.models.task import transformed_name

# The tails are long if the numbers span so many times their middle eight tenths; of a normal distribution, even a
# million numbers span less than four times as much.
_TAILS = 12.0
# There are modes far apart if a tenth of the numbers spans so much of the whole.
_GAP = 0.5
# With fewer different deciles there is little to spread out.
_FEWEST_DECILES = 5
_OUTERMOST = 0.005  # the probability below the smallest number, and above the largest


def plan_quantiles(column: Column, numbers: Numbers) -> FeatureDecision | None:
    """Decides about a column of numbers; None if it need not be mapped in this way."""
    why = _why(numbers)
    if not why:
        return None
    how, parameters = filling(column, numbers)
    parameters["quantiles"], parameters["scores"] = _knots(numbers)
    span = f"{numbers.minimum:g} to {numbers.maximum:g}, {why}{how}"
    return FeatureDecision(column.name, "quantile", f"{span}: mapped through deciles to a normal scale", parameters)


def _why(numbers: Numbers) -> str:
    """Returns what is wrong with the numbers as they are, or nothing."""
    inner = [low for low, _ in numbers.deciles[1:]]
    if not numbers.finite or len(set(inner)) < _FEWEST_DECILES:
        return ""
    whole, middle = numbers.maximum - numbers.minimum, inner[-1] - inner[0]
    if whole > _TAILS * middle:
        return f"{whole / middle:.0f} times as far as the middle eight tenths"
    gap = max(right - left for left, right in pairwise(inner))
    return f"in parts far apart, with {gap:g} between two" if gap > _GAP * whole else ""


def _knots(numbers: Numbers) -> tuple[list[float], list[float]]:
    """Returns increasing numbers, and the score in a normal distribution that each is mapped to."""
    bounds = [numbers.minimum, *(low for low, _ in numbers.deciles[1:]), numbers.maximum]
    last = len(bounds) - 1
    shares = [min(max(n / last, _OUTERMOST), 1 - _OUTERMOST) for n in range(last + 1)]
    pairs = zip(bounds, map(NormalDist().inv_cdf, shares), strict=True)
    knots = [(bound, fmean(score for _, score in same)) for bound, same in groupby(pairs, key=lambda pair: pair[0])]
    return [bound for bound, _ in knots], [score for _, score in knots]


def quantile(decision: FeatureDecision, raw: Any) -> dict[str, Any]:
    """Makes the feature, float32 of shape [rows], linear between the deciles, and its indicator.

    Numbers beyond those of the train split count as its smallest and largest.
    """
    filled, outputs = fill(decision, raw)
    knots, scores = (tf.constant(decision.parameters[key], tf.float64) for key in ("quantiles", "scores"))
    values = tf.clip_by_value(filled, knots[0], knots[-1])
    left = tf.clip_by_value(tf.searchsorted(knots, values, "right") - 1, 0, len(decision.parameters["scores"]) - 2)
    low, high, bottom, top = (tf.gather(what, left + step) for what in (knots, scores) for step in (0, 1))
    mapped = bottom + (values - low) / (high - low) * (top - bottom)
    return {transformed_name(decision.name): tf.cast(mapped, tf.float32), **outputs}
