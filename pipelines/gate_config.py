"""The part of a run's configuration that says how a model is evaluated, and what it must satisfy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tfx_automl.components.evaluator.waivers import Waiver
from tfx_automl.errors import ConfigError, one_line
from tfx_automl.pipelines import converters
from tfx_automl.pipelines.option import option

if TYPE_CHECKING:
    from tfx_automl.components.evaluator.gate import Gate
    from tfx_automl.models.task import TaskKind

# What is called otherwise among the arguments of the component.
_ARGUMENTS = {
    "min_metric": "min_metrics",
    "min_slice_metric": "min_slice_metrics",
    "max_gap": "max_gaps",
    "max_loss": "max_losses",
    "max_slice_loss": "max_slice_losses",
    "waiver": "waivers",
    "evidence": "evidence",
}
EVAL_CONFIG_SUFFIXES = (".pbtxt", ".textproto", ".json")
_MAPPINGS = ("min_metric", "min_slice_metric", "max_gap", "max_loss", "max_slice_loss")


@dataclass(frozen=True, kw_only=True)
class GateConfig:
    """How to evaluate, and what to demand."""

    min_metric: Mapping[str, float] = option(
        converters.bounds,
        "gate: bound on a test metric, as auc=0.9 (errors such as loss: at most); repeatable",
        metavar="METRIC=VALUE",
        repeat=True,
        default_factory=dict,
    )
    min_slice_metric: Mapping[str, float] = option(
        converters.bounds,
        "gate: the same for every group of the sensitive columns; repeatable",
        metavar="METRIC=VALUE",
        repeat=True,
        default_factory=dict,
    )
    max_gap: Mapping[str, float] = option(
        converters.bounds,
        "gate: bound on a fairness gap, as equalized_odds_difference=0.1; repeatable",
        metavar="GAP=VALUE",
        repeat=True,
        default_factory=dict,
    )
    max_loss: Mapping[str, float | str] = option(
        converters.losses,
        "gate: how much worse than the last blessed model a test metric may be, as auc=0.01 or auc=1%; repeatable",
        metavar="METRIC=VALUE",
        repeat=True,
        default_factory=dict,
    )
    max_slice_loss: Mapping[str, float | str] = option(
        converters.losses,
        "gate: the same for every group of the sensitive columns; repeatable",
        metavar="METRIC=VALUE",
        repeat=True,
        default_factory=dict,
    )
    evidence: str = option(
        converters.text,
        "gate: point refuses a value beyond its bound, confident one whose whole 95 % interval is beyond",
        metavar="KIND",
        default="point",
    )
    waiver: tuple[Waiver, ...] = option(
        converters.waivers,
        "gate: let a failed check pass, as `CHECK; NAME; REASON; 2027-01-31` (who answers for it, why, until when);"
        " repeatable",
        metavar="WAIVER",
        repeat=True,
        default=(),
    )
    min_slice_size: int = option(
        converters.whole, "groups with fewer test rows are reported as too small", metavar="N", default=30
    )
    replicates: int = option(
        converters.whole, "of the bootstrap, for confidence intervals; 0 leaves them out", metavar="N", default=200
    )
    engine: str = option(
        converters.text,
        "what evaluates: tfma (on Beam), columnar (in this process), or auto; the results are the same",
        metavar="NAME",
        default="auto",
    )
    eval_config: str | None = option(
        converters.text,
        "a tfma.EvalConfig of your own (.pbtxt, .textproto or .json), whose metrics, slices and thresholds are added",
        metavar="FILE",
        default=None,
    )

    def gate(self, kind: "TaskKind") -> "Gate":
        """Returns the gate for a task.

        Raises:
            ConfigError: It demands what there is not.
        """
        from tfx_automl.components.evaluator.gate import Gate

        return Gate(kind, **self._gate_arguments())

    def evaluator_arguments(self) -> dict[str, Any]:
        """Returns arguments of the component Evaluator.

        Raises:
            ConfigError: The file with the user's own configuration cannot be read.
        """
        found = self._gate_arguments()
        same = {name: getattr(self, name) for name in ("min_slice_size", "replicates", "engine")}
        own = {} if self.eval_config is None else {"eval_config": read_eval_config(self.eval_config)}
        return found | same | own

    def _gate_arguments(self) -> dict[str, Any]:
        found = {argument: getattr(self, name) for name, argument in _ARGUMENTS.items()}
        return found | {name: dict(value) for name, value in found.items() if isinstance(value, Mapping)}

    def _protect(self) -> None:
        for name in _MAPPINGS:
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def read_eval_config(path: str) -> str:
    """Returns the text of a file with a `tfma.EvalConfig`.

    Raises:
        ConfigError: It is no such file, or cannot be read.
    """
    if Path(path).suffix not in EVAL_CONFIG_SUFFIXES:
        raise ConfigError(f"--eval-config: expected a file {', '.join(EVAL_CONFIG_SUFFIXES)}, got {path}.")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--eval-config: {path} cannot be read: {one_line(error)}.") from error


def gate_checks(config: GateConfig, sensitive: object) -> Iterator[tuple[bool, str]]:
    """Yields what must hold whatever the task is, with the message for when it does not."""
    from tfx_automl.components.evaluator.gate import EVIDENCE
    from tfx_automl.components.evaluator.options import ENGINES, FEWEST_REPLICATES

    yield config.min_slice_size >= 1, f"--min-slice-size: expected 1 or more, got {config.min_slice_size}."
    for name in ("max_gap", "min_slice_metric", "max_slice_loss"):
        flag = name.replace("_", "-")
        yield (
            not getattr(config, name) or bool(sensitive),
            f"--{flag} needs at least one --sensitive column to compare groups of.",
        )
    enough = config.replicates == 0 or config.replicates >= FEWEST_REPLICATES
    yield enough, f"--replicates: expected 0 or {FEWEST_REPLICATES} or more, got {config.replicates}."
    yield config.engine in ENGINES, f"--engine: expected one of {', '.join(ENGINES)}, got {config.engine!r}."
    yield (
        config.eval_config is None or config.engine != "columnar",
        "--eval-config needs the engine tfma, but --engine is columnar; expected tfma or auto.",
    )
    yield config.evidence in EVIDENCE, f"--evidence: expected one of {', '.join(EVIDENCE)}, got {config.evidence!r}."
    yield (
        config.evidence != "confident" or config.replicates != 0,
        "--evidence confident needs confidence intervals; expected --replicates above 0.",
    )
