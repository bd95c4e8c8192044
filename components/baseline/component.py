"""The Baseline component."""

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel_utils, standard_artifacts
from tfx.types.channel import BaseChannel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_automl.components.baseline import executor
from tfx_automl.components.data import source_problems
from tfx_automl.components.types import BaselineMetrics, TrainingArrays
from tfx_automl.errors import require
from tfx_automl.models.task import TaskSpec


class BaselineSpec(ComponentSpec):
    """Inputs, outputs and parameters of the Baseline; `task` is a `TaskSpec` as JSON."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "task": ExecutionParameter(type=str),
        "seed": ExecutionParameter(type=int),
        "split": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph, optional=True),
        "training_data": ChannelParameter(type=TrainingArrays, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {"baseline": ChannelParameter(type=BaselineMetrics)}


class Baseline(base_component.BaseComponent):
    """Fits a trivial and a linear predictor on the train split and measures them on another.

    Outputs:
        baseline: `BaselineMetrics`, `baseline.json`: metrics under `majority` and `logistic_regression`, or for
            regression `mean` and `ridge_regression`, by the Evaluator's names; `rows_used` by the linear predictor,
            and the `split` measured on.

    Args:
        examples: Transformed `Examples` with the splits train, eval and preferably test, of any Transform.
        transform_graph: The `TransformGraph` that made them; needed with `examples`.
        training_data: The output `training_data` of our Transform, instead of `examples`: it is read in place.
        task: What is to be predicted.
        seed: For the choice of rows where there are too many for the linear predictor.
        split: The split to measure on, the same as the Evaluator's; None is test, or eval where there is no test.

    Raises:
        ConfigError: Not one of `examples` and `training_data` is given.
    """

    SPEC_CLASS = BaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel | None = None,
        transform_graph: BaseChannel | None = None,
        *,
        training_data: BaseChannel | None = None,
        task: TaskSpec,
        seed: int = 0,
        split: str | None = None,
    ) -> None:
        require(*((False, problem) for problem in source_problems(examples, training_data)))
        inputs = {"examples": examples, "transform_graph": transform_graph, "training_data": training_data}
        spec = BaselineSpec(
            **{name: channel for name, channel in inputs.items() if channel is not None},
            task=task.to_json(),
            seed=seed,
            split=split,
            baseline=channel_utils.as_channel([BaselineMetrics()]),
        )
        super().__init__(spec=spec)
