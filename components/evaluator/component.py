"""The Evaluator component."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel_utils, standard_artifacts
from tfx.types.channel import BaseChannel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_automl.components.evaluator import executor
from tfx_automl.components.evaluator.options import DEFAULT_REPLICATES, DEFAULT_SPLITS, EvaluatorOptions
from tfx_automl.components.evaluator.own.given import config_text
from tfx_automl.components.evaluator.waivers import Waiver
from tfx_automl.components.types import BaselineMetrics, FairnessReport
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE
from tfx_automl.models.task import TaskSpec


class EvaluatorSpec(ComponentSpec):
    """Inputs, outputs and parameters of the Evaluator; the parameters are `EvaluatorOptions` as JSON."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "task": ExecutionParameter(type=str),
        "sensitive": ExecutionParameter(type=str),
        "min_metrics": ExecutionParameter(type=str),
        "max_gaps": ExecutionParameter(type=str),
        "min_slice_size": ExecutionParameter(type=int),
        "example_splits": ExecutionParameter(type=str),
        "engine": ExecutionParameter(type=str),
        "replicates": ExecutionParameter(type=int),
        "evidence": ExecutionParameter(type=str),
        "min_slice_metrics": ExecutionParameter(type=str),
        "max_losses": ExecutionParameter(type=str),
        "max_slice_losses": ExecutionParameter(type=str),
        "waivers": ExecutionParameter(type=str),
        "cuts": ExecutionParameter(type=str),
        "expired_waivers": ExecutionParameter(type=str),
        "eval_config": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline": ChannelParameter(type=BaselineMetrics, optional=True),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "schema": ChannelParameter(type=standard_artifacts.Schema, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "fairness_report": ChannelParameter(type=FairnessReport),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Evaluates a model over all rows and by slice, and blesses it, or refuses to, with reasons.

    Outputs:
        evaluation: `ModelEvaluation`, readable by `tfma.load_eval_result`.
        blessing: `ModelBlessing` as the stock Evaluator writes it, so that stock Pusher honours it.
        fairness_report: `FairnessReport` with `report.json` and `report.html`.

    Args:
        examples: Raw `Examples`: what the model's `serving_default` takes.
        model: A `Model` with the signatures `serving_default` and `transform_features`.
        task: What the model predicts.
        sensitive: Groups of raw columns whose slices are compared: `[["sex"], ["sex", "race"]]`.
        baseline: `BaselineMetrics` of trivial predictors, measured on the split to evaluate on; the model must beat
            them. Without it this is not checked.
        baseline_model: A `Model` to compare with, such as the last blessed one from a `Resolver`; as for the stock
            Evaluator, there may be none yet.
        max_gaps: Bounds on gaps (`{"equalized_odds_difference": 0.1}`), for every group; of a ratio, the least value.
        min_metrics: Bounds on metrics over all rows: the least value where higher is better, else the largest.
        min_slice_size: Slices with fewer rows are reported as too small, never as fair.
        example_splits: The splits to evaluate on.
        engine: `tfma`, `columnar` or `auto`; see `EvaluatorOptions`. All give the same.
        replicates: Of the Poisson bootstrap, for confidence intervals; 0 leaves them out.
        evidence: `point` refuses a value beyond its bound, `confident` one whose whole confidence interval is beyond.
        min_slice_metrics: Bounds like `min_metrics` for every slice with enough rows.
        max_losses: How much worse than `baseline_model` a metric over all rows may be (`{"auc": 0.01, "loss": "2%"}`).
        max_slice_losses: The same for every slice with enough rows.
        waivers: Refusals that somebody answers for, by name, with a reason, until a date.
        cuts: Where continuous columns of `sensitive` are cut into groups: `{"age": [25, 45, 65]}`.
        schema: `Schema` of the raw examples; what is sliced on is checked against it before any row is read.
        eval_config: A `tfma.EvalConfig` of your own, or its JSON or text format: its metrics, slices and thresholds are
            added to those that are generated. `model_specs` may be left out. Needs the engine `tfma`.

    Raises:
        ConfigError: A bound, a group or a number makes no sense; all problems at once.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel,
        *,
        task: TaskSpec,
        sensitive: Sequence[Sequence[str]] = (),
        baseline: BaseChannel | None = None,
        baseline_model: BaseChannel | None = None,
        max_gaps: Mapping[str, float] | None = None,
        min_metrics: Mapping[str, float] | None = None,
        min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
        example_splits: Sequence[str] = DEFAULT_SPLITS,
        engine: str = "auto",
        replicates: int = DEFAULT_REPLICATES,
        evidence: str = "point",
        min_slice_metrics: Mapping[str, float] | None = None,
        max_losses: Mapping[str, float | str] | None = None,
        max_slice_losses: Mapping[str, float | str] | None = None,
        waivers: Sequence[Waiver] = (),
        cuts: Cuts | None = None,
        schema: BaseChannel | None = None,
        eval_config: Any = None,
    ) -> None:
        options = EvaluatorOptions(
            task=task,
            sensitive=sensitive,
            min_metrics=dict(min_metrics or {}),
            max_gaps=dict(max_gaps or {}),
            min_slice_size=min_slice_size,
            example_splits=example_splits,
            engine=engine,
            replicates=replicates,
            evidence=evidence,
            min_slice_metrics=dict(min_slice_metrics or {}),
            max_losses=dict(max_losses or {}),
            max_slice_losses=dict(max_slice_losses or {}),
            waivers=waivers,
            cuts=cuts or {},
            eval_config="" if eval_config is None else config_text(eval_config),
        )
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline=baseline,
            baseline_model=baseline_model,
            schema=schema,
            evaluation=channel_utils.as_channel([standard_artifacts.ModelEvaluation()]),
            blessing=channel_utils.as_channel([standard_artifacts.ModelBlessing()]),
            fairness_report=channel_utils.as_channel([FairnessReport()]),
            **options.to_properties(),
        )
        super().__init__(spec=spec)
