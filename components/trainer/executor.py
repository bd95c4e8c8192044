"""The executor of Trainer: unpacks artifacts, trains or loads, exports."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from tfx_automl import console
from tfx_automl.components.data import training_data, without_nan
from tfx_automl.components.groups import with_groups
from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData
from tfx_automl.models.export import export
from tfx_automl.models.families import start_model
from tfx_automl.models.fitting import fit
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.measures import objectives_of
from tfx_automl.models.model import Model, Workplace
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.parameters import Point

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Trains the final model."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Trains or reuses a model, and exports it; see `Trainer` for the parameters."""
        task = TaskSpec.from_json(exec_properties["task"])
        graph = input_dict["transform_graph"]
        own = Path(self._get_tmp_dir()) / "arrays"
        data = training_data(input_dict, task, own)
        if groups := exec_properties.get("groups"):
            data = with_groups(data, GroupSpec.from_json(groups), input_dict, own)
        if exec_properties["mode"] == "reuse":
            session, history = _reuse(data, Path(artifact_utils.get_single_uri(input_dict["base_model"])))
        else:
            session, history = _retrain(data, read_point(input_dict["hyperparameters"]), exec_properties)
        run = Path(artifact_utils.get_single_uri(output_dict["model_run"]))
        run.mkdir(parents=True, exist_ok=True)
        (run / "history.json").write_text(json.dumps(without_nan(history)), encoding="utf-8")
        folder = path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["model"]))
        export(session.graph(), data, artifact_utils.get_single_uri(graph), Path(folder))


def read_point(hyperparameters: list[types.Artifact]) -> Point:
    """Returns the values of a `HyperParameters` artifact, as any Tuner writes it.

    Raises:
        ModelError: There is no family among them: they are of somebody's own model.
    """
    path = Path(artifact_utils.get_single_uri(hyperparameters)) / "best_hyperparameters.txt"
    values: Point = json.loads(path.read_text(encoding="utf-8"))["values"]
    return _of_a_family(values, path)


def _of_a_family(values: Point, path: Path) -> Point:
    if "family" not in values:
        raise ModelError(
            f"{path} has no hyperparameter 'family'; this Trainer trains what our Tuner found for a model family."
            " For a model of your own, use the stock Trainer."
        )
    return values


def _reuse(data: TrainingData, folder: Path) -> tuple[Model, list[dict[str, Any]]]:
    path = folder / "hyperparameters.json"
    if not path.is_file():
        raise ModelError(f"{folder} is no best_model of our Tuner: it lacks {path.name}.")
    values = _of_a_family(json.loads(path.read_text(encoding="utf-8"))["values"], path)
    session = start_model(values, 0, Workplace(data))
    session.load(folder)
    console.line(f"  the search's best model as it is, after {session.epoch} epochs")
    return session, []


def _retrain(
    data: TrainingData, values: Point, exec_properties: Mapping[str, Any]
) -> tuple[Model, list[dict[str, Any]]]:
    constraints = json.loads(exec_properties["constraints"])
    objectives = objectives_of(data.task, exec_properties.get("objective"), constraints, data.groups.sensitive)
    objective = objectives.first
    workplace = Workplace(data, objectives.metrics, steps=exec_properties.get("steps_per_epoch"))
    workplace.gaps.check()
    limit, patience = exec_properties["max_epochs"], exec_properties["patience"]

    def tell(epoch: int, metrics: Mapping[str, float]) -> None:
        score = objective.score(metrics)
        console.line(f"  epoch {epoch}/{limit}  loss {metrics['loss']:.4f}  {objective.metric} {score:.4f}")

    session = start_model(values, exec_properties["seed"], workplace)
    history = fit(session, objectives, limit, patience, tell)
    best = max((entry for entry in history if entry["best"]), key=lambda entry: entry["epoch"], default={"epoch": 0})
    broken = [str(bound) for bound in objectives.constraints if best["epoch"] and bound.violation(best)]
    note = f", although it breaks {', '.join(broken)}; no epoch keeps to all constraints" if broken else ""
    console.line(f"  kept the weights of epoch {best['epoch']}{note}")
    return session, history
