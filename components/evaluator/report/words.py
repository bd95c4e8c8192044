"""Metrics and gaps in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tfx_automl.models.task import TaskKind


@dataclass(frozen=True)
class Wording:
    """How a metric is shown.

    Attributes:
        title: Short name.
        meaning: One sentence.
        share: Whether it is a share of rows, shown as a percentage.
        better: Which values are better; None for a metric that is neither good nor bad.
    """

    title: str
    meaning: str = ""
    share: bool = False
    better: Literal["higher", "lower"] | None = None


_WORDS: Mapping[str, Wording] = {
    "auc": Wording(
        "AUC",
        "How well the model ranks: the chance that a random positive row scores above a negative one.",
        better="higher",
    ),
    "accuracy": Wording("Accuracy", "The share of rows predicted right.", True, "higher"),
    "balanced_accuracy": Wording(
        "Balanced accuracy",
        "The true positive rate of a class, on average over the classes: rare classes count as much as frequent ones.",
        True,
        "higher",
    ),
    "macro_f1": Wording(
        "Macro F1",
        "F1 (the harmonic mean of precision and true positive rate) of a class, on average over the classes.",
        better="higher",
    ),
    "precision": Wording("Precision", "Of the rows predicted positive, the share that truly are.", True, "higher"),
    "tpr": Wording("True positive rate", "Of the truly positive rows, the share predicted positive.", True, "higher"),
    "fpr": Wording("False positive rate", "Of the truly negative rows, the share predicted positive.", True, "lower"),
    "fnr": Wording("False negative rate", "Of the truly positive rows, the share predicted negative.", True, "lower"),
    "selection_rate": Wording("Selection rate", "The share of all rows predicted positive.", True),
    "loss": Wording("Loss", "Cross entropy: how surprised the model is by the truth; lower is better.", better="lower"),
    "calibration": Wording("Calibration", "Mean prediction divided by mean label; 1 is right on average."),
    "mean_prediction": Wording("Mean prediction", "The average of what the model predicts."),
    "mean_label": Wording("Mean label", "The average of the truth."),
    "mean_residual": Wording(
        "Mean residual",
        "Mean prediction minus mean label, in units of the label: above 0 predictions are too high on average.",
    ),
    "rmse": Wording(
        "RMSE",
        "Typical error (root of the mean squared error), in units of the label; lower is better.",
        better="lower",
    ),
    "mae": Wording("MAE", "Mean absolute error, in units of the label; lower is better.", better="lower"),
    "mse": Wording("MSE", "Mean squared error; lower is better.", better="lower"),
    "r2": Wording(
        "R²", "The share of the label's variance that the model explains; 0 is as good as the mean.", better="higher"
    ),
}

CHARTS: Mapping[TaskKind, tuple[str, ...]] = {
    "binary": ("selection_rate", "tpr", "fpr", "accuracy"),
    "multiclass": ("accuracy", "balanced_accuracy"),
    "regression": ("rmse", "mean_prediction", "mean_label", "mean_residual"),
}

_COLUMNS: Mapping[TaskKind, tuple[str, ...]] = {
    "binary": ("auc", "accuracy", "precision", "selection_rate", "tpr", "fpr", "fnr", "calibration"),
    "regression": ("rmse", "mae", "r2", "mean_prediction", "mean_label", "mean_residual"),
}

# What another model makes of decisions.
FLIPS: Mapping[str, str] = {
    "to_positive": "Newly positive",
    "to_negative": "Newly negative",
    "changed": "Changed",
}

# What is said of a page's ideas, beside its metrics.
IDEAS: Mapping[str, str] = {
    "Group": "The rows that have the same value in a sensitive column, or in each of several.",
    "Gap": "How far apart a metric is between groups. Only groups with enough rows are compared.",
    "95 % interval": "Where the true value lies with 95 % confidence: of 100 samples like this one, about 95 give an "
    "interval that holds it. A wide interval means few rows. That of a gap allows for the many pairs of groups that it "
    "is the largest difference of.",
}
CURVES: Mapping[str, str] = {
    "Decision threshold": "A row whose probability is at least this is predicted positive.",
    "ROC curve": "The true positive rate against the false positive rate at every threshold. The nearer it comes to "
    "the top left corner, the better; on the diagonal the model is no better than chance.",
    "Calibration plot": "Of the rows with about the same probability, the share that truly are positive. On the "
    "diagonal probabilities mean what they say; below it they are too high.",
}

CLASSES: Mapping[str, str] = {
    "One class against the rest": "How each class is judged by itself: rows of the class count as positive, all other "
    "rows as negative. A gap is that of the class where it is worst. With many classes, or few rows of one, some gap "
    "is large by chance: look at its interval.",
}


def wording(metric: str) -> Wording:
    """Returns how a metric is shown; one that has no words of its own is shown by its name."""
    return _WORDS.get(metric) or Wording(metric.replace("_", " ").capitalize())


def columns_of(kind: TaskKind, metrics: Mapping[str, float | None]) -> tuple[str, ...]:
    """Returns the metrics that tables of slices show; the first one is the main one."""
    return _COLUMNS.get(kind) or tuple(metrics)


def gap_title(name: str) -> str:
    """Returns the name of a gap for people."""
    return name.replace("_", " ").capitalize().replace("Auc", "AUC").replace("Rmse", "RMSE").replace("Mae", "MAE")
