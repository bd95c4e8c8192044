"""Fairness gaps between the slices of an evaluation; `models.fairness` defines them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfx_automl.components.evaluator.intervals import Interval, gap_interval
from tfx_automl.components.evaluator.slices import SliceMetrics
from tfx_automl.errors import ConfigError
from tfx_automl.models.fairness import GAPS, GapDefinition, gap_value
from tfx_automl.models.task import TaskKind


@dataclass(frozen=True)
class Gap:
    """One gap of one group of sensitive features.

    Attributes:
        group: Names of the features whose slices are compared.
        definition: What was computed.
        value: None if for no metric two slices are large enough and have it.
        judged: The slices with at least one of the metrics, as `value` texts.
        too_small: The slices left out because they have too few rows.
        undefined: The slices left out because no metric is defined there, such as `tpr` without positive rows.
        partly: Of the judged slices those where another of several metrics is not defined.
        not_compared: The metrics that fewer than two slices have; what they would add to the value is unknown.
        interval: Where the gap lies with 95 % confidence; None without a bootstrap, or where it cannot be told.
    """

    group: tuple[str, ...]
    definition: GapDefinition
    value: float | None
    judged: tuple[str, ...]
    too_small: tuple[str, ...]
    undefined: tuple[str, ...]
    partly: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    interval: Interval | None = None

    @property
    def name(self) -> str:
        """Name of the definition."""
        return self.definition.name

    @property
    def feature(self) -> str:
        """The group as one text, `sex` or `sex,race`."""
        return ",".join(self.group)


def compute_gaps(slices: Sequence[SliceMetrics], kind: TaskKind, min_slice_size: int) -> tuple[Gap, ...]:
    """Computes all gaps between the slices of one group.

    Args:
        slices: At least one, all of the same features.
        kind: The task; decides which gaps there are.
        min_slice_size: Slices with fewer rows are not compared.

    Returns:
        One gap for each definition in `GAPS[kind]`.

    Raises:
        ConfigError: There are no slices, or the minimum is less than 1.
    """
    if not slices or min_slice_size < 1:
        raise ConfigError(
            f"Gaps need slices and a minimum size of 1 or more; got {len(slices)} slices and {min_slice_size}."
        )
    large = [part for part in slices if part.count >= min_slice_size]
    small = tuple(part.value for part in slices if part.count < min_slice_size)
    return tuple(_gap(definition, large, small, slices[0].features) for definition in GAPS[kind])


def _gap(definition: GapDefinition, large: list[SliceMetrics], small: tuple[str, ...], group: tuple[str, ...]) -> Gap:
    columns = {name: _defined(name, large) for name in definition.metrics}
    known = [(part.value, sum(part.metrics.get(name) is not None for name in columns)) for part in large]
    return Gap(
        group,
        definition,
        gap_value(definition, list(columns.values())),
        judged=tuple(value for value, count in known if count),
        too_small=small,
        undefined=tuple(value for value, count in known if not count),
        partly=tuple(value for value, count in known if 0 < count < len(columns)),
        not_compared=tuple(name for name, column in columns.items() if len(column) < 2),
        interval=_interval(definition, large),
    )


def _interval(definition: GapDefinition, slices: list[SliceMetrics]) -> Interval | None:
    values, samples = [], []
    for metric in definition.metrics:
        known = [part for part in slices if part.metrics.get(metric) is not None and metric in part.details.samples]
        if len(known) > 1:
            values.append(np.array([part.metrics[metric] for part in known], np.float64))
            samples.append(np.stack([part.details.samples[metric] for part in known], axis=1))
    return gap_interval(definition.kind, values, samples)


def _defined(metric: str, slices: list[SliceMetrics]) -> list[float]:
    return [value for part in slices if (value := part.metrics.get(metric)) is not None]
