"""Runs Trainer's executor on artifacts that lie on the disk; as a script, so that a test can kill it.

python trainer_for_tests.py '{"folder": ..., "name": ..., "inputs": {...}, "properties": {...}}'
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def run_trainer(
    folder: str, name: str, inputs: Mapping[str, str], properties: dict[str, Any], state: str = "state"
) -> SimpleNamespace:
    """Calls `Do` in a folder that outlives a failure.

    Args:
        folder: For everything.
        name: Of this execution, and of the sub-folder of its outputs.
        inputs: The folder of each input artifact.
        properties: Execution properties.
        state: What executions share that are to find each other's training.

    Returns:
        The folders `model` and `run`, and what is in `history.json` and `model_card.json`.
    """
    from tfx.dsl.components.base import base_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.trainer.executor import Executor

    kinds = {
        "examples": standard_artifacts.Examples,
        "raw_examples": standard_artifacts.Examples,
        "transform_graph": standard_artifacts.TransformGraph,
        "hyperparameters": standard_artifacts.HyperParameters,
        "base_model": standard_artifacts.Model,
        "model": standard_artifacts.Model,
        "model_run": standard_artifacts.ModelRun,
    }

    def artifact(key: str, path: str) -> list[Any]:
        made = kinds[key]()
        made.uri = path
        if key.endswith("examples"):
            made.split_names = json.dumps(["train", "eval"])
        return [made]

    root = Path(folder)
    model, run = root / name / "model", root / name / "run"
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    context = base_executor.BaseExecutor.Context(
        tmp_dir=str(root / "tmp"), unique_id="1", stateful_working_dir=str(root / state / "1")
    )
    given = {key: artifact(key, path) for key, path in inputs.items()}
    Executor(context).Do(
        given, {"model": artifact("model", str(model)), "model_run": artifact("model_run", str(run))}, properties
    )
    history = _read(run / "history.json")
    return SimpleNamespace(model=model, run=run, history=history, card=_read(model / "model_card.json"))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


if __name__ == "__main__":
    run_trainer(**json.loads(sys.argv[1]))
