"""Artifact types of our own; wherever TFX has a standard type, that one is used instead."""

from tfx.types.artifact import Artifact


class FeaturePlan(Artifact):
    """`feature_plan.json`: for every raw column whether it is kept, how it is transformed, and why."""

    TYPE_NAME = "FeaturePlan"


class TrainingArrays(Artifact):
    """Transformed rows as models are trained on them: `meta.json`, and by split `.npy` files to be memory-mapped."""

    TYPE_NAME = "TrainingArrays"


class BaselineMetrics(Artifact):
    """`baseline.json`: the test metrics of trivial and linear predictors, for comparison."""

    TYPE_NAME = "BaselineMetrics"


class FairnessReport(Artifact):
    """`report.json` and `report.html`: metrics by slice, gaps, the verdict and its reasons."""

    TYPE_NAME = "FairnessReport"
