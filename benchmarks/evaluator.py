"""The columnar engine beside TFMA: the same metrics of the same predictions, with and without confidence intervals.

    python benchmarks/evaluator.py [--rows 200000] [--interval-rows 200000] [--results FILE]

Both get a data frame with labels, predictions and four slicing specifications, and write files that
`tfma.load_eval_result` reads: TFMA by `tfma.analyze_raw_data` with its own metrics and, for intervals, its own Poisson
bootstrap of 20 replicates; ours with 200 replicates and intervals for the gaps, too. Writes results/evaluator.json;
exits with status 1 if a floor is missed. TFMA's time with intervals may be taken on fewer rows, as a share is compared.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tfx_automl.files import write_in_one_step
from tfx_automl.machine import usable_cores

RESULTS = Path(__file__).parent / "results" / "evaluator.json"
FLOOR = 100.0
SLICES = (("sex",), ("race",), ("age_group",), ("sex", "race"))
TOLERANCE = 1e-6
_METRICS = ("BinaryCrossEntropy", "Calibration", "MeanPrediction", "MeanLabel", "ExampleCount")
_AT_THRESHOLD = {
    "tpr": "Recall",
    "fpr": "FallOut",
    "fnr": "MissRate",
    "precision": "Precision",
    "selection_rate": "PredictedPositiveRate",
}


def make_rows(count: int) -> pd.DataFrame:
    """Returns labels, predictions and sensitive features, about as on census data."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["Female", "Male"], count, p=[0.33, 0.67])
    races = ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]
    race = rng.choice(races, count, p=[0.85, 0.1, 0.03, 0.01, 0.01])
    label = (rng.random(count) < np.where(sex == "Male", 0.3, 0.11)).astype(np.float64)
    score = 1 / (1 + np.exp(-rng.normal(3 * label - 1.5, 1.2))).astype(np.float32)
    features = {"sex": sex, "race": race, "age_group": rng.choice(["<25", "25-44", "45-64", "65+"], count)}
    return pd.DataFrame({"label": label, "prediction": score.astype(np.float64), **features})


def run_tfma(rows: pd.DataFrame, folder: str, intervals: bool) -> None:
    """Evaluates with TFMA as its users do."""
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.proto import config_pb2

    below = float(np.nextafter(np.float32(0.5), np.float32(0)))
    metrics = [config_pb2.MetricConfig(class_name=name) for name in (*_METRICS, "AUC")]
    metrics += [
        config_pb2.MetricConfig(class_name=kind, config=json.dumps({"name": name, "thresholds": [below]}))
        for name, kind in _AT_THRESHOLD.items()
    ]
    threshold = json.dumps({"name": "accuracy", "threshold": below})
    metrics.append(config_pb2.MetricConfig(class_name="BinaryAccuracy", config=threshold))
    config = config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(label_key="label", prediction_key="prediction")],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
        slicing_specs=[config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=list(s)) for s in SLICES)],
    )
    if intervals:
        config.options.compute_confidence_intervals.value = True
        config.options.confidence_intervals.method = config_pb2.ConfidenceIntervalOptions.POISSON_BOOTSTRAP
    tfma.analyze_raw_data(rows, config, output_path=folder)


def run_ours(rows: pd.DataFrame, folder: str, intervals: bool) -> None:
    """Evaluates the same with the columnar engine."""
    from tfx_automl.components.evaluator.columnar.engine import measure
    from tfx_automl.components.evaluator.plan import EvaluationPlan, Sources
    from tfx_automl.components.evaluator.predictions import Column, Predictions
    from tfx_automl.components.evaluator.result_files import write_results
    from tfx_automl.models.task import TaskSpec

    features = {name: Column.of(rows[name]) for name in ("sex", "race", "age_group")}
    predictions = Predictions(rows["label"].to_numpy().astype(np.int64), rows["prediction"].to_numpy(), features)
    task = TaskSpec("binary", "label", ("0", "1"))
    plan = EvaluationPlan(task, SLICES, replicates=200 if intervals else 0)
    write_results(folder, plan, measure(predictions, plan), Sources(("data frame",), "none"))


def timed(run: Callable[..., None], rows: pd.DataFrame, intervals: bool) -> tuple[float, dict[Any, dict[str, float]]]:
    """Returns the seconds of a run, and what TFMA reads of its files: metrics by slice."""
    import tensorflow_model_analysis as tfma

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run(rows, folder, intervals)
        seconds = time.perf_counter() - started
        found = tfma.load_eval_result(folder).slicing_metrics
    return seconds, {key: _numbers(outputs[""][""]) for key, outputs in found}


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    plain = {name: value.get("boundedValue", {"value": value.get("doubleValue")}) for name, value in metrics.items()}
    return {name: float(value["value"]) for name, value in plain.items() if value["value"] is not None}


def largest_difference(one: dict[Any, dict[str, float]], other: dict[Any, dict[str, float]]) -> float:
    """Returns how far a metric that both have is apart at most, over all slices.

    Raises:
        SystemExit: They have other slices.
    """
    if one.keys() != other.keys():
        raise SystemExit(f"other slices: {sorted(map(str, one.keys() ^ other.keys()))}")
    names = {"accuracy", *_AT_THRESHOLD, "example_count"}
    return max(abs(metrics[name] - other[key][name]) for key, metrics in one.items() for name in names)


def compare(rows: int, intervals: bool, tfma_rows: int) -> dict[str, Any]:
    """Measures both, and returns rows a second and their ratio."""
    data = make_rows(rows)
    run_ours(data[:1000], tempfile.mkdtemp(), intervals)  # imports, for both
    ours, found = timed(run_ours, data, intervals)
    theirs, expected = timed(run_tfma, data[:tfma_rows], intervals)
    if tfma_rows == rows and largest_difference(found, expected) > TOLERANCE:
        raise SystemExit(f"the engines differ by {largest_difference(found, expected)}")
    speeds = {"ours_rows_per_s": round(rows / ours), "tfma_rows_per_s": round(tfma_rows / theirs)}
    times = {"ours_s": round(ours, 2), "tfma_s": round(theirs, 1)}
    ratio = round(rows / ours / (tfma_rows / theirs), 1)
    what = "with intervals" if intervals else "without intervals"
    line = f"{what}: {speeds['ours_rows_per_s']:,} rows/s, TFMA {speeds['tfma_rows_per_s']:,}, ratio {ratio}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()  # the other comparison takes minutes
    return {"intervals": intervals, "rows": rows, "tfma_rows": tfma_rows, **times, **speeds, "ratio": ratio}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, metavar="N")
    parser.add_argument("--interval-rows", type=int, default=4_000, metavar="N", help="of TFMA, with intervals")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    parsed = parser.parse_args(arguments)
    runs = [
        compare(parsed.rows, intervals=False, tfma_rows=parsed.rows),
        compare(parsed.rows, intervals=True, tfma_rows=min(parsed.rows, parsed.interval_rows)),
    ]
    machine = {"cores": usable_cores(), "python": platform.python_version()}
    machine |= {name: version(name) for name in ("tensorflow-model-analysis", "numpy", "apache-beam")}
    results = {"slicing_specifications": 1 + len(SLICES), "runs": runs, "machine": machine}
    parsed.results.parent.mkdir(parents=True, exist_ok=True)
    write_in_one_step(parsed.results, json.dumps(results, indent=2) + "\n")
    return int(any(run["ratio"] < FLOOR for run in runs))


if __name__ == "__main__":
    sys.exit(main())
