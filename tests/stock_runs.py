"""Runs the executor of Tuner on `stock_module.py`; as a script, for a test that kills it."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

MODULE = Path(__file__).parent / "components" / "tuner" / "stock_module.py"


def run_stock_tuner(folder: Path, config: dict[str, Any], workers: int) -> SimpleNamespace:
    """Runs it and returns what its outputs say."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.tuner.executor import Executor

    def artifact(kind, name, splits=None):
        made = kind()
        made.uri = str(folder / name)
        if splits:
            made.split_names = json.dumps(splits)
        return [made]

    context = base_beam_executor.BaseBeamExecutor.Context(
        tmp_dir=str(folder / "tmp"), unique_id="1", stateful_working_dir=str(folder / "state" / "1")
    )
    (folder / "tmp").mkdir(exist_ok=True)
    outputs = {
        "best_hyperparameters": artifact(standard_artifacts.HyperParameters, "best"),
        "tuner_results": artifact(standard_artifacts.TunerResults, "results"),
    }
    properties = {
        "module_file": str(MODULE),
        "train_args": "{}",
        "eval_args": "{}",
        "custom_config": json.dumps({**config, "log": str(folder / "log")}),
        "tune_args": json.dumps({"num_parallel_trials": workers}),
    }
    examples = artifact(standard_artifacts.Examples, "examples", ["train", "eval"])
    Executor(context).Do({"examples": examples}, outputs, properties)
    return SimpleNamespace(
        best=json.loads((folder / "best" / "best_hyperparameters.txt").read_text()),
        records=json.loads((folder / "results" / "tuner_results.json").read_text()),
        details=json.loads((folder / "results" / "trials.json").read_text()),
        left_behind=list((folder / "state" / "searches").iterdir()),
    )


if __name__ == "__main__":
    run_stock_tuner(Path(sys.argv[1]), json.loads(sys.argv[2]), workers=2)
