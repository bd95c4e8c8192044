"""Compares the whole pipeline with a stock TFX pipeline that has the same stages, on Chicago taxi rows.

`make bench-pipeline` writes results/pipeline.json and exits with status 1 if a floor is missed. Each side is an
ordinary run in a process of its own: ours by the command `tfx-automl run`, the stock one by pipeline_stock.py. The
seconds of a side are those of its process, imports included. Both get the same rows in the same splits, the same number
of trials and epochs of a small network, the same range of batch sizes, and two slicing features. Ours also validates
the examples and trains the baselines, and that counts.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline_data import LABEL, ROWS, SPLIT_COLUMN, Files, write_files

from tfx_automl.files import write_in_one_step
from tfx_automl.machine import usable_cores

RESULTS = Path(__file__).parent / "results" / "pipeline.json"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SOURCE = "chicago-taxi.csv"
SLICES = ("payment_type", "trip_start_hour")
FLOOR = 4.0
# Faster, but worse, would be no gain.
MOST_AUC_LOST = 0.005
_LIBRARIES = ("tfx", "tensorflow", "keras", "keras-tuner", "apache-beam", "tensorflow-model-analysis")
# Where the two sides have other names for the same stage; None is what only ours has.
_STOCK_NAMES = {"ExampleGen": "CsvExampleGen", "ExampleValidator": None, "Baseline": None}
REST = "imports and the rest"


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes:
        stages: Seconds by component.
        seconds: Of the whole process.
        auc: On the test split.
        rows: In the test split.
    """

    stages: Mapping[str, float]
    seconds: float
    auc: float
    rows: int


def say(*words: str) -> None:
    """Writes a line for people."""
    sys.stdout.write("  ".join(words) + "\n")
    sys.stdout.flush()


