"""The component Trainer."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from tfx_automl.components.data import source_problems
from tfx_automl.components.sensitive import check_gaps, check_groups
from tfx_automl.components.trainer import executor
from tfx_automl.components.trainer.options import TrainOptions
from tfx_automl.components.types import TrainingArrays
from tfx_automl.errors import ConfigError, require
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.group_thresholds import parity_problems
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE, GroupSpec
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.thresholds import threshold_problems

_TRAINING = ("retrain", "retrain_all", "continue")
_FROM_VALUES = ("retrain", "retrain_all")


class TrainerSpec(types.ComponentSpec):
    """The stock TrainerSpec, with a task and how to train for it."""

    PARAMETERS = {
        **standard_component_specs.TrainerSpec.PARAMETERS,
        "train_args": ExecutionParameter(type=trainer_pb2.TrainArgs, optional=True),
        "eval_args": ExecutionParameter(type=trainer_pb2.EvalArgs, optional=True),
        "task": ExecutionParameter(type=str, optional=True),
        "mode": ExecutionParameter(type=str, optional=True),
        "max_epochs": ExecutionParameter(type=int, optional=True),
        "steps_per_epoch": ExecutionParameter(type=int, optional=True),
        "patience": ExecutionParameter(type=int, optional=True),
        "objective": ExecutionParameter(type=str, optional=True),
        "constraints": ExecutionParameter(type=str, optional=True),
        "threshold": ExecutionParameter(type=str, optional=True),
        "group_thresholds": ExecutionParameter(type=str, optional=True),
        "distribution": ExecutionParameter(type=str, optional=True),
        "groups": ExecutionParameter(type=str, optional=True),
        "seed": ExecutionParameter(type=int, optional=True),
    }
    INPUTS = {
        **standard_component_specs.TrainerSpec.INPUTS,
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "training_data": ChannelParameter(type=TrainingArrays, optional=True),
        "raw_examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS = standard_component_specs.TrainerSpec.OUTPUTS


class Trainer(base_component.BaseComponent):
    """Trains the final model.

    Of a model family (`task` given), with the hyperparameters that a Tuner found: a training that was killed goes on
    after its last epoch. Or runs a stock TFX `run_fn` (`run_fn` or `module_file` given), unchanged, as the stock
    Trainer does.

    Outputs:
        model: `Model` in the layout of the stock Trainer (`Format-Serving`), with the signatures `serving_default`,
            `serving_raw` and `transform_features`, and `model_card.json`: data, task, features, hyperparameters,
            metrics, sizes. Or what the `run_fn` writes.
        model_run: `ModelRun` with `history.json`, the metrics of every epoch, and the same for TensorBoard. Entries
            with `in_sample` are of a model that is trained on the eval split, too, so that they are no estimate.

    Args:
        examples: Transformed `Examples` with the splits `train` and `eval`, of any Transform; needed for a `run_fn`.
        transform_graph: The `TransformGraph` that made them.
        hyperparameters: `best_hyperparameters` of a Tuner; for `retrain` and `retrain_all`. Handed to `run_fn`.
        base_model: `best_model` of our Tuner; for `reuse` and `continue`. Handed to `run_fn`.
        schema: The raw `Schema`; handed to `run_fn`.
        training_data: The output `training_data` of our Transform, instead of `examples`: it is read in place.
        task: What is to be predicted; trains a model of a family.
        mode: `retrain` trains from scratch on the train split and keeps the epoch that was best on the eval split.
            `retrain_all` trains from scratch on train and eval, for as many epochs as the search found best; where
            the hyperparameters do not come with that number, a `retrain` finds it first. With more rows the number
            of epochs stays. What is measured on the eval split then is in-sample. `continue` trains the base model
            on, with `retrain`'s stopping; as it came, it may stay the best. `reuse` exports it as it is.
        max_epochs: The most epochs of a training; of `continue`, the most further ones.
        steps_per_epoch: As for the Tuner.
        patience: `retrain` and `continue` stop after so many epochs without progress on the eval split.
        objective: Metric that tells progress, such as `val_auc`; None takes the task's own. Of several, separated
            by commas as for the Tuner, the first.
        constraints: Bounds as for the Tuner: an epoch within all of them is better than any that is not.
        threshold: Of a binary task: the exported `classes` are positive from this probability on. A number, or
            `f1`, `balanced_accuracy` or `accuracy`: the one that is best by this on the eval split; `retrain_all`
            first trains a model on the train split alone to choose it.
        group_thresholds: `demographic_parity`, `equal_opportunity`, `predictive_equality` or `equalized_odds`, with one
            of the sensitive groups in brackets behind (`demographic_parity[sex]`; it may be left out where there is a
            single one): every slice of the group gets a threshold of its own, so that this holds on the eval split, at
            the best `threshold` metric (accuracy for a number). The exported model then needs the group of a row.
        distribution: `none`; `mirrored` shares every batch out to all GPUs of the machine or, without any, all
            (virtual) CPU devices; `multi_worker` to the processes that `TF_CONFIG` names, of which the chief
            writes. For networks. The batch stays as large as it is.
        raw_examples: As for the Tuner, if a constraint or the objective is a fairness gap, or thresholds are by group.
        sensitive: As for the Tuner.
        min_slice_size: As for the Tuner.
        cuts: As for the Tuner.
        reweigh: As for the Tuner. A model with the same hyperparameters is also trained without weights, and what
            the two do on the eval split stands in the model card. `reuse` and `continue` need a base model of a
            Tuner with the same.
        seed: Where all randomness starts.
        run_fn: Module path of a stock `run_fn`, such as `my.module.run_fn`.
        module_file: A file with a stock `run_fn`.
        train_args: Handed to `run_fn`.
        eval_args: Handed to `run_fn`.
        custom_config: Handed to `run_fn`.

    Raises:
        ConfigError: A value is out of range, the mode lacks its input, or arguments of a task and of a `run_fn`
            are mixed.
    """

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel | None = None,
        transform_graph: types.BaseChannel | None = None,
        hyperparameters: types.BaseChannel | None = None,
        base_model: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        *,
        training_data: types.BaseChannel | None = None,
        task: TaskSpec | None = None,
        mode: str = "retrain",
        max_epochs: int = 30,
        steps_per_epoch: int | None = None,
        patience: int = 5,
        objective: str | None = None,
        constraints: Sequence[str] = (),
        threshold: float | str = DECISION_THRESHOLD,
        group_thresholds: str | None = None,
        distribution: str = "none",
        raw_examples: types.BaseChannel | None = None,
        sensitive: Sequence[Sequence[str]] = (),
        min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
        cuts: Cuts | None = None,
        reweigh: Sequence[str] = (),
        seed: int = 0,
        run_fn: str | None = None,
        module_file: str | None = None,
        train_args: trainer_pb2.TrainArgs | None = None,
        eval_args: trainer_pb2.EvalArgs | None = None,
        custom_config: dict[str, Any] | None = None,
    ) -> None:
        options = TrainOptions(
            mode=mode,
            max_epochs=max_epochs,
            steps_per_epoch=steps_per_epoch,
            patience=patience,
            objective=objective,
            constraints=tuple(constraints),
            threshold=threshold,
            group_thresholds=group_thresholds,
            distribution=distribution,
            seed=seed,
        )
        stock = {"train_args": train_args, "eval_args": eval_args, "custom_config": custom_config}
        _check_what_is_run(task, run_fn, module_file, tuple(stock.values()))
        channels = {"hyperparameters": hyperparameters, "base_model": base_model, "transform_graph": transform_graph}
        if task is None:
            others = {"raw_examples": raw_examples, "sensitive": sensitive, "cuts": cuts, "reweigh": reweigh}
            _check_nothing_else(options, others)
            require((examples is not None and training_data is None, "A run_fn needs the input examples."))
            own = {"schema": schema, "run_fn": run_fn, "module_file": module_file, **_of_a_run_fn(**stock)}
        else:
            require(*((False, problem) for problem in source_problems(examples, training_data)))
            _check_mode(options, task, channels)
            groups = check_groups(task, raw_examples is not None, sensitive, min_slice_size, reweigh, cuts)
            own = _of_a_task(task, options, raw_examples, groups)
        arguments = {
            "examples": examples,
            "training_data": training_data,
            **channels,
            **own,
            "model": types.Channel(type=standard_artifacts.Model),
            "model_run": types.Channel(type=standard_artifacts.ModelRun),
        }
        # TFX takes an absent argument, but not None, for an optional parameter.
        super().__init__(spec=TrainerSpec(**{name: value for name, value in arguments.items() if value is not None}))
        if module_file and udf_utils.should_package_user_modules():
            udf_utils.add_user_module_dependency(
                self, standard_component_specs.MODULE_FILE_KEY, standard_component_specs.MODULE_PATH_KEY
            )


def _of_a_run_fn(train_args: Any, eval_args: Any, custom_config: Any) -> dict[str, Any]:
    return {
        "train_args": train_args or trainer_pb2.TrainArgs(),
        "eval_args": eval_args or trainer_pb2.EvalArgs(),
        "custom_config": None if custom_config is None else json_utils.dumps(custom_config),
    }


def _of_a_task(
    task: TaskSpec,
    options: TrainOptions,
    raw_examples: types.BaseChannel | None,
    groups: GroupSpec,
) -> dict[str, Any]:
    """Returns the inputs and parameters of a training; an input that the mode has no use for is None."""
    check_gaps(task, options.objective, options.constraints, groups)
    problems = parity_problems(options.group_thresholds, task.kind, groups.sensitive)
    require(*((False, problem) for problem in problems))
    needed = options.mode in _TRAINING or options.group_thresholds is not None
    measured = bool(groups.reweigh) or (needed and bool(groups.sensitive))
    unused = "base_model" if options.mode in _FROM_VALUES else "hyperparameters"
    properties = options.to_properties()
    if options.mode not in _TRAINING:
        properties.pop("steps_per_epoch", None)
    return {
        "task": task.to_json(),
        **properties,
        "groups": groups.to_json() if measured else None,
        "raw_examples": raw_examples if measured else None,
        unused: None,
    }


def _check_mode(options: TrainOptions, task: TaskSpec, channels: dict[str, Any]) -> None:
    require(*((False, problem) for problem in threshold_problems(task.kind, options.threshold)))
    mode, from_values = options.mode, options.mode in _FROM_VALUES
    require(
        (channels["transform_graph"] is not None, "A task needs the input transform_graph, which made the examples."),
        (not from_values or channels["hyperparameters"] is not None, f"mode {mode} needs the input hyperparameters."),
        (
            from_values or channels["base_model"] is not None,
            f"mode {mode} needs the input base_model: our Tuner's best_model.",
        ),
        (
            mode in _TRAINING or options.distribution == "none",
            f"distribution: mode {mode} trains nothing; got {options.distribution!r}, so leave it out.",
        ),
    )


def _check_what_is_run(
    task: TaskSpec | None, run_fn: str | None, module_file: str | None, stock_arguments: tuple[object, ...]
) -> None:
    problems = []
    if sum(given is not None for given in (task, run_fn, module_file)) != 1:
        problems.append(
            "Trainer needs one of task (a model family is trained), run_fn and module_file (a stock run_fn is run);"
            f" got task={task!r}, run_fn={run_fn!r}, module_file={module_file!r}."
        )
    if task is not None and any(argument is not None for argument in stock_arguments):
        problems.append("train_args, eval_args and custom_config are for a run_fn; a task has options of its own.")
    if problems:
        raise ConfigError(problems)


def _check_nothing_else(options: TrainOptions, others: Mapping[str, object]) -> None:
    """Refuses, beside a `run_fn`, what only a training of ours takes notice of."""
    default = vars(TrainOptions())
    given = [name for name, value in vars(options).items() if value != default[name]]
    given += [name for name, value in others.items() if value]
    require((not given, f"{', '.join(given)}: for a model family (task); a run_fn takes custom_config instead."))
