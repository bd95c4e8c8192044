"""The component Trainer."""

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from tfx_automl.components.data import source_problems
from tfx_automl.components.sensitive import check_gaps, check_groups
from tfx_automl.components.trainer import executor
from tfx_automl.components.types import TrainingArrays
from tfx_automl.errors import require
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE
from tfx_automl.models.task import TaskSpec

MODES = ("retrain", "reuse")


class TrainerSpec(types.ComponentSpec):
    """Inputs, outputs and parameters of Trainer."""

    PARAMETERS = {
        "task": ExecutionParameter(type=str),
        "mode": ExecutionParameter(type=str),
        "max_epochs": ExecutionParameter(type=int),
        "steps_per_epoch": ExecutionParameter(type=int, optional=True),
        "patience": ExecutionParameter(type=int),
        "objective": ExecutionParameter(type=str, optional=True),
        "constraints": ExecutionParameter(type=str),
        "groups": ExecutionParameter(type=str, optional=True),
        "seed": ExecutionParameter(type=int),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "training_data": ChannelParameter(type=TrainingArrays, optional=True),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "hyperparameters": ChannelParameter(type=standard_artifacts.HyperParameters, optional=True),
        "base_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "raw_examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }


class Trainer(base_component.BaseComponent):
    """Trains a model of a family with given hyperparameters, and exports it with its Transform graph.

    Outputs:
        model: `Model` in the layout of the stock Trainer (`Format-Serving`), with the signatures `serving_default`,
            `serving_raw` and `transform_features`.
        model_run: `ModelRun` with `history.json`: the metrics of every epoch.
    """

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel | None = None,
        transform_graph: types.BaseChannel | None = None,
        hyperparameters: types.BaseChannel | None = None,
        base_model: types.BaseChannel | None = None,
        *,
        training_data: types.BaseChannel | None = None,
        task: TaskSpec,
        mode: str = "retrain",
        max_epochs: int = 30,
        steps_per_epoch: int | None = None,
        patience: int = 5,
        objective: str | None = None,
        constraints: Sequence[str] = (),
        raw_examples: types.BaseChannel | None = None,
        sensitive: Sequence[Sequence[str]] = (),
        min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
        seed: int = 0,
    ) -> None:
        """Constructs the component.

        Args:
            examples: Transformed `Examples` with the splits `train` and `eval`, of any Transform.
            transform_graph: The `TransformGraph` that made them; required.
            hyperparameters: `best_hyperparameters` of a Tuner; for `retrain`.
            base_model: `best_model` of our Tuner; for `reuse`.
            training_data: The output `training_data` of our Transform, instead of `examples`: it is read in place.
            task: What is to be predicted.
            mode: `retrain` trains from scratch on the train split and keeps the epoch that was best on the eval split;
                `reuse` exports the base model as it is.
            max_epochs: The most epochs of `retrain`.
            steps_per_epoch: As for the Tuner.
            patience: `retrain` stops after so many epochs without progress on the eval split.
            objective: Metric that tells progress, such as `val_auc`; None takes the task's own. Of several, separated
                by commas as for the Tuner, the first.
            constraints: Bounds as for the Tuner: an epoch within all of them is better than any that is not.
            raw_examples: As for the Tuner, if a constraint or the objective is a fairness gap.
            sensitive: As for the Tuner.
            min_slice_size: As for the Tuner.
            seed: Where all randomness starts.

        Raises:
            ConfigError: A value is out of range, or the mode lacks its input.
        """
        numbers = {"max_epochs": max_epochs, "patience": patience, "steps_per_epoch": steps_per_epoch}
        require(
            *((False, problem) for problem in source_problems(examples, training_data)),
            (transform_graph is not None, "Trainer needs the input transform_graph: it goes into the exported model."),
            *_of_the_mode(mode, hyperparameters, base_model),
            *((n is None or n >= 1, f"{name}: expected 1 or more, got {n}.") for name, n in numbers.items()),
            (seed >= 0, f"seed: expected 0 or more, got {seed}."),
        )
        groups = check_groups(task, raw_examples is not None, sensitive, min_slice_size)
        check_gaps(task, objective, constraints, groups)
        measured = mode == "retrain" and bool(sensitive)
        arguments = {
            "examples": examples,
            "training_data": training_data,
            "transform_graph": transform_graph,
            "hyperparameters": hyperparameters if mode == "retrain" else None,
            "base_model": base_model if mode == "reuse" else None,
            "task": task.to_json(),
            "mode": mode,
            "max_epochs": max_epochs,
            "steps_per_epoch": steps_per_epoch if mode == "retrain" else None,
            "patience": patience,
            "objective": objective,
            "constraints": json.dumps(tuple(constraints)),
            "groups": groups.to_json() if measured else None,
            "raw_examples": raw_examples if measured else None,
            "seed": seed,
            "model": types.Channel(type=standard_artifacts.Model),
            "model_run": types.Channel(type=standard_artifacts.ModelRun),
        }
        # TFX takes an absent argument, but not None, for an optional parameter.
        spec = TrainerSpec(**{name: value for name, value in arguments.items() if value is not None})
        super().__init__(spec=spec)


def _of_the_mode(
    mode: str, hyperparameters: types.BaseChannel | None, base_model: types.BaseChannel | None
) -> tuple[tuple[bool, str], ...]:
    """Returns what must hold of the mode, each with its message."""
    return (
        (mode in MODES, f"mode: expected one of {', '.join(MODES)}, got {mode!r}."),
        (mode != "retrain" or hyperparameters is not None, "mode retrain needs the input hyperparameters."),
        (mode != "reuse" or base_model is not None, "mode reuse needs the input base_model: our Tuner's best_model."),
    )
