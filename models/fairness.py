"""Fairness gaps: how far apart metrics are between the slices of one group of sensitive features.

The definitions are fairlearn's (`demographic_parity_difference` and friends), on metrics by slice, so that the numbers
are the same on the same predictions, with one exception: where a metric has an empty denominator (`tpr` of a slice
without positive rows), fairlearn counts it as 0; here it is not defined, and the slice is left out of that metric only.
The Tuner and the Evaluator both go by them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tfx_automl.errors import ConfigError
from tfx_automl.models.groups import Group, find_group, group_text
from tfx_automl.models.task import TaskKind

_NAME = re.compile(r"(?:val_)?(\w+?)(?:\[(.+)\])?")


@dataclass(frozen=True)
class GapDefinition:
    """How a gap is computed, and what it means.

    Attributes:
        name: As in bounds and reports.
        kind: `difference` is max - min over slices, `ratio` is min / max.
        metrics: The metrics compared; of several, the larger difference counts.
        meaning: In plain words.
    """

    name: str
    kind: Literal["difference", "ratio"]
    metrics: tuple[str, ...]
    meaning: str


GAPS: dict[TaskKind, tuple[GapDefinition, ...]] = {
    "binary": (
        GapDefinition(
            "demographic_parity_difference",
            "difference",
            ("selection_rate",),
            "How much more often the most favoured group gets the positive prediction than the least favoured one. "
            "0 means that all groups get it equally often.",
        ),
        GapDefinition(
            "demographic_parity_ratio",
            "ratio",
            ("selection_rate",),
            "How often the least favoured group gets the positive prediction, as a share of how often the most "
            "favoured one does. 1 means equally often.",
        ),
        GapDefinition(
            "equalized_odds_difference",
            "difference",
            ("tpr", "fpr"),
            "The larger of two differences between groups: in the share of true positives that are found, and in the "
            "share of true negatives that are wrongly predicted positive. 0 means that the model errs equally for all.",
        ),
        GapDefinition(
            "equal_opportunity_difference",
            "difference",
            ("tpr",),
            "Among rows that truly are positive: how much more often the most favoured group is found than the least "
            "favoured one. 0 means equally often.",
        ),
        GapDefinition(
            "accuracy_difference",
            "difference",
            ("accuracy",),
            "How much larger the share of right predictions is in the best group than in the worst.",
        ),
        GapDefinition(
            "auc_difference",
            "difference",
            ("auc",),
            "How much better the model ranks positives above negatives in the best group than in the worst.",
        ),
    ),
    "multiclass": (
        GapDefinition(
            "accuracy_difference",
            "difference",
            ("accuracy",),
            "How much larger the share of right predictions is in the best group than in the worst.",
        ),
    ),
    "regression": (
        GapDefinition(
            "rmse_difference",
            "difference",
            ("rmse",),
            "How much larger the typical error (root mean square) is in the worst group than in the best.",
        ),
        GapDefinition(
            "mae_difference",
            "difference",
            ("mae",),
            "How much larger the mean absolute error is in the worst group than in the best.",
        ),
        GapDefinition(
            "mean_prediction_difference",
            "difference",
            ("mean_prediction",),
            "How much higher the mean prediction is in the group with the highest than in the group with the lowest.",
        ),
    ),
}


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


def find_gap(name: str, kind: TaskKind, sensitive: Sequence[Sequence[str]] = ()) -> GapMetric | None:
    """Reads the name of a gap.

    Args:
        name: One of `GAPS`, with or without `val_` in front, and with or without a group in brackets behind.
        kind: Kind of the task.
        sensitive: The groups that there are.

    Returns:
        None if it is no gap of such a task.

    Raises:
        ConfigError: It is one, but there are no groups, or not the one in brackets.
    """
    definition, text = _parsed(name, kind)
    if definition is None:
        return None
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
