"""What is to be predicted: the one object that every component after ExampleGen agrees on."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, cast, get_args

from tfx_automl.errors import ConfigError

TaskKind = Literal["binary", "multiclass", "regression"]

DEFAULT_OBJECTIVE: dict[TaskKind, str] = {
    "binary": "val_auc",
    "multiclass": "val_accuracy",
    "regression": "val_rmse",
}


@dataclass(frozen=True)
class TaskSpec:
    """A supervised task on one label column.

    Attributes:
        kind: `binary`, `multiclass` or `regression`.
        label: Name of the label feature in the raw examples.
        classes: The label's values as text, in the order of their class index; empty for regression. For a binary task
            `classes[1]` is the positive class. Integers are written without a decimal point, booleans as `0` and `1`.

    Raises:
        ConfigError: The parts contradict each other.
    """

    kind: TaskKind
    label: str
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        problems = list(self._problems())
        if problems:
            raise ConfigError(problems)

    def _problems(self) -> list[str]:
        if self.kind not in get_args(TaskKind):
            return [f"Task kind {self.kind!r} is unknown: expected one of {', '.join(get_args(TaskKind))}."]
        problems = []
        if not self.label:
            problems.append("The task needs the name of the label column; got an empty one.")
        if len(set(self.classes)) != len(self.classes):
            problems.append(f"Classes must differ from each other; got {self.classes!r}.")
        if self.kind == "binary" and len(self.classes) != 2:
            problems.append(f"A binary task needs exactly 2 classes; got {len(self.classes)}: {self.classes!r}.")
        if self.kind == "multiclass" and len(self.classes) < 3:
            problems.append(f"A multiclass task needs 3 classes or more; got {len(self.classes)}: {self.classes!r}.")
        if self.kind == "regression" and self.classes:
            problems.append(f"A regression task has no classes; got {self.classes!r}.")
        return problems

    @property
    def positive(self) -> str | None:
        """The positive class of a binary task, else None."""
        return self.classes[1] if self.kind == "binary" else None

    @property
    def transformed_label(self) -> str:
        """Name of the label after Transform: a class index (int64) or the target (float32)."""
        return transformed_name(self.label)

    @property
    def num_outputs(self) -> int:
        """Units of a model's last layer: one per class for multiclass, else 1."""
        return len(self.classes) if self.kind == "multiclass" else 1

    @property
    def default_objective(self) -> str:
        """The metric that a search optimises when the user names none."""
        return DEFAULT_OBJECTIVE[self.kind]

    def to_json(self) -> str:
        """Returns the task as JSON text: how components carry it as an execution property."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "TaskSpec":
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: The text is not a task.
        """
        try:
            values = json.loads(text)
            return cls(kind=values["kind"], label=values["label"], classes=tuple(cast(list[str], values["classes"])))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"A task as JSON with kind, label and classes was expected; got {text!r}.") from error


def transformed_name(feature: str) -> str:
    """Returns the name of a feature after Transform: `age` becomes `age_xf`."""
    return f"{feature}_xf"
