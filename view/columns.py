"""Which column of a DataFrame is what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.groups import Group, GroupSpec

_KINDS = ("auto", "binary", "multiclass", "regression")


@dataclass(frozen=True)
class FrameColumns:
    """Which column is what; see `fairness.fairness` for each.

    Attributes:
        label: The truth.
        prediction: The prediction, or one column for each class.
        sensitive: Makes the groups; None takes all other columns.
        task: Kind of the task, or `auto`.
        positive: The positive label of a binary task.
        threshold: Of a binary task.
        max_gaps: Bounds.
        min_slice_size: Groups with fewer rows are not compared.
        cuts: Where columns of numbers are cut into groups.

    Raises:
        ConfigError: A value cannot be, whatever the data.
    """

    label: str
    prediction: str | Sequence[str]
    sensitive: Sequence[str | Sequence[str]] | None
    task: str
    positive: object
    threshold: float
    max_gaps: Mapping[str, float] | None
    min_slice_size: int
    cuts: Cuts | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.task not in _KINDS:
            problems.append(f"fairness: task: expected one of {', '.join(_KINDS)}, got {self.task!r}.")
        if not 0 <= self.threshold <= 1:
            problems.append(f"fairness: threshold: expected a probability from 0 to 1, got {self.threshold!r}.")
        if problems:
            raise ConfigError(problems)

    @property
    def predictions(self) -> tuple[str, ...]:
        """The columns of the prediction."""
        return (self.prediction,) if isinstance(self.prediction, str) else tuple(self.prediction)

    def groups(self, frame: Any) -> tuple[Group, ...]:
        """Returns the groups, each of columns that there are.

        Raises:
            ConfigError: A column is missing, or there are no groups.
        """
        taken = {self.label, *self.predictions}
        wanted = [name for name in frame.columns if name not in taken] if self.sensitive is None else self.sensitive
        groups = tuple((each,) if isinstance(each, str) else tuple(each) for each in wanted)
        named = [self.label, *self.predictions, *(name for group in groups for name in group)]
        problems = [
            f"fairness: the DataFrame has no column {name!r}; it has {', '.join(map(str, frame.columns))}."
            for name in dict.fromkeys(named)
            if name not in frame.columns
        ]
        if not groups:
            problems.append(
                "fairness: sensitive: expected at least one column that makes groups, such as ['sex']; got none."
            )
        if problems:
            raise ConfigError(problems)
        spec = GroupSpec.of(groups, self.min_slice_size, cuts=self.cuts)
        if spec.label_problems(self.label):
            raise ConfigError(spec.label_problems(self.label))
        return spec.sensitive
