"""The executor of Tuner: unpacks artifacts and calls the search."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import tuner_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from tfx_automl.components.data import data_folder, training_data
from tfx_automl.components.groups import with_groups
from tfx_automl.components.lasting import lasting_folder
from tfx_automl.components.tuner import ensembles, hypermodels, native, results, workers
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.errors import ModelError
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec
from tfx_automl.search.parameters import Point
from tfx_automl.search.runners.base import TrialRunner
from tfx_automl.search.runners.processes import ProcessRunner, WorkerSetup

Artifacts = dict[str, list[types.Artifact]]

_ROWS = ("training_data", "examples", "raw_examples")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Searches hyperparameters."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Searches a model family or a hypermodel if there is a task, else runs the `tuner_fn`."""
        folders = {key: Path(artifact_utils.get_single_uri(value)) for key, value in output_dict.items()}
        if exec_properties.get("task"):
            self._search(input_dict, exec_properties, folders)
            return
        from tfx_automl.components.tuner.stock.search import run_tuner_fn  # KerasTuner takes seconds

        found = run_tuner_fn(input_dict, exec_properties, self._lasting_folder())
        results.write_best(found.best, folders["best_hyperparameters"])
        results.write_results(found.records, folders["tuner_results"])
        results.write_trials(found.details, folders["tuner_results"])
        shutil.rmtree(found.folder)

    def _search(self, input_dict: Artifacts, exec_properties: dict[str, Any], folders: dict[str, Path]) -> None:
        task = TaskSpec.from_json(exec_properties["task"])
        options = _with_tune_args(SearchOptions.from_json(exec_properties["search"]), exec_properties)
        groups = GroupSpec.from_json(exec_properties.get("groups") or GroupSpec().to_json())
        searches = self._lasting_folder()
        # Another task on the same examples has other labels, so its arrays lie elsewhere.
        uris = [artifact.uri for key in _ROWS for artifact in input_dict.get(key) or []]
        identity = "\n".join([*uris, task.to_json(), groups.to_json()])
        own = searches / f"arrays-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
        arrays = data_folder(input_dict, own, grouped=bool(groups.sensitive))
        # Workers import TensorFlow while the data is being parsed.
        hypermodel, first = exec_properties.get("hypermodel"), _points_of(input_dict.get("base_model"))
        if hypermodel:
            setup = hypermodels.hypermodel_setup(hypermodel, arrays, task, options)
        else:
            setup = workers.worker_setup(arrays, task, options, groups.sensitive)
        with self._runner(setup, options, searches) as runner:
            data = with_groups(training_data(input_dict, task, own), groups, input_dict, own)
            if hypermodel:
                plan = hypermodels.plan_hypermodel(hypermodel, data, options, first)
            else:
                plan = native.plan_search(data, options, first=first)
            result = native.run_search(plan, runner, searches)
        results.write_search(result, plan, folders, ensembles.build_ensemble(result, plan))
        if hypermodel:
            hypermodels.write_model(hypermodel, result, plan, folders["best_model"])
        # The ledger and the best checkpoints stay: with a larger budget, the search goes on.
        shutil.rmtree(own, ignore_errors=True)  # not there if the arrays are an input

    def _runner(self, setup: WorkerSetup, options: SearchOptions, searches: Path) -> TrialRunner:
        if options.runner == "processes":
            return ProcessRunner(setup, workers.workers_of(options))
        from tfx_automl.components.tuner.beam_runner import BeamRunner

        # Of this search alone: another one of the same node must not take its waves for old ones of its own.
        name = hashlib.sha256(f"{setup.arguments} {options.identity()}".encode()).hexdigest()[:16]
        return BeamRunner(setup, workers.workers_of(options), searches / f"beam-{name}", self._make_beam_pipeline)

    def _lasting_folder(self) -> Path:
        """Returns a folder in which an interrupted or finished search is found again."""
        return lasting_folder(self._context, self._get_tmp_dir(), "searches")


def _points_of(base_model: list[types.Artifact] | None) -> list[Point]:
    """Returns the hyperparameters of an earlier search's best model.

    Raises:
        ModelError: The model is no `best_model` of this Tuner.
    """
    if not base_model:
        return []
    path = Path(artifact_utils.get_single_uri(base_model)) / "hyperparameters.json"
    if not path.is_file():
        raise ModelError(
            f"base_model: {path.parent} is no best_model of this Tuner, it lacks {path.name}; give that output of an"
            " earlier search, or leave base_model out."
        )
    point: Point = json.loads(path.read_text(encoding="utf-8"))["values"]
    return [point]


def _with_tune_args(options: SearchOptions, exec_properties: dict[str, Any]) -> SearchOptions:
    """The stock `TuneArgs` give the number of workers, unless the options do."""
    text = exec_properties.get("tune_args")
    if not text or options.workers is not None:
        return options
    args = tuner_pb2.TuneArgs()
    proto_utils.json_to_proto(text, args)
    return options.with_workers(args.num_parallel_trials or None)
