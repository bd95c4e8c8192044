"""The executor of Tuner: unpacks artifacts and calls the search."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.proto import tuner_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from tfx_automl.components.data import training_data
from tfx_automl.components.tuner import native, results
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.components.tuner.stock import search as stock_search
from tfx_automl.models.task import TaskSpec

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Searches hyperparameters."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Searches a model family if there is a task, else runs the `tuner_fn`."""
        folders = {key: Path(artifact_utils.get_single_uri(value)) for key, value in output_dict.items()}
        if exec_properties.get("task"):
            self._search_family(input_dict, exec_properties, folders)
            return
        found = stock_search.run_tuner_fn(input_dict, exec_properties, self._lasting_folder())
        results.write_best(found.best, folders["best_hyperparameters"])
        results.write_results(found.records, folders["tuner_results"])
        results.write_keras_tuner_trials(found.details, folders["tuner_results"])
        shutil.rmtree(found.folder)

    def _search_family(self, input_dict: Artifacts, exec_properties: dict[str, Any], folders: dict[str, Path]) -> None:
        task = TaskSpec.from_json(exec_properties["task"])
        options = _with_tune_args(SearchOptions.from_json(exec_properties["search"]), exec_properties)
        identity = ",".join(artifact.uri for artifact in input_dict["examples"])
        # Another task on the same examples has other labels, so its arrays lie elsewhere.
        name = hashlib.sha256(f"{identity}\n{task.to_json()}".encode()).hexdigest()[:16]
        folder = self._lasting_folder() / name
        data = training_data(input_dict["examples"], input_dict.get("transform_graph"), task, folder / "arrays")
        result, space, objective = native.search_family(data, options, folder, identity)
        plan = native.scheduler_of(options).describe()
        results.write_search(result, space, objective, plan, folders)
        native.copy_best(result, folders["best_model"])
        shutil.rmtree(folder)

    def _lasting_folder(self) -> Path:
        """Returns a folder in which an interrupted search is found again.

        TFX gives every execution a stateful folder of its own, also when a run is repeated after it was killed; the
        folder above belongs to the node.
        """
        if self._context is None or not self._context.stateful_working_dir:
            return Path(self._get_tmp_dir())
        return Path(self._context.stateful_working_dir).parent / "searches"


def _with_tune_args(options: SearchOptions, exec_properties: dict[str, Any]) -> SearchOptions:
    """The stock `TuneArgs` give the number of workers, unless the options do."""
    text = exec_properties.get("tune_args")
    if not text or options.workers is not None:
        return options
    args = tuner_pb2.TuneArgs()
    proto_utils.json_to_proto(text, args)
    return options.with_workers(args.num_parallel_trials or None)
