"""A second look at a plan, at the rows themselves: what adds nothing is dropped, what is too good is flagged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tfx_automl.components.transform.leakage import find_suspects
from tfx_automl.components.transform.plan import FeaturePlan
from tfx_automl.components.transform.redundant import without_redundant
from tfx_automl.components.transform.sample import SAMPLED, read_sample


def reviewed(plan: FeaturePlan, files: Sequence[str], specs: Mapping[str, Any]) -> FeaturePlan:
    """Looks at a sample of the rows for what the statistics of single columns cannot tell.

    Args:
        plan: What becomes of each column, by the statistics.
        files: Gzip-compressed TFRecords of the train split.
        specs: By which TensorFlow parses the examples.

    Returns:
        The plan without redundant columns, and with a warning for every column that predicts the label almost alone.
    """
    if not any(decision.kind in SAMPLED for decision in plan.decisions):
        return plan
    sample = read_sample(plan, files, specs)
    plan = without_redundant(plan, sample)
    left = {decision.name for decision in plan.decisions if decision.kept}
    suspects = [suspect for suspect in find_suspects(sample, plan.task) if suspect.name in left]
    return replace(plan, warnings=tuple(str(suspect) for suspect in suspects))
