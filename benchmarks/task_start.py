"""How long a task takes until it can begin, beside a task of TFX's own runner for Kubeflow.

    python benchmarks/task_start.py [--rounds 5] [--components Trainer,Transform] [--results FILE]

Measured in a fresh process each, by turns: the processor's time until everything is imported that the task needs. TFX's
is what its entry point `kubeflow_v2_run_executor` imports (but for kfp, which is not in this environment) and the stock
executor; ours is our entry point and the executor that runs in our pipeline in the same place. Byte code is there for
both. Writes results/task_start.json; exits with status 1 if one of ours takes longer than 6 s or a ratio is too small.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tfx_automl.files import write_in_one_step
from tfx_automl.machine import usable_cores

RESULTS = Path(__file__).parent / "results" / "task_start.json"
LIMIT_S = 6.0
FLOOR = 1.5
_STOCK = """
from google.protobuf import json_format
from tfx.components.evaluator import executor as evaluator_executor
from tfx.dsl.components.base import base_beam_executor, base_executor
from tfx.dsl.io import fileio
from tfx.orchestration.portable import outputs_utils
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs, value_artifact
from tfx.utils import import_utils
import_utils.import_class_by_path("{executor}")
"""
_OURS = """
from tfx_automl.kubeflow.task.main import load_component
load_component("{executor}")
"""
_TELL = "import time; print(time.process_time())"
# By component: the executor of ours, and the stock one.
EXECUTORS = {
    "ExampleGen": (
        "tfx_automl.components.example_gen.executor.Executor",
        "tfx.components.example_gen.csv_example_gen.executor.Executor",
    ),
    "StatisticsGen": (
        "tfx.components.statistics_gen.executor.Executor",
        "tfx.components.statistics_gen.executor.Executor",
    ),
    "SchemaGen": ("tfx.components.schema_gen.executor.Executor", "tfx.components.schema_gen.executor.Executor"),
    "ExampleValidator": (
        "tfx.components.example_validator.executor.Executor",
        "tfx.components.example_validator.executor.Executor",
    ),
    "Transform": ("tfx_automl.components.transform.executor.Executor", "tfx.components.transform.executor.Executor"),
    "Tuner": ("tfx_automl.components.tuner.executor.Executor", "tfx.components.tuner.executor.Executor"),
    "Trainer": ("tfx_automl.components.trainer.executor.Executor", "tfx.components.trainer.executor.GenericExecutor"),
    "Evaluator": ("tfx_automl.components.evaluator.executor.Executor", "tfx.components.evaluator.executor.Executor"),
    "Pusher": ("tfx.components.pusher.executor.Executor", "tfx.components.pusher.executor.Executor"),
}


def seconds(program: str) -> float:
    """Returns the processor's time that a program takes in a process of its own.

    Raises:
        SystemExit: It fails.
    """
    command = [sys.executable, "-W", "ignore", "-c", program + _TELL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout.split()[-1])


def compare(component: str, rounds: int) -> dict[str, Any]:
    """Measures a component's task in both ways by turns, and returns the medians and their ratio."""
    ours, stock = EXECUTORS[component]
    times = [(seconds(_OURS.format(executor=ours)), seconds(_STOCK.format(executor=stock))) for _ in range(rounds)]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    sys.stdout.write(f"{component}: {mine:.1f} s, TFX {theirs:.1f} s, ratio {theirs / mine:.1f}\n")
    sys.stdout.flush()  # the others take minutes
    return {"component": component, "ours_s": round(mine, 2), "tfx_s": round(theirs, 2), "ratio": theirs / mine}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, writes the results and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="processes for each of both (default: 5)")
    parser.add_argument("--components", default=",".join(EXECUTORS), help="names with commas (default: all)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are written")
    parsed = parser.parse_args(arguments)
    seconds(_OURS.format(executor="tfx_automl.components.transform.executor.Executor"))  # the files are in memory now
    runs = [compare(component, parsed.rounds) for component in parsed.components.split(",")]
    slowest, ratio = max(run["ours_s"] for run in runs), min(run["ratio"] for run in runs)
    found = {
        "machine": f"{usable_cores()} cores, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("tfx", "tensorflow", "apache-beam")},
        "rounds": parsed.rounds,
        "slowest_s": slowest,
        "smallest_ratio": round(ratio, 2),
        "runs": [{**run, "ratio": round(run["ratio"], 2)} for run in runs],
    }
    write_in_one_step(parsed.results, json.dumps(found, indent=1) + "\n")
    return int(slowest > LIMIT_S or ratio < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
