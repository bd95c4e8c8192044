"""Fairness gaps between the slices of an evaluation; `models.fairness` defines them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfx_automl.components.evaluator.intervals import Interval, gap_interval
from tfx_automl.components.evaluator.slices import SliceMetrics
from tfx_automl.errors import ConfigError
from tfx_automl.models.fairness import GapDefinition, gap_by_class, gaps_of, is_rare, worst_class
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
        by_class: Of a gap that is measured for each class, the value of each, in the order of the classes.
        worst: The class whose value is that of the gap.
        incomplete: The classes that fewer than two slices have one of the metrics of; they count with the others.
        rare: The classes that are predicted too rarely for a ratio; they do not count.
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
    by_class: tuple[float | None, ...] = ()
    worst: str | None = None
    incomplete: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the definition."""
        return self.definition.name

    @property
    def feature(self) -> str:
        """The group as one text, `sex` or `sex,race`."""
        return ",".join(self.group)


def compute_gaps(
    slices: Sequence[SliceMetrics], kind: TaskKind, min_slice_size: int, classes: Sequence[str] = ()
) -> tuple[Gap, ...]:
    """Computes all gaps between the slices of one group.

    Args:
        slices: At least one, all of the same features.
        kind: The task; decides which gaps there are.
        min_slice_size: Slices with fewer rows are not compared.
        classes: Names of the task's classes.

    Returns:
        One gap for each definition in `fairness.gaps_of`.

    Raises:
        ConfigError: There are no slices, or the minimum is less than 1.
    """
    if not slices or min_slice_size < 1:
        raise ConfigError(
            f"Gaps need slices and a minimum size of 1 or more; got {len(slices)} slices and {min_slice_size}."
        )
    large = [part for part in slices if part.count >= min_slice_size]
    small = tuple(part.value for part in slices if part.count < min_slice_size)
    return tuple(
        _Compared(definition, large, tuple(classes)).gap(slices[0].features, small)
        for definition in gaps_of(kind, classes)
    )


class _Compared:
    """What a gap compares: for every class, or once where classes do not matter, metrics of large slices."""

    def __init__(self, definition: GapDefinition, slices: list[SliceMetrics], classes: tuple[str, ...]) -> None:
        self._definition, self._slices, self._classes = definition, slices, classes
        self._names = definition.columns(len(classes))
        self._columns = [[_defined(name, slices) for name in of_one] for of_one in self._names]

    def gap(self, group: tuple[str, ...], small: tuple[str, ...]) -> Gap:
        """Returns the gap of a group; `small` are its other slices."""
        worst, values = worst_class(self._definition, self._columns), gap_by_class(self._definition, self._columns)
        every = [name for of_one in self._names for name in of_one]
        known = [(part.value, sum(part.metrics.get(name) is not None for name in every)) for part in self._slices]
        return Gap(
            group,
            self._definition,
            None if worst is None else values[worst],
            judged=tuple(value for value, count in known if count),
            too_small=small,
            undefined=tuple(value for value, count in known if not count),
            partly=tuple(value for value, count in known if 0 < count < len(every)),
            not_compared=self._not_compared(),
            interval=self._interval(),
            by_class=tuple(values) if self._definition.by_class else (),
            worst=self._classes[worst] if self._definition.by_class and worst is not None else None,
            incomplete=self._of_classes(lambda columns: min(map(len, columns)) < 2),
            rare=self._of_classes(lambda columns: is_rare(self._definition, columns)),
        )

    def _not_compared(self) -> tuple[str, ...]:
        return tuple(
            metric
            for place, metric in enumerate(self._definition.metrics)
            if max((len(of_one[place]) for of_one in self._columns), default=0) < 2
        )

    def _of_classes(self, chosen: Callable[[Sequence[Sequence[float]]], bool]) -> tuple[str, ...]:
        if not self._definition.by_class:
            return ()
        return tuple(name for name, of_one in zip(self._classes, self._columns, strict=True) if chosen(of_one))

    def _interval(self) -> Interval | None:
        values, samples = [], []
        for metric in self._counted():
            has_it = [part for part in self._slices if part.metrics.get(metric) is not None]
            known = [part for part in has_it if metric in part.details.samples]
            if len(known) > 1:
                values.append(np.array([part.metrics[metric] for part in known], np.float64))
                samples.append(np.stack([part.details.samples[metric] for part in known], axis=1))
        return gap_interval(self._definition.kind, values, samples)

    def _counted(self) -> Iterator[str]:
        for names, of_one in zip(self._names, self._columns, strict=True):
            yield from () if is_rare(self._definition, of_one) else names


def _defined(metric: str, slices: list[SliceMetrics]) -> list[float]:
    return [value for part in slices if (value := part.metrics.get(metric)) is not None]
