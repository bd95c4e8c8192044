"""Metrics in plain words, for the report."""

from collections.abc import Mapping
from dataclasses import dataclass

from tfx_automl.models.task import TaskKind


@dataclass(frozen=True)
class Wording:
    """How a metric is shown.

    Attributes:
        title: Short name.
        meaning: One sentence.
        share: Whether it is a share of rows, shown as a percentage.
    """

    title: str
    meaning: str
    share: bool = False


WORDS: Mapping[str, Wording] = {
    "auc": Wording(
        "AUC", "How well the model ranks: the chance that a random positive row scores above a negative one."
    ),
    "accuracy": Wording("Accuracy", "The share of rows predicted right.", True),
    "precision": Wording("Precision", "Of the rows predicted positive, the share that truly are.", True),
    "tpr": Wording("True positive rate", "Of the truly positive rows, the share predicted positive.", True),
    "fpr": Wording("False positive rate", "Of the truly negative rows, the share predicted positive.", True),
    "fnr": Wording("False negative rate", "Of the truly positive rows, the share predicted negative.", True),
    "selection_rate": Wording("Selection rate", "The share of all rows predicted positive.", True),
    "loss": Wording("Loss", "Cross entropy: how surprised the model is by the truth; lower is better."),
    "calibration": Wording("Calibration", "Mean prediction divided by mean label; 1 is right on average."),
    "mean_prediction": Wording("Mean prediction", "The average of what the model predicts."),
    "mean_label": Wording("Mean label", "The average of the truth."),
    "rmse": Wording("RMSE", "Typical error (root of the mean squared error), in units of the label; lower is better."),
    "mae": Wording("MAE", "Mean absolute error, in units of the label; lower is better."),
    "mse": Wording("MSE", "Mean squared error; lower is better."),
    "r2": Wording("R²", "The share of the label's variance that the model explains; 0 is as good as the mean."),
}

CHARTS: Mapping[TaskKind, tuple[str, ...]] = {
    "binary": ("selection_rate", "tpr", "fpr", "accuracy"),
    "multiclass": ("accuracy",),
    "regression": ("rmse", "mean_prediction", "mean_label"),
}

COLUMNS: Mapping[TaskKind, tuple[str, ...]] = {
    "binary": ("auc", "accuracy", "precision", "selection_rate", "tpr", "fpr", "fnr", "calibration"),
    "multiclass": ("accuracy", "loss"),
    "regression": ("rmse", "mae", "r2", "mean_prediction", "mean_label"),
}


def gap_title(name: str) -> str:
    """Returns the name of a gap for people."""
    return name.replace("_", " ").capitalize().replace("Auc", "AUC").replace("Rmse", "RMSE").replace("Mae", "MAE")
