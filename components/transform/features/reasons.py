"""What the reasons of all kinds of features say alike."""

from tfx_automl.components.transform.columns import Column
from tfx_automl.components.transform.plan import FeatureDecision

# A column with a single value is constant if no more than this share of it is missing; else its presence may tell.
_CONSTANT_MISSING = 0.01


def drop(column: Column, reason: str) -> FeatureDecision:
    """Decides that the model does not see a column."""
    return FeatureDecision(column.name, "dropped", reason)


def missing(column: Column) -> str:
    """Returns how much of a column is missing, as the next part of a sentence; empty if nothing is."""
    share = 100 * (column.rows - column.present) / column.rows
    return "" if column.present >= column.rows else f", {share:.1f} % missing" if share >= 0.05 else ", few missing"


def is_constant(column: Column) -> bool:
    """Tells, of a column with a single value, whether hardly any is missing."""
    return column.present >= (1 - _CONSTANT_MISSING) * column.rows
