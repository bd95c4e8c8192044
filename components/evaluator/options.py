"""What a user asks of the Evaluator, checked when the pipeline is built."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from tfx_automl.components.evaluator.gate import Gate
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.waivers import Waiver
from tfx_automl.errors import ConfigError
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.fairness import needs_fewer_classes
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE, GroupSpec
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskSpec

if TYPE_CHECKING:
    from tfx_automl.components.evaluator.own.checked import OwnConfig

DEFAULT_SPLITS = ("test",)
ENGINES = ("auto", "tfma", "columnar")
DEFAULT_REPLICATES, FEWEST_REPLICATES = 200, 50


@dataclass(frozen=True)
class EvaluatorOptions:
    """Options of the Evaluator.

    Attributes:
        task: What the model predicts.
        sensitive: Groups of raw features; the slices of each group are compared. Several names are a crossing.
        min_metrics: Bounds on metrics over all rows, see `Gate`.
        max_gaps: Bounds on gaps between slices, see `Gate`.
        min_slice_size: Slices with fewer rows are reported as too small and not compared.
        example_splits: The splits to evaluate on.
        engine: `tfma` runs TFMA on Beam, `columnar` computes the same in this process; `auto` takes `columnar` where
            the rows fit into memory and the pipeline's Beam runner is a local one.
        replicates: Of the Poisson bootstrap, for confidence intervals; 0 leaves them out.
        evidence: `point` or `confident`, see `Gate`; `confident` needs replicates.
        min_slice_metrics: Bounds on metrics of every slice with enough rows, see `Gate`.
        max_losses: How much worse than the last blessed model it may be over all rows, see `Gate`.
        max_slice_losses: The same for every slice with enough rows.
        waivers: Refusals that somebody answers for, see `Waiver`.
        cuts: Where continuous features are cut into groups: `{"age": (25, 45, 65)}`.
        eval_config: A `tfma.EvalConfig` of the user's own, as JSON or text format, whose metrics, slices and thresholds
            are added; empty for none. It needs TFMA, which `auto` then takes.

    Raises:
        ConfigError: Something in this cannot be done; all problems at once.
    """

    task: TaskSpec
    sensitive: Sequence[Sequence[str]] = ()
    min_metrics: Mapping[str, float] = field(default_factory=dict)
    max_gaps: Mapping[str, float] = field(default_factory=dict)
    min_slice_size: int = DEFAULT_MIN_SLICE_SIZE
    example_splits: Sequence[str] = DEFAULT_SPLITS
    engine: str = "auto"
    replicates: int = DEFAULT_REPLICATES
    evidence: str = "point"
    min_slice_metrics: Mapping[str, float] = field(default_factory=dict)
    max_losses: Mapping[str, float | str] = field(default_factory=dict)
    max_slice_losses: Mapping[str, float | str] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    cuts: Cuts = field(default_factory=dict)
    eval_config: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "example_splits", tuple(self.example_splits))
        object.__setattr__(self, "waivers", tuple(self.waivers))
        problems = []
        try:
            groups = GroupSpec.of(self.sensitive, self.min_slice_size, cuts=self.cuts)
            object.__setattr__(self, "sensitive", groups.sensitive)
            object.__setattr__(self, "cuts", groups.cuts)
            problems += groups.label_problems(self.task.label)
        except ConfigError as error:
            problems += error.problems
        problems += self._problems()
        for check in (lambda: self.gate, lambda: self.own_config()):
            try:
                check()
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(problems)

    def _problems(self) -> Iterator[str]:
        for option in ("max_gaps", "min_slice_metrics", "max_slice_losses"):
            given = getattr(self, option)
            if given and not self.sensitive:
                yield f"{option} bounds {', '.join(given)}, but there are no sensitive columns; name at least one."
        yield from filter(None, (needs_fewer_classes(name, self.task) for name in self.max_gaps))
        if not self.example_splits:
            yield "example_splits is empty; name at least one split, such as ('test',)."
        if self.evidence == "confident" and not self.replicates:
            yield "evidence: confident needs confidence intervals; expected replicates above 0."
        if self.engine not in ENGINES:
            yield f"engine: expected one of {', '.join(ENGINES)}, got {self.engine!r}."
        if self.eval_config and self.engine == "columnar":
            yield "engine: columnar cannot compute what eval_config asks for; expected tfma or auto."
        if self.replicates != 0 and self.replicates < FEWEST_REPLICATES:
            yield f"replicates: expected 0 (no intervals) or {FEWEST_REPLICATES} or more, got {self.replicates}."

    def own_config(self, known: Collection[str] | None = None) -> "OwnConfig | None":
        """Returns the user's own configuration, checked; None if there is none.

        Args:
            known: The raw features; None if they are not known.

        Raises:
            ConfigError: With everything in it that cannot be.
        """
        if not self.eval_config:
            return None
        # Imported here because it loads TFMA, which takes seconds.
        from tfx_automl.components.evaluator.own.checked import OwnConfig

        groups = [group for group in self.sensitive if not isinstance(group, str)]
        return OwnConfig.of(self.eval_config, self.task, groups, known)

    @property
    def gate(self) -> Gate:
        """The bounds."""
        return Gate(
            self.task.kind,
            self.min_metrics,
            self.max_gaps,
            self.evidence,
            self.min_slice_metrics,
            self.max_losses,
            self.max_slice_losses,
            tuple(self.waivers),
        )

    def plan(
        self,
        threshold: float,
        other_threshold: float = DECISION_THRESHOLD,
        by_row: bool = False,
        other_by_row: bool = False,
    ) -> EvaluationPlan:
        """Returns what is to be measured, with the thresholds that the model, and another one, come with."""
        sensitive = tuple(map(tuple, self.sensitive))
        return EvaluationPlan(
            self.task,
            sensitive,
            threshold,
            self.replicates,
            other_threshold,
            self.gate.bounds,
            self.cuts,
            by_row,
            other_by_row,
        )

    def to_properties(self) -> dict[str, Any]:
        """Returns the options as execution properties: JSON text, except for numbers."""
        return {
            "task": self.task.to_json(),
            "sensitive": json.dumps(self.sensitive),
            "min_metrics": json.dumps(dict(self.min_metrics)),
            "max_gaps": json.dumps(dict(self.max_gaps)),
            "min_slice_size": self.min_slice_size,
            "example_splits": json.dumps(self.example_splits),
            "engine": self.engine,
            "replicates": self.replicates,
            "evidence": self.evidence,
            "min_slice_metrics": json.dumps(dict(self.min_slice_metrics)),
            "max_losses": json.dumps(dict(self.max_losses)),
            "max_slice_losses": json.dumps(dict(self.max_slice_losses)),
            "waivers": json.dumps([waiver.to_dict() for waiver in self.waivers]),
            "cuts": json.dumps(dict(self.cuts)),
            "eval_config": self.eval_config,
            # Not read again, but another value, so that no cached verdict outlives a waiver.
            "expired_waivers": json.dumps([w.to_dict() for w in self.waivers if not w.holds(date.today())]),
        }

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "EvaluatorOptions":
        """Reads what `to_properties` wrote."""
        return cls(
            task=TaskSpec.from_json(properties["task"]),
            sensitive=json.loads(properties["sensitive"]),
            min_metrics=json.loads(properties["min_metrics"]),
            max_gaps=json.loads(properties["max_gaps"]),
            min_slice_size=properties["min_slice_size"],
            example_splits=json.loads(properties["example_splits"]),
            engine=properties["engine"],
            replicates=properties["replicates"],
            evidence=properties["evidence"],
            min_slice_metrics=json.loads(properties["min_slice_metrics"]),
            max_losses=json.loads(properties["max_losses"]),
            max_slice_losses=json.loads(properties["max_slice_losses"]),
            waivers=tuple(map(Waiver.of, json.loads(properties["waivers"]))),
            cuts=json.loads(properties["cuts"]),
            eval_config=properties["eval_config"],
        )
