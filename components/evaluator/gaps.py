"""Fairness gaps: how far apart the slices of one group of sensitive features are.

The definitions are fairlearn's (`demographic_parity_difference` and friends), on metrics by slice, so that the numbers
are the same on the same predictions, with one exception: where a metric has an empty denominator (`tpr` of a slice
without positive rows), fairlearn counts it as 0; here it is not defined, and the slice is left out of that metric only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tfx_automl.components.evaluator.slices import SliceMetrics
from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskKind


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
    """

    group: tuple[str, ...]
    definition: GapDefinition
    value: float | None
    judged: tuple[str, ...]
    too_small: tuple[str, ...]
    undefined: tuple[str, ...]
    partly: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()

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
        _value(definition, list(columns.values())),
        judged=tuple(value for value, count in known if count),
        too_small=small,
        undefined=tuple(value for value, count in known if not count),
        partly=tuple(value for value, count in known if 0 < count < len(columns)),
        not_compared=tuple(name for name, column in columns.items() if len(column) < 2),
    )


def _defined(metric: str, slices: list[SliceMetrics]) -> list[float]:
    return [value for part in slices if (value := part.metrics.get(metric)) is not None]


def _value(definition: GapDefinition, columns: list[list[float]]) -> float | None:
    comparable = [column for column in columns if len(column) >= 2]
    if not comparable:
        return None
    if definition.kind == "difference":
        return max(max(column) - min(column) for column in comparable)
    largest = max(comparable[0])
    return min(comparable[0]) / largest if largest else None
