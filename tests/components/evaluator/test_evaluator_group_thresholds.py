"""Thresholds by group: both engines decide by them, and by nothing else than decisions they change anything."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from equality_for_tests import assert_equal

from tfx_automl.components.evaluator.columnar.engine import measure
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.errors import EvaluationError
from tfx_automl.models.group_thresholds import GroupThresholds
from tfx_automl.models.task import TaskSpec

SENSITIVE = [("sex",), ("race",), ("sex", "age_group")]
COMMON = 0.5
BY_SEX = GroupThresholds(("sex",), ("text",), COMMON, (("Female",), ("Male",)), (0.375, 0.625))
BY_RACE = GroupThresholds(("race",), ("text",), COMMON, (("B",),), (0.6875,))
DECISIONS = ("accuracy", "precision", "tpr", "fpr", "fnr", "selection_rate")


def card(thresholds: GroupThresholds) -> dict[str, Any]:
    pair = {"before": 0.25, "after": 0.01}
    about = {"criterion": "demographic_parity", "rule": "accuracy", "rows": 400, "min_slice_size": 30, "gap": pair}
    own = {**thresholds.to_dict(), **about, "metric": pair, "accuracy": pair, "tolerance": 0.01}
    for part in own["slices"]:
        part["rows"] = 200
    return {"threshold": {"value": COMMON, "chosen_by": None, "groups": own}}


@pytest.fixture(scope="module")
def grouped_model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function from thresholds to a Model artifact that predicts the feature `score`, and tells these."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    from tfx_automl.models.row_thresholds import raw_features, row_thresholds

    def make(thresholds: GroupThresholds, tells: bool = True) -> Any:
        folder = tmp_path_factory.mktemp("grouped")
        module = tf.Module()
        spec = {"score": tf.io.FixedLenFeature([], tf.float32), **raw_features(thresholds, {})}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
        def serving_default(examples):
            parsed = tf.io.parse_example(examples, spec)
            own = {"threshold": row_thresholds(thresholds, parsed)[:, None]} if tells else {}
            return {
                "probabilities": parsed["score"][:, None],
                "classes": tf.zeros_like(parsed["score"])[:, None],
                **own,
            }

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
        def transform_features(examples):
            label = tf.io.parse_example(examples, {"target": tf.io.FixedLenFeature([], tf.string)})["target"]
            return {"target_xf": tf.cast(tf.equal(label, "yes"), tf.int64)}

        signatures = {"serving_default": serving_default, "transform_features": transform_features}
        tf.saved_model.save(module, str(folder / "Format-Serving"), signatures=signatures)
        (folder / "model_card.json").write_text(json.dumps(card(thresholds)))
        model = standard_artifacts.Model()
        model.uri = str(folder)
        return model

    return make


@pytest.fixture(scope="module")
def columns(make_columns: Any) -> dict[str, list[Any]]:
    made = make_columns("binary", 500, seed=7)
    made["old_score"] = make_columns("binary", 500, seed=8)["score"]
    return made


@pytest.fixture(scope="module")
def both(evaluate: Any, columns: Any, grouped_model: Any) -> dict[str, Any]:
    """By both engines: thresholds by sex, compared with a model that has them by race."""
    model, other = grouped_model(BY_SEX), grouped_model(BY_RACE)
    options = {"sensitive": SENSITIVE, "min_metrics": {"accuracy": 0.9}, "model": model, "other": other}
    return {engine: evaluate("binary", columns, engine=engine, **options) for engine in ("tfma", "columnar")}


def thresholds_of(own: GroupThresholds, columns: dict[str, list[Any]]) -> np.ndarray:
    by_value = {values[0]: threshold for values, threshold in zip(own.slices, own.thresholds, strict=True)}
    return np.array([by_value.get(value, own.common) for value in columns[own.features[0]]])


@pytest.mark.slow
def test_reports_of_both_engines_are_the_same(both: dict[str, Any]) -> None:
    assert_equal(both["tfma"].report, both["columnar"].report)
    pages = [(run.folder / "fairness_report" / "report.html").read_text() for run in both.values()]
    assert all("Per-group thresholds" in page for page in pages)


@pytest.mark.slow
def test_tfma_reads_what_was_decided(both: dict[str, Any], columns: Any) -> None:
    import tensorflow_model_analysis as tfma

    selected = np.array(columns["score"]) >= thresholds_of(BY_SEX, columns)
    for run in both.values():
        result = tfma.load_eval_result(str(run.folder / "evaluation"), model_name="candidate")
        found = result.get_metrics_for_all_slices()[()]["selection_rate"]
        assert found.get("boundedValue", found).get("value", found.get("doubleValue")) == pytest.approx(selected.mean())


@pytest.mark.slow
def test_every_row_is_decided_at_its_own_threshold(both: dict[str, Any], columns: Any) -> None:
    report, score = both["columnar"].report, np.array(columns["score"])
    positive, sex = np.array(columns["target"]) == "yes", np.array(columns["sex"])
    selected = score >= thresholds_of(BY_SEX, columns)
    assert report["metrics"]["accuracy"] == pytest.approx((selected == positive).mean())
    by_value = {part["value"]: part["metrics"] for part in report["slices"]}
    for value in ("Female", "Male"):
        rows = sex == value
        assert by_value[value]["selection_rate"] == pytest.approx(selected[rows].mean())
        assert by_value[value]["tpr"] == pytest.approx(selected[rows & positive].mean())
        assert by_value[value]["fpr"] == pytest.approx(selected[rows & ~positive].mean())
    before = np.array(columns["score"]) >= thresholds_of(BY_RACE, columns)
    flips = report["comparison"]["flips"]
    assert flips["to_positive"] == pytest.approx((selected & ~before).mean()) != 0
    assert flips["to_negative"] == pytest.approx((before & ~selected).mean()) != 0
    assert report["comparison"]["metrics"]["accuracy"] == pytest.approx((before == positive).mean())


@pytest.mark.slow
def test_at_the_common_threshold_it_is_the_model_without_them(
    both: dict[str, Any], columns: Any, evaluate: Any
) -> None:
    plain = evaluate("binary", columns, sensitive=SENSITIVE).report
    report = both["columnar"].report
    common = report["group_thresholds"]["at_common"]
    for name, value in plain["metrics"].items():
        assert common["metrics"][name] == pytest.approx(value)
        assert common["intervals"][name] == pytest.approx(plain["intervals"][name])
        assert (report["metrics"][name] == pytest.approx(value)) == (name not in DECISIONS), name
    assert common["gaps"] == {group: pytest.approx(gaps) for group, gaps in plain["gaps"].items()}
    assert [part["metrics"] for part in common["slices"]] == [
        pytest.approx(part["metrics"]) for part in plain["slices"]
    ]
    assert report["histogram"] == plain["histogram"]
    assert report["decision_threshold"] == plain["decision_threshold"] == COMMON
    assert "group_thresholds" not in plain


@pytest.mark.slow
def test_other_model_alone_may_have_them(columns: Any, evaluate: Any, grouped_model: Any) -> None:
    options = {"sensitive": [("sex",)], "other": grouped_model(BY_RACE)}
    runs = [evaluate("binary", columns, engine=engine, **options).report for engine in ("tfma", "columnar")]
    assert_equal(*runs)
    now, before = np.array(columns["score"]) >= COMMON, np.array(columns["score"]) >= thresholds_of(BY_RACE, columns)
    assert runs[0]["comparison"]["flips"]["to_positive"] == pytest.approx((now & ~before).mean()) != 0
    assert "group_thresholds" not in runs[0]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["tfma", "columnar"])
def test_model_that_does_not_tell_its_thresholds_is_refused(
    engine: str, columns: Any, evaluate: Any, grouped_model: Any
) -> None:
    message = "no output 'threshold'" if engine == "columnar" else "threshold"
    with pytest.raises((EvaluationError, RuntimeError), match=message):
        evaluate("binary", columns, engine=engine, model=grouped_model(BY_SEX, tells=False))


def test_thresholds_of_rows_are_cut_and_ordered_with_them() -> None:
    """Rows of several cells, of which the second is sorted before the first."""
    rows = Predictions(
        np.array([1, 0, 1, 0]),
        np.array([0.4, 0.4, 0.4, 0.4]),
        {"sex": Column.of(["m", "f", "m", "f"])},
        other=np.array([0.4, 0.4, 0.4, 0.4]),
        threshold=np.array([0.3, 0.5, 0.3, 0.5], np.float32),
        other_threshold=np.array([0.5, 0.3, 0.5, 0.5], np.float32),
    )
    task = TaskSpec("binary", "y", ("no", "yes"))
    plan = EvaluationPlan(task, (("sex",),), 0.45, by_row=True, other_by_row=True)
    found = {part.key: part for part in measure(rows, plan)}
    assert found[()].model.metrics["accuracy"] == 1.0
    assert found[()].at_common is not None and found[()].at_common.metrics["selection_rate"] == 0.0
    assert found[(("sex", "m"),)].model.metrics["selection_rate"] == 1.0
    assert found[(("sex", "m"),)].flips == {"to_positive": 1.0, "to_negative": 0.0}
    assert found[(("sex", "f"),)].flips == {"to_positive": 0.0, "to_negative": 0.5}
    assert found[(("sex", "f"),)].other is not None
    assert EvaluationPlan.from_json(plan.to_json()) == plan


def test_card_tells_of_thresholds(tmp_path: Path) -> None:
    from tfx_automl.components.model_card import read_group_thresholds, read_threshold, write_card

    write_card(str(tmp_path), card(BY_SEX))
    assert read_threshold(str(tmp_path)) == COMMON
    assert GroupThresholds.from_dict(read_group_thresholds(str(tmp_path)) or {}) == BY_SEX
    write_card(str(tmp_path), {"threshold": None})
    assert read_group_thresholds(str(tmp_path)) is None
