"""Fairness gaps: how far apart metrics are between the slices of one group of sensitive features.

The definitions are fairlearn's (`demographic_parity_difference` and friends), on metrics by slice, so that the numbers
are the same on the same predictions, with one exception: where a metric has an empty denominator (`tpr` of a slice
without positive rows), fairlearn counts it as 0; here it is not defined, and the slice is left out of that metric only.
The Tuner and the Evaluator both go by them.

Of several classes, each is compared against the rest as in a binary task, and the worst class counts. A class whose
rate fewer than two slices have (true positives of a class with rows in one slice only) is left out of that gap.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.errors import ConfigError
from tfx_automl.models.class_rates import MOST_CLASSES, has_class_rates
from tfx_automl.models.gap_definitions import GAPS, RARE, GapDefinition
from tfx_automl.models.groups import Group, find_group, group_text
from tfx_automl.models.task import TaskKind, TaskSpec

__all__ = [
    "GAPS",
    "GapDefinition",
    "GapMetric",
    "find_gap",
    "gap_by_class",
    "gap_value",
    "gaps_of",
    "is_gap",
    "is_rare",
    "needs_fewer_classes",
    "worst_class",
]

_NAME = re.compile(r"(?:val_)?(\w+?)(?:\[(.+)\])?")


def gap_value(definition: GapDefinition, columns: Sequence[Sequence[float]]) -> float | None:
    """Returns a gap.

    Args:
        definition: What to compute.
        columns: For each of its metrics the values of the slices that are large enough and have it.

    Returns:
        None if no metric has two values, or for a ratio if the largest value is 0.
    """
    comparable = [column for column in columns if len(column) >= 2]
    if not comparable:
        return None
    if definition.kind == "difference":
        return max(max(column) - min(column) for column in comparable)
    largest = max(comparable[0])
    return min(comparable[0]) / largest if largest else None


def gap_by_class(definition: GapDefinition, columns: Sequence[Sequence[Sequence[float]]]) -> list[float | None]:
    """Returns the gap of each class.

    Args:
        definition: What to compute.
        columns: For each class, and each metric in `definition.columns`, the values of the slices that are large enough
            and have it.
    """
    return [gap_value(definition, of_one) for of_one in columns]


def worst_class(definition: GapDefinition, columns: Sequence[Sequence[Sequence[float]]]) -> int | None:
    """Returns the index of the class whose gap counts; None if no class has one.

    Args:
        definition: What is computed.
        columns: As for `gap_by_class`.
    """
    found = {
        number: value
        for number, value in enumerate(gap_by_class(definition, columns))
        if value is not None and not is_rare(definition, columns[number])
    }
    worst = max if definition.kind == "difference" else min
    return worst(found, key=lambda number: found[number], default=None)


def is_rare(definition: GapDefinition, columns: Sequence[Sequence[float]]) -> bool:
    """Tells whether a class, of which these are the columns, is predicted too rarely for a ratio to mean anything."""
    return definition.by_class and definition.kind == "ratio" and max(columns[0], default=0.0) < RARE


def gaps_of(kind: TaskKind, classes: Sequence[str]) -> tuple[GapDefinition, ...]:
    """Returns the gaps of a task: those of `GAPS`, without those by class where there are too many classes.

    Args:
        kind: Of the task.
        classes: Of the task.
    """
    few = len(classes) <= MOST_CLASSES
    return tuple(definition for definition in GAPS[kind] if few or not definition.by_class)


def needs_fewer_classes(name: str, task: TaskSpec) -> str | None:
    """Returns why a gap is not measured for a task that has too many classes; None if it is, or is no gap."""
    definition, _ = _parsed(name, task.kind)
    if definition is None or not definition.by_class or has_class_rates(task):
        return None
    return (
        f"{name} compares each class against the rest, which is done for up to {MOST_CLASSES} classes; there are "
        f"{len(task.classes)}. Bound accuracy_difference, or merge classes."
    )


@dataclass(frozen=True)
class GapMetric:
    """A gap among the metrics of an epoch.

    Attributes:
        definition: What is computed.
        group: Of which group; None takes the worst of all groups.
    """

    definition: GapDefinition
    group: Group | None = None

    @property
    def name(self) -> str:
        """As among the metrics of an epoch: `val_equalized_odds_difference`, or the same with `[sex,race]` behind."""
        suffix = "" if self.group is None else f"[{group_text(self.group)}]"
        return f"val_{self.definition.name}{suffix}"


def find_gap(name: str, task: TaskSpec, sensitive: Sequence[Sequence[str]] = ()) -> GapMetric | None:
    """Reads the name of a gap.

    Args:
        name: One of `GAPS`, with or without `val_` in front, and with or without a group in brackets behind.
        task: What is predicted.
        sensitive: The groups that there are.

    Returns:
        None if it is no gap of such a task.

    Raises:
        ConfigError: It is one, but there are no groups, or not the one in brackets, or too many classes.
    """
    definition, text = _parsed(name, task.kind)
    if definition is None:
        return None
    too_many = needs_fewer_classes(name, task)
    if too_many:
        raise ConfigError(too_many)
    if not sensitive:
        raise ConfigError(
            f"{name!r} compares groups of rows, but there are no sensitive columns that would make groups; give"
            " sensitive, such as sensitive=[('sex',)] (on the command line: --sensitive sex)."
        )
    group = find_group(text, sensitive) if text else None
    if text and group is None:
        known = ", ".join(group_text(each) for each in sensitive)
        raise ConfigError(f"{name!r} compares groups of {text!r}, but the sensitive groups are {known}; name one.")
    return GapMetric(definition, group)


def is_gap(name: str, kind: TaskKind) -> bool:
    """Tells whether a name is that of a gap of such a task, whatever its group."""
    return _parsed(name, kind)[0] is not None


def _parsed(name: str, kind: TaskKind) -> tuple[GapDefinition | None, str | None]:
    """Returns the definition and what stands in brackets."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None, None
    return next((each for each in GAPS[kind] if each.name == match[1]), None), match[2]
