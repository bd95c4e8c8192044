"""The user's own `tfma.EvalConfig` in a whole evaluation: values against plain TFMA, thresholds, files, report."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
import tensorflow_model_analysis as tfma
from equality_for_tests import assert_equal
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from tfx_automl.components.sensitive import MISSING
from tfx_automl.errors import EvaluationError

pytestmark = pytest.mark.slow

# Beside what is measured: two metrics that bear the names of the Evaluator's own, and one slice that it makes, too.
CONFIG = """
    model_specs { label_key: "target" }
    slicing_specs {}
    slicing_specs { feature_keys: ["race"] }
    slicing_specs { feature_keys: ["sex"] feature_values { key: "age_group" value: "40" } }
    cross_slicing_specs {
      baseline_spec { feature_values { key: "sex" value: "Female" } }
      slicing_specs { feature_values { key: "sex" value: "Male" } }
    }
    metrics_specs {
      metrics { class_name: "ExampleCount" }
      metrics { class_name: "AUC" }
      metrics {
        class_name: "F1Score"
        config: '{"thresholds": [0.4]}'
        threshold { value_threshold { lower_bound { value: 0.1 } } }
      }
      metrics { class_name: "CalibrationPlot" }
      metrics {
        class_name: "MeanPrediction"
        per_slice_thresholds {
          slicing_specs { feature_values { key: "sex" value: "Male" } }
          threshold { value_threshold { upper_bound { value: 0.2 } } }
        }
        cross_slice_thresholds {
          cross_slicing_specs {
            baseline_spec { feature_values { key: "sex" value: "Female" } }
            slicing_specs { feature_values { key: "sex" value: "Male" } }
          }
          threshold { value_threshold { upper_bound { value: 0.0 } } }
        }
      }
      thresholds { key: "auc" value { value_threshold { lower_bound { value: 0.999 } } } }
    }
"""


@pytest.fixture(scope="module")
def done(evaluate: Any, make_columns: Any) -> SimpleNamespace:
    columns = make_columns("binary")
    found = evaluate("binary", columns, sensitive=[("sex",)], replicates=50, eval_config=CONFIG)
    found.columns = {name: np.array([MISSING if v is None else v for v in values]) for name, values in columns.items()}
    found.result = tfma.load_eval_result(str(found.folder / "evaluation"))
    return found


@pytest.fixture(scope="module")
def plain(done: SimpleNamespace) -> Any:
    """What plain TFMA gives for the same metrics and slices of the same rows."""
    columns = done.columns
    frame = pd.DataFrame({name: columns[name].astype(str) for name in ("sex", "race")})
    frame["age_group"] = columns["age_group"]
    frame["label"] = (columns["target"] == "yes").astype(int)
    frame["prediction"] = columns["score"].astype(np.float32)
    config = text_format.Parse(CONFIG, config_pb2.EvalConfig())
    config.model_specs[0].label_key, config.model_specs[0].prediction_key = "label", "prediction"
    for spec in config.metrics_specs:
        spec.ClearField("thresholds")
        for metric in spec.metrics:
            for field in ("threshold", "per_slice_thresholds", "cross_slice_thresholds"):
                metric.ClearField(field)
    return tfma.analyze_raw_data(frame, eval_config=config)


def values_of(result: Any) -> dict[Any, dict[str, float]]:
    return {
        key: {name: value["doubleValue"] for name, value in outputs[""][""].items() if "doubleValue" in value}
        for key, outputs in result.slicing_metrics
    }


def test_user_metrics_equal_plain_tfma_in_every_slice(done: SimpleNamespace, plain: Any) -> None:
    ours, theirs = values_of(done.result), values_of(plain)
    assert len(theirs) == 1 + 3 + 2 + 1 + 2  # all rows, races, sexes at 40, the pair, and its two slices
    for key, expected in theirs.items():
        assert {name: ours[key][name] for name in expected} == pytest.approx(expected, abs=1e-6), key
        assert {"f1_score", "auc", "mean_prediction"} <= set(expected) or len(key) == 2


def test_a_metric_equals_scikit_learn(done: SimpleNamespace) -> None:
    male = done.columns["sex"] == "Male"
    score = done.columns["score"].astype(np.float32).astype(np.float64)  # what is 0.4 to a model is above 0.4 to TFMA
    label, chosen = done.columns["target"] == "yes", score > 0.4
    (row,) = (part for part in done.report["own_metrics"] if part["slice"] == "sex=Male")
    assert row["metrics"]["f1_score"] == pytest.approx(sk.f1_score(label[male], chosen[male]), abs=1e-6)


def test_own_metrics_stand_beside_ours_in_all_slices(done: SimpleNamespace) -> None:
    slices = {key: outputs[""][""] for key, outputs in done.result.slicing_metrics}
    both = {"tpr", "selection_rate", "f1_score", "mean_prediction"}
    for key in [(), (("sex", "Male"),), (("race", "B"),), (("age_group", 40), ("sex", "Female"))]:
        assert both <= set(slices[key]), key
    assert done.result.plots and len(done.result.config.metrics_specs) == 2


def test_ours_are_as_without_a_configuration(done: SimpleNamespace, evaluate: Any, make_columns: Any) -> None:
    """A metric of the user's called `auc` is not taken for ours, and further slices change no interval."""
    other = evaluate("binary", make_columns("binary"), sensitive=[("sex",)], replicates=50, engine="tfma")
    for name in ("metrics", "gaps", "rows"):
        assert_equal(done.report[name], other.report[name], name)
    assert done.report["intervals"]["auc"] == pytest.approx(other.report["intervals"]["auc"])
    assert_equal(*([part["metrics"] for part in found.report["slices"]] for found in (done, other)))
    assert done.report["metrics"]["auc"] != done.report["own_metrics"][0]["metrics"]["auc"]


