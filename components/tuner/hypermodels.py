"""Searches a KerasTuner hypermodel with the engine of the model families."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tfx_automl.components.tuner.native import Plan, plan_of
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.components.tuner.workers import setup_for
from tfx_automl.models.data import TrainingData
from tfx_automl.models.hypermodel import HyperModel
from tfx_automl.models.keras_objectives import compiled_objectives
from tfx_automl.models.keras_trainable import save_model
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.tracing import trace
from tfx_automl.search.parameters import Point
from tfx_automl.search.runners.processes import WorkerSetup
from tfx_automl.search.trial import SearchResult


def plan_hypermodel(path: str, data: TrainingData, options: SearchOptions, first: Sequence[Point] = ()) -> Plan:
    """Finds out what there is to search in a hypermodel.

    Args:
        path: Its module path.
        data: The training data.
        options: How to search.
        first: Points to try first.

    Raises:
        ConfigError: An objective or constraint names a metric that the model is not compiled with.
        ModelError: The hypermodel cannot be loaded, built, or evaluated on the data.
    """
    hypermodel = HyperModel(path)
    traced = trace(hypermodel, data)
    objectives = compiled_objectives(traced.metrics, data.task, options.objective, options.constraints)
    what = f"hypermodel {path} of {len(traced.space.parameters)} hyperparameters, sees {traced.view}"
    identity = f"{path} {hypermodel.source}"
    return plan_of(what, data, options, traced.space, objectives, first=first, hypermodel=identity)


def hypermodel_setup(path: str, data_folder: Path, task: TaskSpec, options: SearchOptions) -> WorkerSetup:
    """Returns how workers that train a hypermodel are started; see `workers.worker_setup`.

    Args:
        path: Module path of the hypermodel.
        data_folder: Where `prepare` writes or has written the data.
        task: What is to be predicted.
        options: How to search.
    """
    setup = setup_for(
        "tfx_automl.models.keras_trainable:make_trainable",
        data_folder,
        options,
        hypermodel=path,
        measures=compiled_objectives(None, task, options.objective, options.constraints).metrics,
    )
    return replace(setup, imports=(*setup.imports, "keras_tuner"))


def write_model(path: str, result: SearchResult, plan: Plan, folder: Path) -> None:
    """Writes the best model as Keras saves it, beside its checkpoint.

    Args:
        path: Module path of the hypermodel.
        result: What was found.
        plan: What was searched.
        folder: Of the output `best_model`, with the checkpoint in it.
    """
    save_model(HyperModel(path), result.best.values, plan.data, folder)
