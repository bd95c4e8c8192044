"""Both engines: every metric, slice, interval, gap and verdict is the same, in files that TFMA reads."""

from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from equality_for_tests import assert_equal

from tfx_automl.components.evaluator.details import read_details
from tfx_automl.components.evaluator.engine import choose

SENSITIVE = [("sex",), ("race",), ("sex", "age_group"), ("age",)]
CUTS = {"age": (25, 45, 65.5)}
KINDS = ("binary", "multiclass", "regression")


@pytest.fixture(scope="module", params=KINDS)
def both(request: Any, evaluate: Any, make_columns: Any) -> dict[str, Any]:
    columns = make_columns(request.param, 500, seed=3)
    return {
        engine: evaluate(request.param, columns, sensitive=SENSITIVE, engine=engine, cuts=CUTS)
        for engine in ("tfma", "columnar")
    }


@pytest.fixture(scope="module", params=KINDS)
def compared(request: Any, evaluate: Any, make_columns: Any, make_model: Any) -> dict[str, Any]:
    """The same, with a model to compare with, and bounds of which TFMA validates some."""
    metric = {"binary": "auc", "multiclass": "loss", "regression": "rmse"}[request.param]
    options = {
        "sensitive": [("sex",)],
        "min_metrics": {metric: {"auc": 0.99, "loss": 0.01, "rmse": 0.5}[metric]},
        "max_losses": {metric: "1%"},
        "max_slice_losses": {metric: 0.001},
    }
    columns = make_columns(request.param, 300, seed=4)
    for name in [name for name in columns if name.startswith("score")]:
        columns[f"old_{name}"] = make_columns(request.param, 300, seed=5)[name]
    other = make_model(request.param, prefix="old_")
    engines = ("tfma", "columnar")
    return {engine: evaluate(request.param, columns, other=other, engine=engine, **options) for engine in engines}


@pytest.mark.slow
def test_reports_are_the_same(both: dict[str, Any]) -> None:
    assert_equal(both["tfma"].report, both["columnar"].report)
    assert all(value is not None for value in both["columnar"].report["metrics"].values())


@pytest.mark.slow
def test_numbers_are_cut_and_ordered(both: dict[str, Any]) -> None:
    values = [part["value"] for part in both["tfma"].report["slices"] if part["feature"] == "age"]
    assert values == ["under 25", "25 to under 45", "45 to under 65.5", "65.5 and over", "(missing)"]


@pytest.mark.slow
def test_tfma_reads_the_same(both: dict[str, Any]) -> None:
    results = {engine: tfma.load_eval_result(str(run.folder / "evaluation")) for engine, run in both.items()}
    metrics = {engine: {str(key): values for key, values in found.slicing_metrics} for engine, found in results.items()}
    assert_equal(metrics["tfma"], metrics["columnar"])
    assert results["columnar"].config == results["tfma"].config
    validations = [tfma.load_validation_result(str(run.folder / "evaluation")) for run in both.values()]
    assert validations[0].validation_ok == validations[1].validation_ok


@pytest.mark.slow
def test_rates_of_classes_follow_from_the_confusion_matrix_of_tfma(evaluate: Any, make_columns: Any) -> None:
    run = evaluate("multiclass", make_columns("multiclass", 300, seed=6), sensitive=[("sex",)], engine="tfma")
    result = tfma.load_eval_result(str(run.folder / "evaluation"))
    assert len(result.slicing_metrics) == 3
    for key, outputs in result.slicing_metrics:
        metrics = outputs[""]
        (matrix,) = metrics[""]["confusion_matrix"]["multiClassConfusionMatrixAtThresholds"]["matrices"]
        counts = np.zeros((3, 3))
        for entry in matrix["entries"]:
            counts[entry.get("actualClassId", 0), entry.get("predictedClassId", 0)] = entry["numWeightedExamples"]
        for number in range(3):
            hits, true, chosen = counts[number, number], counts[number].sum(), counts[:, number].sum()
            expected = {
                "mean_label": true / counts.sum(),
                "selection_rate": chosen / counts.sum(),
                "tpr": hits / true,
                "fpr": (chosen - hits) / (counts.sum() - true),
                "precision": hits / chosen,
            }
            found = metrics[f"classId:{number}"]
            assert {name: found[name]["boundedValue"]["value"] for name in expected} == pytest.approx(expected), key


@pytest.mark.slow
def test_replicates_and_histograms_are_the_same(both: dict[str, Any]) -> None:
    one, other = (read_details(str(run.folder / "evaluation")) for run in both.values())
    assert len(one) > 10
    for key, details in one.items():
        assert len(details.samples) >= 2
        assert_equal(*({name: v.tolist() for name, v in x.samples.items()} for x in (details, other[key])))
        assert (details.histogram is None) == (other[key].histogram is None)
        if details.histogram is not None:
            np.testing.assert_allclose(details.histogram, other[key].histogram, atol=1e-9)
    assert one.keys() == other.keys()


@pytest.mark.slow
def test_comparisons_are_the_same(compared: dict[str, Any]) -> None:
    report = compared["columnar"].report
    assert_equal(compared["tfma"].report, report)
    comparison = report["comparison"]
    assert {part["value"] for part in comparison["slices"]} == {"Female", "Male"}
    for part in (comparison, *comparison["slices"]):
        for difference in part["differences"].values():
            low, high = difference["interval"]
            assert low <= difference["value"] <= high
    names = [check["name"].split(":") for check in report["checks"]]
    (metric,) = (name[1] for name in names if name[0] == "loss" and len(name) == 2)
    now, before = report["metrics"][metric], comparison["metrics"][metric]
    assert comparison["differences"][metric]["value"] == pytest.approx(now - before)


@pytest.mark.slow
def test_tfma_validates_as_the_gate_does(compared: dict[str, Any]) -> None:
    """TFMA's thresholds, over all rows, fail where the checks of the same bounds fail."""
    for run in compared.values():
        folder = str(run.folder / "evaluation")
        validation = tfma.load_validation_result(folder)
        found = {
            (failure.metric_key.name, "metric" if failure.metric_threshold.HasField("value_threshold") else "loss")
            for part in validation.metric_validations_per_slice
            for failure in part.failures
        }
        failed = [check["name"].split(":") for check in run.report["checks"] if check["passed"] is False]
        expected = {(name[1], name[0]) for name in failed if len(name) == 2 and name[0] in ("metric", "loss")}
        assert found == expected != set()
        candidate, baseline = (tfma.load_eval_result(folder, model_name=name) for name in ("candidate", "baseline"))
        assert len(candidate.slicing_metrics) == len(baseline.slicing_metrics) == 3


def test_engine_is_chosen_by_memory_and_runner() -> None:
    assert choose("auto", 1000, []) == "columnar"
    assert choose("auto", 1000, ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"]) == "columnar"
    assert choose("auto", 1000, ["--runner=FlinkRunner"]) == "tfma"
    assert choose("auto", 10**12, []) == "tfma"
    assert choose("tfma", 1000, []) == "tfma"
    assert choose("columnar", 1000, ["--runner=FlinkRunner"]) == "columnar"