def test_failing_thresholds_refuse_as_in_tfmas_validation(done: SimpleNamespace) -> None:
    checks = {check["name"]: check for check in done.report["checks"] if check["name"].startswith("threshold")}
    assert checks["threshold:f1_score"]["passed"] and checks["threshold:f1_score"]["bound"] == 0.1
    failed = {name for name, check in checks.items() if check["passed"] is False}
    assert {"threshold:auc", "threshold:race=B:auc", "threshold:sex=Male:mean_prediction"} <= failed
    assert checks["threshold:sex=Male:mean_prediction"]["reason"].endswith("but must be at most 0.2.")
    assert checks["threshold:sex=Female minus sex=Male:mean_prediction"]["passed"]
    assert "threshold:sex=Male:auc" not in checks, "only the user's slices"
    assert not done.report["blessed"] and [path.name for path in (done.folder / "blessing").iterdir()] == [
        "NOT_BLESSED"
    ]
    validation = tfma.load_validation_result(str(done.folder / "evaluation"))
    found = {
        ":".join(filter(None, ("threshold", slice_name(part.slice_key), failure.metric_key.name)))
        for part in validation.metric_validations_per_slice
        for failure in part.failures
    }
    assert found == failed and not validation.validation_ok and not validation.missing_slices


def slice_name(key: Any) -> str:
    values = ((part.column, part.bytes_value.decode() or part.int64_value) for part in key.single_slice_keys)
    return ",".join(f"{column}={value}" for column, value in values)


def test_report_shows_them(done: SimpleNamespace) -> None:
    page = (done.folder / "fairness_report" / "report.html").read_text()
    assert "Your own metrics" in page and "f1_score" in page and "sex=Female minus sex=Male" in page
    assert "auc of race=&lt;script&gt; is" in page


def test_waiver_lets_a_threshold_pass(evaluate: Any, make_columns: Any) -> None:
    from tfx_automl.components.evaluator.waivers import Waiver

    waiver = Waiver("threshold:balanced_accuracy", "Ada", "mended in March.", "2999-01-01")
    threshold = {"value_threshold": {"lower_bound": 0.99}}
    metric = {"class_name": "BalancedAccuracy", "threshold": threshold}
    text = json.dumps({"metrics_specs": [{"metrics": [metric]}]})
    done = evaluate("binary", make_columns("binary", 60), eval_config=text, waivers=[waiver], replicates=0)
    (check,) = (check for check in done.report["checks"] if check["name"] == waiver.check)
    assert check["passed"] is False and check["waiver"] and done.report["blessed"]


