"""The summary of a run: one dictionary, written as `summary.json` and printed by `printing`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_automl.components.example_gen import rejects
from tfx_automl.components.model_card import read_card, read_group_thresholds
from tfx_automl.files import write_in_one_step
from tfx_automl.pipelines.build import PIPELINE_NAME
from tfx_automl.pipelines.finished import relative_folders
from tfx_automl.pipelines.metadata import NodeOutputs, read_outputs
from tfx_automl.pipelines.output import OutputFolder
from tfx_automl.pipelines.request import write_request
from tfx_automl.pipelines.runner import StageTimes
from tfx_automl.pipelines.worst import worst_slice

_LONG = frozenset({"histogram", "classes", "class_intervals"})  # of a slice; they are in the report alone


def summarise(found: Any, output: OutputFolder, times: StageTimes, total_seconds: float) -> dict[str, Any]:
    """Collects what a finished run left in its artifacts.

    Args:
        found: The data summary of the pre-flight look at the data.
        output: The run's folder.
        times: What the runner measured.
        total_seconds: Wall time of everything, imports included.

    Returns:
        JSON-able: `task`, `label`, `rows`, `features`, `trials`, `best_hyperparameters`, `trainer`, `test_metrics`,
        `baseline_metrics`, `slices`, `gaps`, `gap_intervals`, `worst_slice` (see `worst.worst_slice`), `blessed`,
        `reasons`, `pushed_model`, `how_to_call`, `reports`, `artifacts` (the folder of each output by component and
        key, as seen from the output folder), `seconds`, `cached`.
    """
    nodes = read_outputs(output.metadata, PIPELINE_NAME)
    report = _read_json(nodes["Evaluator"].uris["fairness_report"] / "report.json")
    pushed = _pushed(nodes["Pusher"]) if report["blessed"] else None
    test = nodes["ExampleGen"].uris["examples"] / "Split-test"
    read = [decision["name"] for decision in _decisions(nodes["Transform"]) if decision["kind"] != "dropped"]
    by_group = read_group_thresholds(str(nodes["Trainer"].uris["model"]))
    of_groups = [name for name in (by_group or {}).get("features", ()) if name not in read]
    return {
        "task": found.task.kind,
        "label": {"name": found.task.label, "classes": list(found.task.classes), "positive": found.task.positive},
        "notes": [*found.notes, *_warnings(nodes["Transform"])],
        "rows": nodes["ExampleGen"].json_property("examples", "row_counts"),
        "anomalies": _anomalies(nodes["ExampleValidator"].uris["anomalies"]),
        "features": _features(nodes["Transform"]),
        **_search(nodes["Tuner"]),
        "trainer": _trainer(nodes["Trainer"]),
        "test_metrics": report["metrics"],
        "baseline_metrics": _read_json(nodes["Baseline"].uris["baseline"] / "baseline.json"),
        "slices": [{name: value for name, value in part.items() if name not in _LONG} for part in report["slices"]],
        "gaps": report["gaps"],
        "gap_intervals": report["gap_intervals"],
        "worst_slice": worst_slice(report),
        "blessed": report["blessed"],
        "reasons": report["reasons"],
        "pushed_model": pushed,
        "how_to_call": write_request(Path(pushed), test, output.request, [*read, *of_groups]) if pushed else [],
        "reports": {
            "fairness": str(nodes["Evaluator"].uris["fairness_report"] / "report.html"),
            **_rejected(nodes["ExampleGen"]),
        },
        "artifacts": relative_folders({name: node.uris for name, node in nodes.items() if node.uris}, output.root),
        "seconds": {**times.seconds, "total": round(total_seconds, 2)},
        "cached": sorted(times.cached),
    }


def write_summary(summary: Mapping[str, Any], output: OutputFolder) -> None:
    """Writes `summary.json` in one step, so that it is never half there."""
    write_in_one_step(output.summary, json.dumps(summary, indent=2) + "\n")


def _rejected(example_gen: NodeOutputs) -> dict[str, str]:
    """Returns where the rows that could not be read are listed, if there are any."""
    path = example_gen.uris["examples"] / rejects.FILE
    return {"rejected": str(path)} if path.is_file() else {}


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _features(transform: NodeOutputs) -> dict[str, list[dict[str, Any]]]:
    """Splits the feature plan into what the model sees and what it does not, each with its reason."""
    features = [decision for decision in _decisions(transform) if decision["kind"] != "label"]
    return {
        "kept": [_decision(entry) for entry in features if entry["kept"]],
        "dropped": [_decision(entry) for entry in features if not entry["kept"]],
    }


def _decisions(transform: NodeOutputs) -> list[dict[str, Any]]:
    decisions: list[dict[str, Any]] = _plan(transform)["decisions"]
    return decisions


def _warnings(transform: NodeOutputs) -> list[str]:
    return [f"WARNING: {warning}" for warning in _plan(transform)["warnings"]]


def _plan(transform: NodeOutputs) -> Any:
    return _read_json(transform.uris["feature_plan"] / "feature_plan.json")


def _decision(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("name", "kind", "reason")}


_OF_THE_SEARCH = (
    "objective",
    "direction",
    "objectives",
    "constraints",
    "stop_reason",
    "brackets",
    "ranking",
    "pareto_front",
    "ensemble",
    "utilisation",
)


def _search(tuner: NodeOutputs) -> dict[str, Any]:
    results = _read_json(tuner.uris["tuner_results"] / "trials.json")
    best = _read_json(tuner.uris["best_hyperparameters"] / "best_hyperparameters.txt")
    trials = results.pop("trials")
    return {
        "trials": {
            "count": len(trials),
            "failed": sum(trial["status"] == "failed" for trial in trials),
            "epochs": results["total_epochs"],
            **{key: results[key] for key in _OF_THE_SEARCH},
            "table": trials,
        },
        "best_hyperparameters": best["values"],
    }


def _trainer(trainer: NodeOutputs) -> dict[str, Any]:
    """Returns what the model card says of the final training."""
    card = read_card(str(trainer.uris["model"]))
    return {key: card[key] for key in ("mode", "epochs", "trained_on", "threshold", "sizes")}


def _anomalies(folder: Path) -> list[dict[str, str]]:
    """Reads what stock ExampleValidator found, in all splits."""
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = []
    for path in sorted(folder.glob("Split-*/SchemaDiff.pb")):
        anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
        split = path.parent.name.removeprefix("Split-")
        found += [
            {"split": split, "column": name, "what": anomaly.description}
            for name, anomaly in sorted(anomalies.anomaly_info.items())
        ]
    return found


def _pushed(pusher: NodeOutputs) -> str | None:
    """Returns the folder of the pushed model in the serving directory, or None if the gate kept it back."""
    properties = pusher.properties.get("pushed_model", {})
    return properties.get("pushed_destination") if properties.get("pushed") else None
