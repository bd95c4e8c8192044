"""The executor of Trainer: unpacks artifacts, trains or loads, exports."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from tfx_automl import console
from tfx_automl.components import tensorboard
from tfx_automl.components.data import training_data, without_nan
from tfx_automl.components.groups import with_groups
from tfx_automl.components.lasting import lasting_folder
from tfx_automl.components.model_card import write_card
from tfx_automl.components.trainer.card import card_of
from tfx_automl.components.trainer.course import Course, Trained
from tfx_automl.components.trainer.decision import decide
from tfx_automl.components.trainer.found import Found, read_found
from tfx_automl.components.trainer.group_rows import GroupRows, read_group_rows
from tfx_automl.components.trainer.modes import train_as
from tfx_automl.components.trainer.options import TrainOptions
from tfx_automl.components.trainer.reference import Reference, check_base, train_reference
from tfx_automl.models.data import TrainingData
from tfx_automl.models.distribution import is_chief, make_strategy
from tfx_automl.models.export import export
from tfx_automl.models.group_thresholds import read_parity
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Trains the final model."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Trains or reuses a model of a family if there is a task, else runs the `run_fn` as the stock Trainer does."""
        if not exec_properties.get("task"):
            GenericExecutor(self._context).Do(input_dict, output_dict, exec_properties)
            return
        options = TrainOptions.from_properties(exec_properties)
        strategy = make_strategy(options.distribution)  # before TensorFlow is used for anything
        lasting = lasting_folder(self._context, self._get_tmp_dir(), "trainings")
        arrays = lasting if is_chief(strategy) else Path(self._get_tmp_dir()) / "arrays"
        data = _read_data(input_dict, exec_properties, arrays)
        rows = _group_rows(data, options, input_dict)
        course = Course(data, options, lasting, strategy)
        found = read_found(input_dict, options.mode)
        check_base(course, found)
        trained = train_as(options.mode, course, found)
        other = train_reference(course, found, trained)
        if is_chief(strategy):
            _write(course, found, trained, other, rows, input_dict, output_dict)
            # Its checkpoints, and those of runs that were killed and never repeated, are of no use any more.
            shutil.rmtree(lasting)


def _read_data(input_dict: Artifacts, exec_properties: dict[str, Any], folder: Path) -> TrainingData:
    task = TaskSpec.from_json(exec_properties["task"])
    groups = GroupSpec.from_json(exec_properties.get("groups") or GroupSpec().to_json())
    sources = (input_dict.get(key) or [] for key in ("examples", "training_data", "raw_examples"))
    uris = (artifact.uri for artifacts in sources for artifact in artifacts)
    identity = "\n".join([*uris, task.to_json(), groups.to_json()])
    arrays = folder / f"arrays-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    return with_groups(training_data(input_dict, task, arrays), groups, input_dict, arrays)


def _group_rows(data: TrainingData, options: TrainOptions, input_dict: Artifacts) -> GroupRows | None:
    """Reads the groups that have thresholds of their own; before the training, so that they are refused before it."""
    if options.group_thresholds is None:
        return None
    parity = read_parity(options.group_thresholds, data.task.kind, data.groups.sensitive)
    return read_group_rows(data, parity, input_dict)


def _write(
    course: Course,
    found: Found,
    trained: Trained,
    other: Trained | None,
    rows: GroupRows | None,
    input_dict: Artifacts,
    output_dict: Artifacts,
) -> None:
    graph = artifact_utils.get_single_uri(input_dict["transform_graph"])
    model = artifact_utils.get_single_uri(output_dict["model"])
    serving = Path(path_utils.serving_model_dir(model))
    decision = decide(course, trained, rows)
    by_group = None if decision.by_group is None else decision.by_group.thresholds
    export(trained.model.graph(), course.data, graph, serving, decision.threshold, by_group)
    card = card_of(course, found, trained, decision, graph, serving)
    if other is not None:
        reference = Reference(course, trained, other, decision.threshold)
        console.line(f"  {reference.summary}")
        card["reweighing"] = without_nan(reference.to_card())
    write_card(model, card)
    _write_run(trained, Path(artifact_utils.get_single_uri(output_dict["model_run"])))


def _write_run(trained: Trained, folder: Path) -> None:
    """Writes every epoch, the search's, too, where its model was trained on; twice, the second time for TensorBoard."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = {**_runs("before", trained.before), **_runs("final", trained)}
    history = [entry for run in (trained.before, trained) if run for entry in run.history]
    (folder / "history.json").write_text(json.dumps(without_nan(history)), encoding="utf-8")
    for name, run in runs.items():
        curve = [{"epoch": r.epoch, "seconds": r.seconds, **r.metrics} for r in run.model.records]
        tensorboard.write_run(folder / tensorboard.FOLDER / name, curve, run.values)


def _runs(name: str, trained: Trained | None) -> dict[str, Trained]:
    """Returns a training by its name; those of the members of an ensemble each by its own."""
    if trained is None or not trained.members:
        return {} if trained is None else {name: trained}
    return {f"{name}-{number}": member for number, member in enumerate(trained.members)}