CHANGES = """
    slicing_specs {}
    metrics_specs {
      metrics {
        class_name: "F1Score"
        threshold {
          change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.001 } relative { value: -0.001 } }
        }
      }
    }
"""


def test_changes_from_another_model(evaluate: Any, make_columns: Any, make_model: Any) -> None:
    columns = make_columns("binary", 200)
    columns["other_score"] = np.clip(
        np.array(columns["score"]) * 0.5 + 0.5 * (np.array(columns["target"]) == "yes"), 0, 1
    )
    columns["other_score"] = columns["other_score"].astype(np.float32).tolist()
    done = evaluate("binary", columns, other=make_model("binary", "other_"), eval_config=CHANGES, replicates=0)
    label = np.array(columns["target"]) == "yes"
    scores = [np.array(columns[name], np.float32) for name in ("score", "other_score")]
    now, before = (sk.f1_score(label, score > 0.5) for score in scores)
    absolute, relative = [check for check in done.report["checks"] if check["name"] == "change:f1_score"]
    assert absolute["value"] == pytest.approx(now - before, abs=1e-6) and absolute["passed"] is False
    assert relative["value"] == pytest.approx((now - before) / before, abs=1e-6) and not done.report["blessed"]
    result = tfma.load_eval_result(str(done.folder / "evaluation"), model_name=tfma.BASELINE_KEY)
    assert result.get_metrics_for_slice()["f1_score"]["doubleValue"] == pytest.approx(before, abs=1e-6)
    assert not tfma.load_validation_result(str(done.folder / "evaluation")).validation_ok


def test_changes_without_another_model_neither_bless_nor_refuse(evaluate: Any, make_columns: Any) -> None:
    done = evaluate("binary", make_columns("binary", 60), eval_config=CHANGES, replicates=0)
    (check,) = (check for check in done.report["checks"] if check["name"].startswith("change:"))
    assert check["passed"] is None and "there is none" in check["reason"] and done.report["blessed"]


MULTICLASS = """
    metrics_specs {
      binarize { class_ids { values: [0, 2] } }
      aggregate {
        macro_average: true
        class_weights { key: 0 value: 1 }
        class_weights { key: 1 value: 1 }
        class_weights { key: 2 value: 1 }
      }
      metrics { class_name: "AUC" config: '{"num_thresholds": 10000}' }
    }
    metrics_specs {
      metrics { class_name: "SparseCategoricalAccuracy" }
      metrics { class_name: "MultiClassConfusionMatrixPlot" }
    }
    options {
      compute_confidence_intervals { value: true }
      confidence_intervals { method: JACKKNIFE }
      min_slice_size { value: 5 }
    }
"""


