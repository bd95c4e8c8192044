"""What an evaluation measures, and of what."""

import json
from dataclasses import asdict, dataclass, field, replace

from tfx_automl.models.cuts import Cuts
from tfx_automl.models.groups import Group
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskSpec


@dataclass(frozen=True)
class Bound:
    """What a metric over all rows has to be.

    Attributes:
        metric: Its name.
        value: The bound.
        at_least: Whether the metric must not be lower, or not be higher.
        change: Empty bounds the metric itself; `absolute` and `relative` bound its difference from another model's.
    """

    metric: str
    value: float
    at_least: bool
    change: str = ""


@dataclass(frozen=True)
class EvaluationPlan:
    """What is to be measured.

    Attributes:
        task: What the model predicts.
        sensitive: One slicing specification each: the name of a raw feature, or several for their crossing.
        threshold: Of a binary task: rows with at least this probability, as a float32, are predicted positive.
        replicates: Of the Poisson bootstrap, for confidence intervals; 0 leaves it out.
        other_threshold: The threshold of the model that this one is compared with.
        bounds: What TFMA is to validate.
        cuts: Where continuous features are cut into groups.
        by_row: Whether the model tells a threshold for each row, by its group; `threshold` is then that of rows which
            have none of their own, and at which the model is measured, too.
        other_by_row: Whether the other model does.
    """

    task: TaskSpec
    sensitive: tuple[Group, ...] = ()
    threshold: float = DECISION_THRESHOLD
    replicates: int = 0
    other_threshold: float = DECISION_THRESHOLD
    bounds: tuple[Bound, ...] = ()
    cuts: Cuts = field(default_factory=dict, hash=False)
    by_row: bool = False
    other_by_row: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features that are sliced on, sorted."""
        return tuple(sorted({name for group in self.sensitive for name in group}))

    def of_one_slice(self) -> "EvaluationPlan":
        """Returns the same for rows that are all in one slice."""
        return replace(self, sensitive=(), bounds=())

    def to_json(self) -> str:
        """Returns the plan as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "EvaluationPlan":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        values["task"] = TaskSpec(**values["task"])
        values["bounds"] = tuple(Bound(**bound) for bound in values["bounds"])
        values["sensitive"] = tuple(map(tuple, values["sensitive"]))
        return cls(**values)


@dataclass(frozen=True)
class Sources:
    """Where what is evaluated comes from.

    Attributes:
        patterns: The files with examples.
        model: Folder of a SavedModel with `serving_default` and `transform_features`.
        other: Folder of such a model that it is compared with; None if there is none.
    """

    patterns: tuple[str, ...]
    model: str
    other: str | None = None
