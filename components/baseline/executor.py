"""The Baseline's executor: unpacks artifacts and calls plain functions."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfx_automl import console
from tfx_automl.models.task import TaskSpec

BASELINE_JSON = "baseline.json"

_Artifacts = dict[str, list[Any]]


class Executor(base_executor.BaseExecutor):
    """Fits trivial and linear predictors and writes their metrics."""

    def Do(self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]) -> None:
        """Fits and measures.

        Args:
            input_dict: `training_data`, or `examples` (transformed) and `transform_graph`.
            output_dict: `baseline`.
            exec_properties: `task` as JSON, `seed` and, optionally, `split`.

        Raises:
            ModelError: The examples have no train or eval split or not the one to measure on, no rows, or unusable
                labels.
        """
        # Imported here so that building a pipeline, which imports this class, does not load scikit-learn.
        from tfx_automl.components.data import training_data, without_nan
        from tfx_automl.models.baseline import fit_baselines

        self._log_startup(input_dict, output_dict, exec_properties)
        task = TaskSpec.from_json(exec_properties["task"])
        with tempfile.TemporaryDirectory(prefix="baseline-") as folder:
            data = training_data(input_dict, task, Path(folder) / "data")
            split = exec_properties.get("split") or ("test" if "test" in data.splits else "eval")
            measured = fit_baselines(data, split, exec_properties["seed"])
        baseline = without_nan({name: _evaluator_names(value) for name, value in measured.items()} | {"split": split})
        path = os.path.join(artifact_utils.get_single_uri(output_dict["baseline"]), BASELINE_JSON)
        io_utils.write_string_file(path, json.dumps(baseline, indent=2, allow_nan=False) + "\n")
        console.line(f"  measured on {split}: {', '.join(name for name in measured if name != 'rows_used')}")


def _evaluator_names(value: Any) -> Any:
    """Renames what training calls `recall` to what the Evaluator calls it."""
    if not isinstance(value, Mapping):
        return value
    return {"tpr" if name == "recall" else name: number for name, number in value.items()}
