"""How much worse than the last blessed model a model may be."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.checks import HIGHER_IS_BETTER, Check, Demand, interval_text, slice_name, text
from tfx_automl.components.evaluator.intervals import Interval
from tfx_automl.components.evaluator.plan import Bound
from tfx_automl.components.evaluator.slices import SliceMetrics


@dataclass(frozen=True)
class Loss:
    """What a metric may lose.

    Attributes:
        value: 0 or more.
        relative: Whether as a share of the other model's value.
    """

    value: float
    relative: bool = False

    @classmethod
    def parse(cls, given: float | str) -> "Loss":
        """Reads `0.01` or `1%`.

        Raises:
            ValueError: It is neither.
        """
        share = isinstance(given, str) and given.strip().endswith("%")
        value = float(given.strip().removesuffix("%")) if isinstance(given, str) else float(given)
        return cls(value / 100, True) if share else cls(value)

    @classmethod
    def problems(cls, option: str, name: str, given: float | str) -> Iterator[str]:
        """Yields what is wrong with a bound."""
        try:
            found = cls.parse(given)
        except (TypeError, ValueError):
            found = cls(math.nan)
        if not (math.isfinite(found.value) and found.value >= 0):
            yield f"{option} needs a number of 0 or more, or a share such as '1%', for {name}; got {given!r}."

    def bound(self, metric: str) -> Bound:
        """Returns what TFMA is told."""
        at_least = metric in HIGHER_IS_BETTER
        return Bound(metric, -self.value if at_least else self.value, at_least, ("absolute", "relative")[self.relative])


def loss_checks(slices: Sequence[SliceMetrics], losses: Mapping[str, float | str], confident: bool) -> list[Check]:
    """Compares slices, or all rows, with what the last blessed model reaches there.

    Args:
        slices: With the other model in their details, if there is one.
        losses: Bounds by metric.
        confident: Whether only what lies beyond a bound with its whole interval refuses.
    """
    return [_check(part, metric, Loss.parse(loss), confident) for metric, loss in losses.items() for part in slices]


def _check(part: SliceMetrics, metric: str, loss: Loss, confident: bool) -> Check:
    name = ":".join(["loss", *([slice_name(part)] if part.features else []), metric])
    what = f"{metric} of {slice_name(part)}" if part.features else metric
    other, value = part.details.other, part.metrics.get(metric)
    if other is None:
        return Check(name, value, None, None, "Not compared with an earlier blessed model: there is none.")
    before = other.metrics.get(metric, math.nan)
    if value is None or math.isnan(before):
        return Check(name, value, None, False, f"{what} could not be compared with that of the last blessed model.")
    bound = loss.bound(metric).value * (abs(before) if loss.relative else 1.0)
    demand = Demand(bound, at_least=metric in HIGHER_IS_BETTER)
    change, interval = part.change(metric)
    passed = demand.met(change, interval if confident else None)
    return Check(name, change, bound, passed, _sentence(what, change, before, interval, demand, passed), interval)


def _sentence(what: str, change: float, before: float, interval: Interval | None, demand: Demand, passed: bool) -> str:
    measured = f"{what} changes by {change:+.4g}{interval_text(interval)} from {text(before)} of the last blessed model"
    if passed and not demand.met(change, None):
        return f"{measured}, which may by chance miss {demand}."
    return f"{measured}, {'as allowed' if passed else 'but must change by'} {demand}."
