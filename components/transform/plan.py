"""The feature plan: for every column what becomes of it, and why."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec, transformed_name

Kind = Literal["numeric", "log", "categorical", "hashed", "image", "image size", "label", "dropped"]

FILE = "feature_plan.json"


@dataclass(frozen=True)
class FeatureDecision:
    """What becomes of one column.

    Attributes:
        name: The column.
        kind: How it enters the model; `dropped` if it does not.
        reason: Why, in plain words and with the numbers.
        parameters: What the transformation needs: `mean`, `std`, `median` and `missing` (whether there is an indicator)
            for numbers; `vocabulary` for categories; `buckets` for hashed ones.

    Raises:
        ConfigError: The kind is unknown, or there is no reason.
    """

    name: str
    kind: Kind
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ConfigError(f"{self.name}: expected a kind among {', '.join(get_args(Kind))}, got {self.kind!r}.")
        if not self.reason:
            raise ConfigError(f"{self.name}: a decision needs a reason; got an empty one.")

    @property
    def kept(self) -> bool:
        """Whether the model sees it."""
        return self.kind in ("numeric", "log", "categorical", "hashed", "image")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the transformed features that come from it."""
        if self.kind == "dropped":
            return ()
        indicator = (transformed_name(f"{self.name}_missing"),) if self.parameters.get("missing") else ()
        return (transformed_name(self.name), *indicator)


@dataclass(frozen=True)
class FeaturePlan:
    """The decisions about all columns.

    Attributes:
        task: What is to be predicted.
        rows: Training rows that the decisions are based on.
        decisions: One per column, in alphabetical order.
    """

    task: TaskSpec
    rows: int
    decisions: tuple[FeatureDecision, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "decisions", tuple(self.decisions))

    def to_json(self) -> str:
        """Returns the plan as JSON text that a person can read."""
        decisions = [
            {**asdict(decision), "kept": decision.kept, "outputs": decision.outputs} for decision in self.decisions
        ]
        return json.dumps({"task": asdict(self.task), "rows": self.rows, "decisions": decisions}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "FeaturePlan":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        decisions = (FeatureDecision(d["name"], d["kind"], d["reason"], d["parameters"]) for d in values["decisions"])
        return cls(TaskSpec.from_json(json.dumps(values["task"])), values["rows"], tuple(decisions))
