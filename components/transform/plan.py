"""The feature plan: for every column what becomes of it, and why."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec, transformed_name

Kind = Literal[
    "numeric",
    "log",
    "quantile",
    "date",
    "categorical",
    "hashed",
    "text",
    "list of numbers",
    "list of categories",
    "image",
    "image size",
    "label",
    "dropped",
]

FILE = "feature_plan.json"


@dataclass(frozen=True)
class FeatureDecision:
    """What becomes of one column.

    Attributes:
        name: The column.
        kind: How it enters the model; `dropped` if it does not.
        reason: Why, in plain words and with the numbers.
        parameters: What the transformation needs. For numbers and dates `fill` (in place of a missing value), `missing`
            (whether there is an indicator), and `mean` and `std` of the present values; for the kind `log`, of their
            `log(1 + x)`; for `quantile` instead `quantiles` and the `scores` that these become; for dates also the
            `parts` that are made of them. For categories `vocabulary`, or `top` (how many values at most) where
            Transform has to count them itself; for hashed ones and text `buckets`. With target statistics, `target`
            (the mean label by index), and `target_mean` and `target_std` of these over the rows. For lists, besides,
            `most` (values in a row), `count_mean` and `count_std`. For images that are decoded, the size that they get.

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
        return self.kind not in ("image size", "label", "dropped")

    @property
    def needs_moments(self) -> bool:
        """Whether mean and standard deviation are still to be computed, because the statistics do not hold them."""
        return self.kind in ("numeric", "log", "list of numbers") and "mean" not in self.parameters

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the transformed features that come from it."""
        if self.kind == "dropped":
            return ()
        indicator = (indicator_name(self.name),) if self.parameters.get("missing") else ()
        target = (target_name(self.name),) if "target" in self.parameters else ()
        return (transformed_name(self.name), *indicator, *target)


@dataclass(frozen=True)
class FeaturePlan:
    """The decisions about all columns.

    Attributes:
        task: What is to be predicted.
        rows: Training rows that the decisions are based on.
        decisions: One per column, in alphabetical order.
        warnings: What a person must look at, such as features that predict the label almost alone.

    Raises:
        ConfigError: A column is decided twice, or two columns would make a feature of the same name.
    """

    task: TaskSpec
    rows: int
    decisions: tuple[FeatureDecision, ...]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "decisions", tuple(self.decisions))
        columns = Counter(decision.name for decision in self.decisions)
        outputs = Counter(output for decision in self.decisions for output in decision.outputs)
        twice = [name for names in (columns, outputs) for name, count in names.items() if count > 1]
        if twice:
            raise ConfigError(f"A feature plan decides every name once; it has {', '.join(sorted(twice))} twice.")

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the columns that Transform reads: all but the dropped ones."""
        return tuple(decision.name for decision in self.decisions if decision.kind != "dropped")

    def with_parameters(self, parameters: Mapping[str, Mapping[str, Any]]) -> "FeaturePlan":
        """Returns the same plan with parameters added.

        Args:
            parameters: By column; columns that are not in it stay as they are.
        """
        changed = (replace(d, parameters={**d.parameters, **parameters.get(d.name, {})}) for d in self.decisions)
        return replace(self, decisions=tuple(changed))

    def with_reasons(self, reasons: Mapping[str, str]) -> "FeaturePlan":
        """Returns the same plan with other reasons for some columns."""
        return replace(self, decisions=tuple(replace(d, reason=reasons.get(d.name, d.reason)) for d in self.decisions))

    def to_json(self) -> str:
        """Returns the plan as JSON text that a person can read."""
        decisions = [
            {**asdict(decision), "kept": decision.kept, "outputs": decision.outputs} for decision in self.decisions
        ]
        values = {
            "task": asdict(self.task),
            "rows": self.rows,
            "warnings": list(self.warnings),
            "decisions": decisions,
        }
        return json.dumps(values, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "FeaturePlan":
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: The text is not a feature plan.
        """
        try:
            values = json.loads(text)
            task = TaskSpec.from_json(json.dumps(values["task"]))
            parts = (tuple(d[key] for key in ("name", "kind", "reason", "parameters")) for d in values["decisions"])
            decisions = tuple(FeatureDecision(*part) for part in parts)
            return cls(task, values["rows"], decisions, tuple(values.get("warnings", ())))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"A feature plan as JSON with task, rows and decisions was expected; got {text[:200]!r}."
            ) from error


def indicator_name(column: str) -> str:
    """Returns the name of the feature that says whether a column is missing: `age` becomes `age_missing_xf`."""
    return transformed_name(f"{column}_missing")


def target_name(column: str) -> str:
    """Returns the name of the feature with the mean label by value: `city` becomes `city_target_xf`."""
    return transformed_name(f"{column}_target")
