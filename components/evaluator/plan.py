"""What an evaluation measures."""

from dataclasses import dataclass

from tfx_automl.models.groups import Group
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskSpec


@dataclass(frozen=True)
class EvaluationPlan:
    """What is to be measured.

    Attributes:
        task: What the model predicts.
        sensitive: One slicing specification each: the name of a raw feature, or several for their crossing.
        threshold: Of a binary task: rows with at least this probability, as a float32, are predicted positive.
        replicates: Of the Poisson bootstrap, for confidence intervals; 0 leaves it out.
    """

    task: TaskSpec
    sensitive: tuple[Group, ...] = ()
    threshold: float = DECISION_THRESHOLD
    replicates: int = 0

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features that are sliced on, sorted."""
        return tuple(sorted({name for group in self.sensitive for name in group}))
