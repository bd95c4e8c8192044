"""A decision threshold for each group of rows: what is made equal by it, and how it is written down."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.errors import ConfigError, require
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.groups import Group, find_group, group_text
from tfx_automl.models.task import TaskKind

Value = str | int | float
TYPES = ("text", "int", "float")

_TEXT = re.compile(r"(\w+)(?:\[(.+)\])?")


@dataclass(frozen=True)
class Criterion:
    """What is to be equal between groups.

    Attributes:
        name: As a person writes it.
        rates: The rates compared; the gap is the larger of their differences between groups.
        meaning: In plain words.
    """

    name: str
    rates: tuple[str, ...]
    meaning: str


CRITERIA: tuple[Criterion, ...] = (
    Criterion("demographic_parity", ("selection_rate",), "All groups get the positive prediction equally often."),
    Criterion("equal_opportunity", ("tpr",), "Of the truly positive rows, equally many are found in all groups."),
    Criterion(
        "predictive_equality",
        ("fpr",),
        "Of the truly negative rows, equally many are wrongly predicted positive in all groups.",
    ),
    Criterion(
        "equalized_odds",
        ("tpr", "fpr"),
        "The model errs equally often in all groups, on truly positive and on truly negative rows.",
    ),
)


@dataclass(frozen=True)
class Parity:
    """A criterion, and between the slices of which group it is to hold."""

    criterion: Criterion
    group: Group

    def __str__(self) -> str:
        return f"{self.criterion.name}[{group_text(self.group)}]"


def read_parity(text: str, kind: TaskKind, sensitive: Sequence[Sequence[str]]) -> Parity:
    """Reads what thresholds by group are to make equal.

    Args:
        text: One of `CRITERIA`, with a group in brackets behind; without, if there is a single group.
        kind: Of the task.
        sensitive: The groups that there are.

    Raises:
        ConfigError: The task is not binary, or there is no such criterion or group.
    """
    match = _TEXT.fullmatch(text.strip())
    criterion = next((each for each in CRITERIA if match and each.name == match[1]), None)
    known = ", ".join(each.name for each in CRITERIA)
    require(
        (kind == "binary", f"group_thresholds: a {kind} task has no threshold; got {text!r}, so leave it out."),
        (
            criterion is not None,
            f"group_thresholds: expected one of {known}, with a group as in demographic_parity[sex]; got {text!r}.",
        ),
        (
            bool(sensitive),
            f"group_thresholds: {text!r} compares groups of rows, but there are no sensitive columns that would make"
            " groups; give sensitive, such as sensitive=[('sex',)] (on the command line: --sensitive sex).",
        ),
    )
    named = match[2] if match else None
    group = find_group(named, sensitive) if named else tuple(sensitive[0]) if len(sensitive) == 1 else None
    if criterion is None or group is None:
        groups = ", ".join(group_text(each) for each in sensitive)
        raise ConfigError(f"group_thresholds: {text!r} needs one of the sensitive groups in brackets: {groups}.")
    return Parity(criterion, group)


def parity_problems(text: str | None, kind: TaskKind, sensitive: Sequence[Sequence[str]]) -> list[str]:
    """Returns what is wrong with thresholds by group, if they are asked for."""
    try:
        if text is not None:
            read_parity(text, kind, sensitive)
    except ConfigError as error:
        return list(error.problems)
    return []


@dataclass(frozen=True)
class GroupThresholds:
    """A threshold for each slice of a group; all other rows have the common one.

    Attributes:
        features: Names of the raw features that make the group.
        types: Of each feature `text`, `int` or `float`: of its raw values.
        common: From which probability on a row is predicted positive whose values stand in no slice, or are missing.
        slices: The values of each slice, one of each feature; none of them is missing.
        thresholds: Of each slice; numbers that float32 holds exactly.
        cuts: Where continuous features are cut into groups; their values are then the names of these, see `cut_names`.

    Raises:
        ConfigError: The parts do not fit together.
    """

    features: Group
    types: tuple[str, ...]
    common: float
    slices: tuple[tuple[Value, ...], ...]
    thresholds: tuple[float, ...]
    cuts: Cuts = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cuts", {name: tuple(points) for name, points in self.cuts.items()})
        widths = {len(self.features), len(self.types), *map(len, self.slices)}
        require(
            (
                len(widths) == 1 and 0 not in widths,
                f"Thresholds by group need one type and one value a feature; got the features {self.features!r}, the"
                f" types {self.types!r} and the slices {self.slices!r}.",
            ),
            (set(self.types) <= set(TYPES), f"Types are {', '.join(TYPES)}; got {self.types!r}."),
            (
                len(set(self.slices)) == len(self.slices) == len(self.thresholds) > 0,
                f"Every slice needs one threshold; got {self.slices!r} and {self.thresholds!r}.",
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns what the model card says of it."""
        pairs = zip(self.slices, self.thresholds, strict=True)
        return {
            "features": list(self.features),
            "types": list(self.types),
            "common": self.common,
            "cuts": {name: list(points) for name, points in self.cuts.items()},
            "slices": [{"values": list(values), "threshold": threshold} for values, threshold in pairs],
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "GroupThresholds":
        """Reads what `to_dict` wrote, among other entries."""
        return cls(
            tuple(given["features"]),
            tuple(given["types"]),
            float(given["common"]),
            tuple(tuple(part["values"]) for part in given["slices"]),
            tuple(float(part["threshold"]) for part in given["slices"]),
            given["cuts"],
        )
