"""The component Tuner."""

from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import trainer_pb2, tuner_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from tfx_automl.components.data import source_problems
from tfx_automl.components.sensitive import check_gaps, check_groups
from tfx_automl.components.tuner import executor
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.components.types import TrainingArrays
from tfx_automl.errors import ConfigError
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE
from tfx_automl.models.hypermodel import is_module_path
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.thresholds import threshold_problems

_MODULE_KEYS = (standard_component_specs.MODULE_FILE_KEY, standard_component_specs.MODULE_PATH_KEY)


class TunerSpec(types.ComponentSpec):
    """The stock TunerSpec, with a task, search options, arrays to train on, and the best model."""

    PARAMETERS = {
        **standard_component_specs.TunerSpec.PARAMETERS,
        "train_args": ExecutionParameter(type=trainer_pb2.TrainArgs, optional=True),
        "eval_args": ExecutionParameter(type=trainer_pb2.EvalArgs, optional=True),
        "task": ExecutionParameter(type=str, optional=True),
        "hypermodel": ExecutionParameter(type=str, optional=True),
        "search": ExecutionParameter(type=str, optional=True),
        "groups": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        **standard_component_specs.TunerSpec.INPUTS,
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "training_data": ChannelParameter(type=TrainingArrays, optional=True),
        "raw_examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS = {
        **standard_component_specs.TunerSpec.OUTPUTS,
        "best_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }


class Tuner(base_beam_component.BaseBeamComponent):
    """Searches hyperparameters.

    Of a model families (`task` given) or of a KerasTuner hypermodel (`hypermodel` given, too): any strategy over worker
    processes or Beam, resumable; or of a stock TFX `tuner_fn` (`tuner_fn` or `module_file` given), unchanged: its
    KerasTuner tuner is run to its end by worker processes, and a run that was killed goes on where it was.

    Outputs:
        best_hyperparameters: `HyperParameters` in the file and format of the stock Tuner.
        tuner_results: `TunerResults` in the file and format of the stock Tuner, and `trials.json` with everything about
            every trial, failed ones with their traceback; the folder `tensorboard` shows the same in TensorBoard.
        best_model: `Model` with the weights, the state of the optimizer and the hyperparameters of the best trial, and
            of a hypermodel also as `model.keras`; not for a `tuner_fn`.

    Args:
        examples: Transformed `Examples` with the splits `train` and `eval`, of any Transform.
        transform_graph: The `TransformGraph` that made them; needed with `examples`.
        schema: The raw `Schema`; handed to `tuner_fn`.
        base_model: The `best_model` of an earlier search, whose hyperparameters are tried first; handed to
            `tuner_fn`.
        training_data: That output of our Transform, instead of `examples`; read in place. Not for a `tuner_fn`.
        task: What is to be predicted; searches model families, or the hypermodel.
        hypermodel: Module path of a `keras_tuner.HyperModel` or of a function `build(hp)`, such as
            `my.module:build_model`; it must be importable where the component runs.
        search: How to search.
        raw_examples: The `Examples` from which the rows were transformed, with the split `eval`; `sensitive`
            columns are read from them, as the model may not see them. Row by row they must be the transformed ones,
            which our Transform keeps to.
        sensitive: Groups of raw features whose slices of the eval split are compared, several names for a crossing:
            objectives and constraints may then be fairness gaps (see `models.fairness.GAPS`), such as
            `val_equalized_odds_difference` (the worst of all groups) or `val_equalized_odds_difference[sex]`.
        min_slice_size: Slices with fewer rows of the eval split are not compared.
        reweigh: One of the sensitive groups: trials train on rows with weights by which it says nothing about the
            label (Kamiran and Calders 2012). What is measured on the eval split is not weighed. For the binary and
            multiclass tasks of model families; `raw_examples` need the split `train`, too.
        cuts: Where continuous columns of `sensitive` are cut into groups: `{"age": [25, 45, 65]}`.
        tuner_fn: Module path of a stock `tuner_fn`, such as `my.module.tuner_fn`.
        module_file: A file with a stock `tuner_fn`.
        train_args: Handed to `tuner_fn`.
        eval_args: Handed to `tuner_fn`.
        tune_args: `num_parallel_trials` is the number of workers. Unset, there is one per core, as far as memory
            reaches; a `tuner_fn` on a machine with a GPU gets one in all.
        custom_config: Handed to `tuner_fn`.

    Raises:
        ConfigError: None or several of `task`, `tuner_fn` and `module_file` are given, not one of `examples` and
            `training_data`, an argument that only the other way of searching has, or a hypermodel without a task,
            with a family, or by no module path; `sensitive` without `raw_examples` or these without it; or a gap
            without both.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel | None = None,
        transform_graph: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        base_model: types.BaseChannel | None = None,
        *,
        training_data: types.BaseChannel | None = None,
        task: TaskSpec | None = None,
        hypermodel: str | None = None,
        search: SearchOptions | None = None,
        raw_examples: types.BaseChannel | None = None,
        sensitive: Sequence[Sequence[str]] = (),
        min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
        reweigh: Sequence[str] = (),
        cuts: Cuts | None = None,
        tuner_fn: str | None = None,
        module_file: str | None = None,
        train_args: trainer_pb2.TrainArgs | None = None,
        eval_args: trainer_pb2.EvalArgs | None = None,
        tune_args: tuner_pb2.TuneArgs | None = None,
        custom_config: dict[str, Any] | None = None,
    ) -> None:
        problems = _problems(task, search, tuner_fn, module_file, (train_args, eval_args, custom_config), tune_args)
        problems += _hypermodel_problems(hypermodel, task, search)
        problems += source_problems(examples, training_data) if task else _stock_problems(examples, training_data)
        if problems:
            raise ConfigError(problems)
        stock = {"tuner_fn": tuner_fn, "module_file": module_file}
        arguments = {
            "examples": examples,
            "training_data": training_data,
            "transform_graph": transform_graph,
            "raw_examples": raw_examples,
            "groups": _groups(
                None if hypermodel else task, search, raw_examples, sensitive, min_slice_size, reweigh, cuts
            ),
            "schema": schema,
            "base_model": base_model,
            "tune_args": tune_args,
            "hypermodel": hypermodel,
            **(_of_a_task(task, search) if task else _of_a_tuner_fn(stock, train_args, eval_args, custom_config)),
            **_results(),
        }
        # TFX takes an absent argument, but not None, for an optional parameter.
        super().__init__(TunerSpec(**{name: value for name, value in arguments.items() if value is not None}))
        if module_file and udf_utils.should_package_user_modules():
            udf_utils.add_user_module_dependency(self, *_MODULE_KEYS)


def _results() -> dict[str, Any]:
    return {
        "best_hyperparameters": types.Channel(type=standard_artifacts.HyperParameters),
        "tuner_results": types.Channel(type=standard_artifacts.TunerResults),
    }


def _of_a_task(task: TaskSpec, search: SearchOptions | None) -> dict[str, Any]:
    return {
        "task": task.to_json(),
        "search": (search or SearchOptions()).to_json(),
        "best_model": types.Channel(type=standard_artifacts.Model),
    }


def _of_a_tuner_fn(
    named: dict[str, str | None],
    train_args: trainer_pb2.TrainArgs | None,
    eval_args: trainer_pb2.EvalArgs | None,
    custom_config: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        **named,
        "train_args": train_args or trainer_pb2.TrainArgs(),
        "eval_args": eval_args or trainer_pb2.EvalArgs(),
        "custom_config": None if custom_config is None else json_utils.dumps(custom_config),
    }


def _groups(
    task: TaskSpec | None,
    search: SearchOptions | None,
    raw_examples: types.BaseChannel | None,
    sensitive: Sequence[Sequence[str]],
    min_slice_size: int,
    reweigh: Sequence[str],
    cuts: Cuts | None,
) -> str | None:
    """Returns the groups of sensitive features as an execution property; None without any."""
    if task is not None:
        groups = check_groups(task, raw_examples is not None, sensitive, min_slice_size, reweigh, cuts)
        options = search or SearchOptions()
        check_gaps(task, options.objective, options.constraints, groups)
        return groups.to_json() if sensitive else None
    problems = []
    if sensitive or cuts or raw_examples is not None:
        problems.append(
            "sensitive, cuts and raw_examples are for a model family (task); a hypermodel and a tuner_fn have metrics"
            " of their own."
        )
    if reweigh:
        problems.append(
            f"reweigh is for a model family (task), got {tuple(reweigh)!r}; a hypermodel and a tuner_fn are trained by"
            " code of their own, which knows of no weights."
        )
    if problems:
        raise ConfigError(problems)
    return None


def _problems(
    task: TaskSpec | None,
    search: SearchOptions | None,
    tuner_fn: str | None,
    module_file: str | None,
    stock_arguments: tuple[object, ...],
    tune_args: tuner_pb2.TuneArgs | None,
) -> list[str]:
    problems = []
    if sum(given is not None for given in (task, tuner_fn, module_file)) != 1:
        problems.append(
            "Tuner needs one of task (a model family or a hypermodel is searched), tuner_fn and module_file (a stock"
            " tuner_fn is run);"
            f" got task={task!r}, tuner_fn={tuner_fn!r}, module_file={module_file!r}."
        )
    if task is not None and search is not None:
        problems += threshold_problems(task.kind, search.threshold)
    if task is not None and any(argument is not None for argument in stock_arguments):
        problems.append("train_args, eval_args and custom_config are for a tuner_fn; with a task, use search.")
    if task is None and search is not None:
        problems.append(
            "search is for a model family or a hypermodel (task); a tuner_fn brings a tuner with options of its own."
        )
    if tune_args is not None and (parallel := tune_args.num_parallel_trials) < 0:
        problems.append(f"tune_args.num_parallel_trials: expected 1 or more, or 0 for the default, got {parallel}.")
    return problems


def _stock_problems(examples: types.BaseChannel | None, training_data: types.BaseChannel | None) -> list[str]:
    if examples is not None and training_data is None:
        return []
    return [
        "A stock tuner_fn reads transformed examples itself: give examples (of our Transform with materialize=True, or"
        " of the stock one), not training_data."
    ]


def _hypermodel_problems(hypermodel: str | None, task: TaskSpec | None, search: SearchOptions | None) -> list[str]:
    if hypermodel is None:
        return []
    problems = []
    if task is None:
        problems.append(f"hypermodel {hypermodel!r} needs a task, which says what is to be predicted.")
    if search is not None and search.families:
        problems.append(
            f"Tuner searches a hypermodel or families, not both: leave out families={', '.join(search.families)}."
        )
    if search is not None and search.steps_per_epoch is not None:
        problems.append("steps_per_epoch is for model families; a hypermodel's own fit says what an epoch is.")
    if search is not None and search.folds is not None:
        problems.append("folds is for model families; a hypermodel is judged on the eval split.")
    if search is not None and search.ensemble > 1:
        problems.append("ensemble is for model families; of a hypermodel the best trial is taken.")
    if search is not None and search.threshold != DECISION_THRESHOLD:
        problems.append("threshold is for model families; a hypermodel's metrics are compiled into it.")
    if not is_module_path(hypermodel):
        problems.append(f"hypermodel: expected my.module:name or my.module.name, got {hypermodel!r}.")
    return problems