def test_binarized_aggregated_and_with_intervals(evaluate: Any, make_columns: Any, make_task: Any) -> None:
    columns = make_columns("multiclass", 120)
    columns["small"] = ["a"] * 118 + ["b"] * 2
    config = MULTICLASS + 'slicing_specs {} slicing_specs { feature_keys: ["small"] }'
    done = evaluate("multiclass", columns, eval_config=config, replicates=0)
    label = np.array([make_task("multiclass").classes.index(value) for value in columns["target"]])
    scores = [np.array(columns[f"score{number}"]) for number in range(3)]
    expected = [sk.roc_auc_score(label == number, scores[number]) for number in range(3)]
    overall, large = done.report["own_metrics"]
    assert (overall["slice"], large["slice"]) == ("", "small=a"), "fewer rows than min_slice_size are left out"
    metrics = overall["metrics"]
    assert metrics["auc (classId:0)"] == pytest.approx(expected[0], abs=1e-3)
    assert metrics["auc (classId:2)"] == pytest.approx(expected[2], abs=1e-3)
    assert metrics["auc (macro)"] == pytest.approx(np.mean(expected), abs=1e-3)
    low, high = overall["intervals"]["auc (classId:0)"]
    assert low < metrics["auc (classId:0)"] < high
    accuracy = sk.accuracy_score(label, np.argmax(scores, axis=0))
    assert metrics["sparse_categorical_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    result = tfma.load_eval_result(str(done.folder / "evaluation"))
    assert "multiClassConfusionMatrixAtThresholds" in result.plots[0][1][""][""]


def test_weights_and_queries(evaluate: Any, make_columns: Any) -> None:
    columns = make_columns("regression", 200)
    columns["weight"] = np.arange(200, dtype=np.float32).tolist()
    config = """
        model_specs { example_weight_key: "weight" }
        metrics_specs {
          metrics { class_name: "MeanAbsoluteError" }
          example_weights { weighted: true unweighted: true }
        }
        metrics_specs {
          query_key: "sex"
          metrics { class_name: "QueryStatistics" }
          example_weights { unweighted: true }
        }
    """
    done = evaluate("regression", columns, eval_config=config, replicates=0)
    label, score = np.array(columns["target"]), np.array(columns["score"])
    metrics = done.report["own_metrics"][0]["metrics"]
    expected = sk.mean_absolute_error(label, score, sample_weight=columns["weight"])
    assert metrics["mean_absolute_error (weighted)"] == pytest.approx(expected, rel=1e-5)
    assert metrics["mean_absolute_error"] == pytest.approx(sk.mean_absolute_error(label, score), rel=1e-5)
    assert metrics["total_queries"] == 2 and metrics["total_documents"] == 200


def test_slices_alone_and_one_that_no_row_has(evaluate: Any, make_columns: Any) -> None:
    columns = make_columns("binary", 60)
    done = evaluate("binary", columns, eval_config='slicing_specs { feature_keys: "age_group" }', replicates=0)
    slices = {
        key: outputs[""][""] for key, outputs in tfma.load_eval_result(str(done.folder / "evaluation")).slicing_metrics
    }
    assert {(), (("age_group", 20),)} <= set(slices) and "own_metrics" not in done.report
    young = np.array(columns["age_group"]) == 20
    assert slices[(("age_group", 20),)]["example_count"]["doubleValue"] == young.sum()
    with pytest.raises(EvaluationError, match="No example has 'town', which eval_config names; the features are age, "):
        evaluate("binary", columns, eval_config='slicing_specs { feature_keys: "town" }', replicates=0)


@pytest.mark.parametrize(("bound", "blessed"), [(0.01, True), (0.999, False)])
def test_in_a_pipeline_with_a_schema(
    tmp_path: Path, write_examples: Any, make_columns: Any, make_model: Any, make_task: Any, bound: float, blessed: bool
) -> None:
    from tfx import v1 as tfx

    from tfx_automl.components import Evaluator

    source = write_examples(tmp_path / "source", make_columns("binary", 100))
    split = tfx.proto.Input.Split(name="test", pattern="Split-test/*")
    example_gen = tfx.components.ImportExampleGen(source.uri, input_config=tfx.proto.Input(splits=[split]))
    statistics = tfx.components.StatisticsGen(example_gen.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics.outputs["statistics"], infer_feature_shape=False)
    model = tfx.dsl.Importer(make_model("binary").uri, tfx.types.standard_artifacts.Model).with_id("model")
    config = config_pb2.EvalConfig()
    metric = config.metrics_specs.add().metrics.add(class_name="F1Score")
    metric.threshold.value_threshold.lower_bound.value = bound
    evaluator = Evaluator(
        example_gen.outputs["examples"],
        model.outputs["result"],
        task=make_task("binary"),
        schema=schema.outputs["schema"],
        sensitive=[["sex"]],
        eval_config=config,
        replicates=0,
        example_splits=["train"],
    )
    database = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="own",
            pipeline_root=str(tmp_path / "root"),
            components=[example_gen, statistics, schema, model, evaluator],
            metadata_connection_config=database,
            beam_pipeline_args=["--direct_running_mode=in_memory", "--direct_num_workers=1"],
        )
    )
    assert bool(list(tmp_path.glob("root/Evaluator/blessing/*/BLESSED"))) is blessed
    (report,) = tmp_path.glob("root/Evaluator/fairness_report/*/report.json")
    checks = {check["name"]: check["passed"] for check in json.loads(report.read_text())["checks"]}
    assert checks["threshold:f1_score"] is blessed
