"""The component Transform."""

from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import transform_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from tfx_automl.components.transform import executor
from tfx_automl.components.types import FeaturePlan, TrainingArrays
from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec


class TransformSpec(types.ComponentSpec):
    """The stock TransformSpec, with statistics in; a feature plan and arrays to train on out."""

    PARAMETERS = {
        **standard_component_specs.TransformSpec.PARAMETERS,
        "task": ExecutionParameter(type=str),
        "exclude": ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.TransformSpec.INPUTS,
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }
    OUTPUTS = {
        **standard_component_specs.TransformSpec.OUTPUTS,
        "training_data": ChannelParameter(type=TrainingArrays),
        "feature_plan": ChannelParameter(type=FeaturePlan),
    }


class Transform(base_beam_component.BaseBeamComponent):
    """Plans features from schema and statistics at run time, and transforms all splits.

    Outputs:
        transform_graph: `TransformGraph` for serving.
        training_data: `TrainingArrays` with every split of the input, for our Tuner, Trainer and Baseline.
        transformed_examples: `Examples` with every split of the input, for other components; only if `materialize`.
        feature_plan: `FeaturePlan` with `feature_plan.json`: for every column what becomes of it, and why.
    """

    SPEC_CLASS = TransformSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        statistics: types.BaseChannel,
        task: TaskSpec,
        exclude: Sequence[str] = (),
        splits_config: transform_pb2.SplitsConfig | None = None,
        *,
        materialize: bool = False,
    ) -> None:
        """Constructs the component.

        Args:
            examples: Raw `Examples`: tf.Examples in gzip-compressed TFRecords, as stock and our ExampleGen write them.
                Their split `train` is what features are planned from.
            schema: Their `Schema`. To let values be missing, at serving too, infer it with
                `SchemaGen(infer_feature_shape=False)`.
            statistics: Their `ExampleStatistics`, at least of the split that is planned from.
            task: What is to be predicted.
            exclude: Columns that the model must not see.
            splits_config: As for the stock Transform, but with a single split to analyze, as statistics of two splits
                cannot be put together; unset plans from `train` and transforms every split.
            materialize: Also write transformed examples, which stock components and a `tuner_fn` read.

        Raises:
            ConfigError: The label is excluded, or `splits_config` does not name one split to analyze.
        """
        problems = []
        if task.label in exclude:
            problems.append(f"The label {task.label!r} cannot be excluded: take it out of `exclude`.")
        if splits_config is not None and len(splits_config.analyze) != 1:
            problems.append(f"splits_config.analyze must name one split; got {list(splits_config.analyze)}.")
        if problems:
            raise ConfigError(problems)
        spec = TransformSpec(
            examples=examples,
            schema=schema,
            statistics=statistics,
            task=task.to_json(),
            exclude=json_utils.dumps(list(exclude)),
            # The statistics before are given, and those after are of no use to a search.
            disable_statistics=1,
            force_tf_compat_v1=0,
            transform_graph=types.Channel(type=standard_artifacts.TransformGraph),
            training_data=types.Channel(type=TrainingArrays),
            feature_plan=types.Channel(type=FeaturePlan),
            **(_transformed_examples() if materialize else {}),
            **({} if splits_config is None else {"splits_config": splits_config}),
        )
        super().__init__(spec=spec)


def _transformed_examples() -> dict[str, types.Channel]:
    channel = types.Channel(type=standard_artifacts.Examples)
    channel.matching_channel_name = "examples"
    return {"transformed_examples": channel}
