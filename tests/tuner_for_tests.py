"""Runs Tuner's executor on artifacts that lie on the disk; as a script, so that a test can kill it.

python tuner_for_tests.py '{"folder": ..., "name": ..., "examples": ..., "transform_graph": ..., "properties": {...}}'
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def mlp_search(**options: Any) -> Any:
    """Returns search options of a single family, judged on the eval split: what a test of something else needs."""
    from tfx_automl.components.tuner.options import SearchOptions

    return SearchOptions(families=("mlp",), folds=1, **options)


def run_tuner(
    folder: str,
    name: str,
    examples: str,
    transform_graph: str,
    properties: dict[str, Any],
    splits: Sequence[str] = ("train", "eval"),
    state: str = "state",
    base_model: str | None = None,
    raw_examples: str | None = None,
) -> dict[str, Any]:
    """Calls `Do` in a folder that outlives a failure, and returns what is in `trials.json`.

    Args:
        folder: For everything; the outputs are `best`, `results` and `model` in a sub-folder of the given name.
        name: Of this execution.
        examples: Folder of the transformed examples.
        transform_graph: Folder of the transform graph.
        properties: Execution properties.
        splits: Of the examples.
        state: What executions share that are to find each other's search.
        base_model: Folder of an earlier search's best model.
        raw_examples: Folder of the examples that were transformed.
    """
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.tuner.executor import Executor

    def artifact(kind, path, split_names=None):
        made = kind()
        made.uri = str(path)
        if split_names:
            made.split_names = json.dumps(list(split_names))
        return [made]

    root = Path(folder)
    (root / "tmp").mkdir(exist_ok=True)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--direct_running_mode=multi_threading", "--direct_num_workers=2"],
        tmp_dir=str(root / "tmp"),
        unique_id="1",
        stateful_working_dir=str(root / state / "1"),
    )
    outputs = {
        "best_hyperparameters": artifact(standard_artifacts.HyperParameters, root / name / "best"),
        "tuner_results": artifact(standard_artifacts.TunerResults, root / name / "results"),
        "best_model": artifact(standard_artifacts.Model, root / name / "model"),
    }
    inputs = {
        "examples": artifact(standard_artifacts.Examples, examples, splits),
        "transform_graph": artifact(standard_artifacts.TransformGraph, transform_graph),
    }
    if raw_examples:
        inputs["raw_examples"] = artifact(standard_artifacts.Examples, raw_examples, splits)
    if base_model:
        inputs["base_model"] = artifact(standard_artifacts.Model, base_model)
    Executor(context).Do(inputs, outputs, properties)
    trials: dict[str, Any] = json.loads((root / name / "results" / "trials.json").read_text(encoding="utf-8"))
    return trials


if __name__ == "__main__":
    run_tuner(**json.loads(sys.argv[1]))