def run_process(command: Sequence[str]) -> tuple[float, str]:
    """Runs a command; returns the seconds from its start to its end, and what it printed."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    return seconds, done.stdout


def run_ours(files: Files, output: Path, parsed: argparse.Namespace) -> Run:
    """Runs our pipeline as a person would."""
    trials, epochs = parsed.trials, parsed.epochs
    options = {"label": LABEL, "split-column": SPLIT_COLUMN, "exclude": "tips", "output": output}
    # Every trial trains for all epochs, and so does the final training, as on the other side.
    options |= {
        "families": "mlp",
        "algorithm": "random",
        "max-trials": trials,
        "max-epochs": epochs,
        "patience": epochs,
    }
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    flags += [text for name in SLICES for text in ("--sensitive", name)]
    seconds, _ = run_process([str(Path(sys.executable).with_name("tfx-automl")), "run", str(files.ours), *flags])
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    searched = summary["trials"]
    if (searched["count"], searched["failed"], searched["epochs"]) != (trials, 0, trials * epochs):
        raise SystemExit(f"ours searched something else: {searched['count']} trials, {searched['epochs']} epochs")
    stages = {name: value for name, value in summary["seconds"].items() if name != "total"}
    return Run(stages, seconds, summary["test_metrics"]["auc"], summary["rows"]["splits"]["test"])


def run_stock(files: Files, output: Path, parsed: argparse.Namespace) -> Run:
    """Runs the stock pipeline."""
    options = ["--label", LABEL, "--slices", *SLICES, "--trials", str(parsed.trials), "--epochs", str(parsed.epochs)]
    options += ["--cache"] * parsed.stock_cache
    script = Path(__file__).with_name("pipeline_stock.py")
    seconds, shown = run_process([sys.executable, str(script), str(files.stock), str(output), *options])
    if not list((output / "serving").glob("*/saved_model.pb")):
        raise SystemExit("the stock pipeline did not push its model")
    metrics = _stock_metrics(output)
    return Run(json.loads(shown.splitlines()[-1]), seconds, metrics["auc"], round(metrics["example_count"]))


def _stock_metrics(output: Path) -> dict[str, float]:
    """Returns what the stock Evaluator found over all rows of the test split."""
    import tensorflow_model_analysis as tfma

    (folder,) = (output / "artifacts/Evaluator/evaluation").iterdir()
    metrics = tfma.load_eval_result(str(folder)).get_metrics_for_slice()
    return {name: value["doubleValue"] for name, value in metrics.items() if "doubleValue" in value}


def stages_of(stock: Run, ours: Run) -> list[dict[str, Any]]:
    """Returns the seconds of both sides and their ratio for every stage, and for what lies between the stages."""
    found = []
    for run in (stock, ours):
        found.append({**run.stages, REST: run.seconds - sum(run.stages.values())})
    stock_stages, our_stages = found
    lines = []
    for name, seconds in our_stages.items():
        other = _STOCK_NAMES.get(name, name)
        lines.append({"stage": name, **_compared(None if other is None else stock_stages[other], seconds)})
    return lines


def _compared(stock: float | None, ours: float) -> dict[str, float | None]:
    ratio = None if stock is None or not ours else round(stock / ours, 2)
    return {"stock_s": None if stock is None else round(stock, 1), "ours_s": round(ours, 1), "ratio": ratio}


def results_of(parsed: argparse.Namespace, stock: Run, ours: Run) -> dict[str, Any]:
    """Returns what the results file keeps."""
    asked = {name: getattr(parsed, name) for name in ("rows", "trials", "epochs")}
    arguments = [f"--{name} {value}" for name, value in asked.items() if value != _parser().get_default(name)]
    arguments += ["--stock-cache"] * parsed.stock_cache
    return {
        "command": "make bench-pipeline" + (f' ARGS="{" ".join(arguments)}"' if arguments else ""),
        **asked,
        "stock_cache": parsed.stock_cache,
        "test_rows": ours.rows,
        "stages": stages_of(stock, ours),
        **_compared(stock.seconds, ours.seconds),
        "stock_test_auc": round(stock.auc, 4),
        "ours_test_auc": round(ours.auc, 4),
        "machine": {
            "cores": usable_cores(),
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def problems(results: Mapping[str, Any]) -> list[str]:
    """Returns what misses its floor."""
    found = [f"ratio {results['ratio']} is below {FLOOR}"] if results["ratio"] < FLOOR else []
    if results["ours_test_auc"] < results["stock_test_auc"] - MOST_AUC_LOST:
        found.append(f"test AUC is more than {MOST_AUC_LOST} lower")
    return found


def table_of(results: Mapping[str, Any]) -> list[str]:
    """Returns the results as lines for people."""
    lines = [f"{'stage':24}{'stock s':>9}{'ours s':>9}{'ratio':>7}"]
    for stage in [*results["stages"], {"stage": "in all", **results}]:
        shown = ("–" if stage[name] is None else f"{stage[name]:.1f}" for name in ("stock_s", "ours_s", "ratio"))
        lines.append("{:24}{:>9}{:>9}{:>7}".format(stage["stage"], *shown))
    return [*lines, f"{'test AUC':24}{results['stock_test_auc']:>9.4f}{results['ours_test_auc']:>9.4f}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help=f"the folder with {SOURCE}")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--trials", type=int, default=6, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=5, metavar="N", help="of each trial (default: %(default)s)")
    # TFX's own examples parse anew in each epoch; who knows tf.data well would not, where memory is plenty.
    parser.add_argument("--stock-cache", action="store_true", help="the stock side keeps parsed batches in memory")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="(default: beside this script)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    parsed = _parser().parse_args(arguments)
    source = parsed.data / SOURCE
    if not source.is_file():
        sys.stderr.write(f"pipeline: {parsed.data} does not hold {SOURCE}; name the folder that does, with --data.\n")
        return 2
    with tempfile.TemporaryDirectory() as work:
        files = write_files(source, Path(work), parsed.rows)
        runs = [run(files, Path(work) / run.__name__, parsed) for run in (run_ours, run_stock)]
    ours, stock = runs
    if (ours.rows, stock.rows) != (files.rows["test"],) * 2:
        raise SystemExit(f"ours was tested on {ours.rows} rows, stock on {stock.rows}, not on {files.rows['test']}")
    results = results_of(parsed, stock, ours)
    parsed.results.parent.mkdir(parents=True, exist_ok=True)
    write_in_one_step(parsed.results, json.dumps(results, indent=2) + "\n")
    missed = problems(results)
    say("\n".join([*table_of(results), *missed]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
