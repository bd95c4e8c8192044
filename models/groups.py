"""Groups of sensitive features: which slices are compared, and how a group is written."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

from tfx_automl.errors import ConfigError
from tfx_automl.models.cuts import Cuts, cut_problems
from tfx_automl.models.task import TaskKind

DEFAULT_MIN_SLICE_SIZE = 30

Group = tuple[str, ...]


@dataclass(frozen=True)
class GroupSpec:
    """The groups of sensitive features whose slices are compared.

    Attributes:
        sensitive: Names of raw features; several names are a crossing.
        min_slice_size: Slices with fewer rows are not compared; 1 or more.
        cuts: Where continuous features are cut into groups: `{"age": (25, 45, 65)}`.
        reweigh: One of these groups: training rows are weighed so that it says nothing about the label, see
            `models.reweighing`; empty weighs no row.

    Raises:
        ConfigError: With one line for everything that cannot be.
    """

    sensitive: tuple[Group, ...] = ()
    min_slice_size: int = DEFAULT_MIN_SLICE_SIZE
    reweigh: Group = ()
    cuts: Cuts = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        given: Sequence[Sequence[str]] = self.sensitive
        object.__setattr__(self, "cuts", {name: tuple(points) for name, points in self.cuts.items()})
        problems = list(self._problems(given))
        if problems:
            raise ConfigError(problems)

    @classmethod
    def of(
        cls,
        sensitive: Sequence[Sequence[str]],
        min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
        reweigh: Sequence[str] = (),
        cuts: Cuts | None = None,
    ) -> "GroupSpec":
        """Returns the groups as tuples; a text in the place of a group stays one, and is refused."""
        groups = tuple(group if isinstance(group, str) else tuple(group) for group in sensitive)
        weighed = reweigh if isinstance(reweigh, str) else tuple(reweigh)
        return cls(cast(tuple[Group, ...], groups), min_slice_size, cast(Group, weighed), cuts or {})

    def _problems(self, given: Sequence[Sequence[str]]) -> Iterator[str]:
        for group in given:
            if isinstance(group, str) or not group or not all(group) or len(set(group)) != len(group):
                yield f"A sensitive group is one or more different column names, such as ('sex',); got {group!r}."
        if len({frozenset(group) for group in given}) != len(given):
            yield f"Every sensitive group may be given once; got {given!r}."
        if self.min_slice_size < 1:
            yield f"min_slice_size must be 1 or more rows; got {self.min_slice_size}."
        yield from cut_problems(self.cuts, self.columns)
        if self.reweigh and self.reweigh not in given:
            known = ", ".join(map(str, given)) or "none"
            yield f"reweigh must be one of the sensitive groups, which are {known}; got {self.reweigh!r}."

    def label_problems(self, label: str) -> list[str]:
        """Returns a line for every group that the label is part of."""
        return [
            f"The label {label!r} cannot be a sensitive column: slices are made from other columns."
            for group in self.sensitive
            if label in group
        ]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all features, sorted."""
        return tuple(sorted({name for group in self.sensitive for name in group}))

    def to_json(self) -> str:
        """Returns the groups as JSON text: how components carry them as an execution property."""
        values = asdict(self)
        for name in ("reweigh", "cuts"):
            if not values[name]:  # so that what knows of neither is named as it ever was
                del values[name]
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "GroupSpec":
        """Reads what `to_json` wrote."""
        return cls.of(**json.loads(text))


def value_text(value: object) -> str:
    """Returns the value of a feature as text, as everything that names a group has it: 1.0 is 1."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def group_text(group: Sequence[str]) -> str:
    """Returns a group as one text: `sex`, or `sex,race`; a name with a comma or a quote stands in double quotes."""
    return ",".join('"' + name.replace('"', '""') + '"' if re.search('[",]', name) else name for name in group)


def find_group(text: str, groups: Sequence[Sequence[str]]) -> Group | None:
    """Returns which of the groups a text means, in whatever order it names a crossing; None if it is none of them."""
    names = {name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])}
    return next((tuple(group) for group in groups if set(group) == names), None)


def reweigh_problems(kind: TaskKind, reweigh: Sequence[str]) -> list[str]:
    """Returns what is wrong with weighing rows for a task: it is regression."""
    if not reweigh or kind != "regression":
        return []
    return [
        "reweigh: rows are weighed by group and class, but a regression task has no classes; got"
        f" {group_text(reweigh)!r}, so leave it out."
    ]
