"""Which fairness gaps there are for which task, and what they mean in plain words."""

from dataclasses import dataclass
from typing import Literal

from tfx_automl.models.class_rates import of_class
from tfx_automl.models.task import TaskKind

RARE = 0.01  # a class that is predicted less often in every slice has no ratio: 0 of one row would be the worst


@dataclass(frozen=True)
class GapDefinition:
    """How a gap is computed, and what it means.

    Attributes:
        name: As in bounds and reports.
        kind: `difference` is max - min over slices, `ratio` is min / max.
        metrics: The metrics compared; of several, the larger difference counts.
        meaning: In plain words.
        by_class: Whether the metrics are those of each class against the rest; the worst class counts.
    """

    name: str
    kind: Literal["difference", "ratio"]
    metrics: tuple[str, ...]
    meaning: str
    by_class: bool = False

    def columns(self, classes: int) -> tuple[tuple[str, ...], ...]:
        """Returns the names of the metrics of each class, or the metrics where classes do not matter."""
        if not self.by_class:
            return (self.metrics,)
        return tuple(tuple(of_class(metric, number) for metric in self.metrics) for number in range(classes))


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
            "demographic_parity_difference",
            "difference",
            ("selection_rate",),
            "How much more often the same class is predicted for one group than for another, for the class where that "
            "differs most. 0 means that all groups get every class equally often.",
            by_class=True,
        ),
        GapDefinition(
            "demographic_parity_ratio",
            "ratio",
            ("selection_rate",),
            "How often a class is predicted for the group that gets it least, as a share of how often for the group "
            "that gets it most, for the class where that is smallest. 1 means equally often. Classes that no group "
            f"gets in {100 * RARE:g} % of its rows are left out.",
            by_class=True,
        ),
        GapDefinition(
            "equalized_odds_difference",
            "difference",
            ("tpr", "fpr"),
            "For each class the larger of two differences between groups: in the share of its rows that are found, "
            "and in the share of other rows that are wrongly predicted as it. The worst class counts; 0 means that "
            "the model errs equally for all.",
            by_class=True,
        ),
        GapDefinition(
            "equal_opportunity_difference",
            "difference",
            ("tpr",),
            "Among rows that truly are of a class: how much more often they are found in one group than in another, "
            "for the class where that differs most. 0 means equally often.",
            by_class=True,
        ),
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
        GapDefinition(
            "mean_residual_difference",
            "difference",
            ("mean_residual",),
            "How much more the model predicts too much, on average, for one group than for another. 0 means that no "
            "group is over- or underestimated more than others.",
        ),
    ),
}
