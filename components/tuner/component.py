"""The component Tuner."""

from typing import Any

from tfx import types
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2, tuner_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from tfx_automl.components.tuner import executor
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec


class TunerSpec(types.ComponentSpec):
    """The stock TunerSpec, with a task, search options, and the best model."""

    PARAMETERS = {
        **standard_component_specs.TunerSpec.PARAMETERS,
        "train_args": ExecutionParameter(type=trainer_pb2.TrainArgs, optional=True),
        "eval_args": ExecutionParameter(type=trainer_pb2.EvalArgs, optional=True),
        "task": ExecutionParameter(type=str, optional=True),
        "search": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        **standard_component_specs.TunerSpec.INPUTS,
    }
    OUTPUTS = {
        **standard_component_specs.TunerSpec.OUTPUTS,
        "best_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }


class Tuner(base_component.BaseComponent):
    """Searches hyperparameters.

    Either of a model family (`task` given): Hyperband over worker processes, resumable; or of a stock TFX `tuner_fn`
    (`tuner_fn` or `module_file` given), unchanged: its KerasTuner tuner is run to its end by worker processes, and a
    run that was killed goes on where it was.

    Outputs:
        best_hyperparameters: `HyperParameters` in the file and format of the stock Tuner.
        tuner_results: `TunerResults` in the file and format of the stock Tuner, and `trials.json` with everything about
            every trial, failed ones with their traceback.
        best_model: `Model` with the weights, the state of the optimizer and the hyperparameters of the best trial; only
            for a model family.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        *,
        task: TaskSpec | None = None,
        search: SearchOptions | None = None,
        tuner_fn: str | None = None,
        module_file: str | None = None,
        train_args: trainer_pb2.TrainArgs | None = None,
        eval_args: trainer_pb2.EvalArgs | None = None,
        tune_args: tuner_pb2.TuneArgs | None = None,
        custom_config: dict[str, Any] | None = None,
    ) -> None:
        """Constructs the component.

        Args:
            examples: Transformed `Examples` with the splits `train` and `eval`.
            transform_graph: The `TransformGraph` that made them.
            schema: The raw `Schema`; handed to `tuner_fn`.
            task: What is to be predicted; searches a model family.
            search: How to search a model family.
            tuner_fn: Module path of a stock `tuner_fn`, such as `my.module.tuner_fn`.
            module_file: A file with a stock `tuner_fn`.
            train_args: Handed to `tuner_fn`.
            eval_args: Handed to `tuner_fn`.
            tune_args: `num_parallel_trials` is the number of workers. Unset, there is one per core, as far as memory
                reaches; a `tuner_fn` on a machine with a GPU gets one in all.
            custom_config: Handed to `tuner_fn`.

        Raises:
            ConfigError: None or several of `task`, `tuner_fn` and `module_file` are given, or an argument that only the
                other way of searching has.
        """
        _check(task, search, tuner_fn, module_file, (train_args, eval_args, custom_config), tune_args)
        arguments = {
            "examples": examples,
            "transform_graph": transform_graph,
            "schema": schema,
            "tuner_fn": tuner_fn,
            "module_file": module_file,
            "tune_args": tune_args,
            "custom_config": None if custom_config is None else json_utils.dumps(custom_config),
            "best_hyperparameters": types.Channel(type=standard_artifacts.HyperParameters),
            "tuner_results": types.Channel(type=standard_artifacts.TunerResults),
            **(_of_a_family(task, search) if task else _of_a_tuner_fn(train_args, eval_args)),
        }
        # TFX takes an absent argument, but not None, for an optional parameter.
        spec = TunerSpec(**{name: value for name, value in arguments.items() if value is not None})
        super().__init__(spec=spec)
        if module_file and udf_utils.should_package_user_modules():
            udf_utils.add_user_module_dependency(
                self, standard_component_specs.MODULE_FILE_KEY, standard_component_specs.MODULE_PATH_KEY
            )


def _of_a_family(task: TaskSpec, search: SearchOptions | None) -> dict[str, Any]:
    return {
        "task": task.to_json(),
        "search": (search or SearchOptions()).to_json(),
        "best_model": types.Channel(type=standard_artifacts.Model),
    }


def _of_a_tuner_fn(train_args: trainer_pb2.TrainArgs | None, eval_args: trainer_pb2.EvalArgs | None) -> dict[str, Any]:
    return {"train_args": train_args or trainer_pb2.TrainArgs(), "eval_args": eval_args or trainer_pb2.EvalArgs()}


def _check(
    task: TaskSpec | None,
    search: SearchOptions | None,
    tuner_fn: str | None,
    module_file: str | None,
    stock_arguments: tuple[object, ...],
    tune_args: tuner_pb2.TuneArgs | None,
) -> None:
    problems = []
    if sum(given is not None for given in (task, tuner_fn, module_file)) != 1:
        problems.append(
            "Tuner needs one of task (a model family is searched), tuner_fn and module_file (a stock tuner_fn is run);"
            f" got task={task!r}, tuner_fn={tuner_fn!r}, module_file={module_file!r}."
        )
    if task is not None and any(argument is not None for argument in stock_arguments):
        problems.append("train_args, eval_args and custom_config are for a tuner_fn; with a task, use search.")
    if task is None and search is not None:
        problems.append("search is for a model family (task); a tuner_fn brings a tuner with options of its own.")
    if tune_args is not None and (parallel := tune_args.num_parallel_trials) < 0:
        problems.append(f"tune_args.num_parallel_trials: expected 1 or more, or 0 for the default, got {parallel}.")
    if problems:
        raise ConfigError(problems)
