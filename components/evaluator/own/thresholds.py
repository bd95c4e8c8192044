"""The user's thresholds as checks of the gate: the comparisons of TFMA's validation, with a sentence each."""

import math
from collections.abc import Iterator
from typing import Any

from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib as slicer

from tfx_automl.components.evaluator.checks import Check, Demand
from tfx_automl.components.evaluator.intervals import Interval
from tfx_automl.components.evaluator.own.contradictions import BASELINE
from tfx_automl.components.evaluator.own.given import thresholds_of
from tfx_automl.components.evaluator.own.results import (
    OwnResults,
    interval_of,
    metric_text,
    number_of,
    slice_text,
)

_NOT_COMPARED = "eval_config bounds how a metric changes: not compared with an earlier blessed model, there is none."


def threshold_checks(results: OwnResults) -> Iterator[Check]:
    """Yields a check for every bound, in every slice and pair of slices that it holds for."""
    specs, config = results.config.metrics_specs, results.config
    for key, several in metric_specs.metric_thresholds_from_metrics_specs(specs, eval_config=config).items():
        if key.model_name != BASELINE:
            for where, threshold in several:
                yield from _of_threshold(results, key, where, threshold)
    if len(config.model_specs) == 1:
        for place, threshold, _ in thresholds_of(results.given):
            if threshold.HasField("change_threshold"):
                yield Check(f"change:{place}", None, None, None, _NOT_COMPARED)


def _of_threshold(results: OwnResults, key: Any, where: Any, threshold: Any) -> Iterator[Check]:
    kind = "change" if key.is_diff else "threshold"
    found = [(of, values) for of, values in results.metrics.values() if _holds(results, of, where) and values]
    for of, values in found:
        name = ":".join(filter(None, (kind, slice_text(of), metric_text(key))))
        what = f"{metric_text(key)} of {slice_text(of)}" if of else metric_text(key)
        bounds = _change_bounds if key.is_diff else _value_bounds
        for value, demand, interval in bounds(threshold, key, values):
            yield _check(name, what, value, demand, interval, kind)
    if not found:
        spot = "its slices" if where is None else " ".join(str(where).split())
        reason = (
            f"eval_config bounds {metric_text(key)} in {spot}, but no row is there (or fewer than its min_slice_size)."
        )
        yield Check(f"{kind}:{metric_text(key)}", None, None, False, reason)


def _holds(results: OwnResults, of: Any, where: Any) -> bool:
    if where is None:
        return results.asked_for(of)
    crossed = slicer.is_cross_slice_key(of)
    if isinstance(where, config_pb2.CrossSlicingSpec):
        return crossed and bool(slicer.is_cross_slice_applicable(of, where))
    return not crossed and bool(slicer.SingleSliceSpec(spec=where).is_slice_applicable(of))


_Compared = tuple[float | None, Demand, Interval | None]


def _value_bounds(threshold: Any, key: Any, values: Any) -> Iterator[_Compared]:
    value, interval = number_of(values.get(key)), interval_of(values.get(key))
    for side, at_least in (("lower_bound", True), ("upper_bound", False)):
        if threshold.HasField(side):
            yield value, Demand(getattr(threshold, side).value, at_least), Interval(*interval) if interval else None


def _change_bounds(threshold: Any, key: Any, values: Any) -> Iterator[_Compared]:
    change, interval = number_of(values.get(key)), interval_of(values.get(key))
    before = number_of(values.get(key.make_baseline_key(BASELINE)))
    at_least = threshold.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER
    if threshold.HasField("absolute"):
        yield change, Demand(threshold.absolute.value, at_least), Interval(*interval) if interval else None
    if threshold.HasField("relative"):
        known = change is not None and before is not None and not math.isclose(before, 0.0)
        share = change / before if known and change is not None and before is not None else None
        yield share, Demand(threshold.relative.value, at_least), None


def _check(name: str, what: str, value: float | None, demand: Demand, interval: Interval | None, kind: str) -> Check:
    subject = f"{what} as changed from the last blessed model" if kind == "change" else what
    if value is None:
        reason = f"{subject} must be {demand}, but could not be computed."
        return Check(name, None, demand.bound, False, reason)
    passed = demand.met(value, None)
    return Check(name, value, demand.bound, passed, demand.sentence(subject, value, interval, passed), interval)
