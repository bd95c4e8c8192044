"""The Evaluator as a component: construct, Do() checked against scikit-learn and fairlearn, and a pipeline."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
import sklearn.metrics as sk

from tfx_automl.components.sensitive import MISSING
from tfx_automl.errors import ConfigError, EvaluationError
from tfx_automl.models.task import TaskSpec

SENSITIVE = (("sex",), ("race",), ("age_group",), ("sex", "race"))


@pytest.fixture(scope="session")
def binary(evaluate: Any, make_columns: Any) -> SimpleNamespace:
    """One evaluation of a binary model with all kinds of slices, with its columns as arrays."""
    columns = make_columns("binary")
    done = evaluate("binary", columns, {"majority": {"auc": 0.5}, "rows_used": 3, "split": "test"}, sensitive=SENSITIVE)
    done.columns = {name: np.array([MISSING if v is None else v for v in values]) for name, values in columns.items()}
    done.label = (done.columns["target"] == "yes").astype(int)
    done.score = done.columns["score"].astype(np.float32)
    done.predicted = (done.score >= 0.5).astype(int)
    return done


def slice_of(report: dict[str, Any], feature: str, value: str) -> dict[str, Any]:
    return next(entry for entry in report["slices"] if (entry["feature"], entry["value"]) == (feature, value))


class TestConstruct:
    def make(self, **options: Any) -> Any:
        from tfx.types import channel_utils, standard_artifacts

        from tfx_automl.components import Evaluator

        examples = channel_utils.as_channel([standard_artifacts.Examples()])
        model = channel_utils.as_channel([standard_artifacts.Model()])
        return Evaluator(examples, model, task=TaskSpec("binary", "target", ("no", "yes")), **options)

    def test_outputs_and_parameters(self) -> None:
        component = self.make(sensitive=[["sex"], ["sex", "race"]], max_gaps={"auc_difference": 0.1})
        assert {name: channel.type_name for name, channel in component.outputs.items()} == {
            "evaluation": "ModelEvaluation",
            "blessing": "ModelBlessing",
            "fairness_report": "FairnessReport",
        }
        assert json.loads(component.exec_properties["sensitive"]) == [["sex"], ["sex", "race"]]
        assert json.loads(component.exec_properties["max_gaps"]) == {"auc_difference": 0.1}
        assert json.loads(component.exec_properties["example_splits"]) == ["test"]
        assert component.exec_properties["min_slice_size"] == 30

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"sensitive": ["sex"]}, r"such as \('sex',\); got 'sex'"),
            ({"sensitive": [[]]}, "one or more different column names"),
            ({"sensitive": [["target"]]}, "label 'target' cannot be a sensitive column"),
            ({"sensitive": [["a", "b"], ["b", "a"]]}, "may be given once"),
            ({"max_gaps": {"auc_difference": 0.1}}, "max_gaps bounds auc_difference, but there are no sensitive"),
            ({"min_metrics": {"r2": 0.1}}, "'r2', which is no metric"),
            ({"min_slice_size": 0}, "1 or more rows; got 0"),
            ({"example_splits": []}, "name at least one split"),
        ],
    )
    def test_what_cannot_be_done_is_refused_at_once(self, options: dict[str, Any], text: str) -> None:
        with pytest.raises(ConfigError, match=text):
            self.make(**options)

    def test_all_problems_together(self) -> None:
        with pytest.raises(ConfigError) as caught:
            self.make(sensitive=["sex"], min_slice_size=-1, min_metrics={"nonsense": 1})
        assert len(caught.value.problems) == 3


@pytest.mark.slow
class TestDo:
    def test_overall_metrics_equal_scikit_learn(self, binary: SimpleNamespace) -> None:
        metrics, label, score, predicted = binary.report["metrics"], binary.label, binary.score, binary.predicted
        negative = label == 0
        expected = {
            "accuracy": sk.accuracy_score(label, predicted),
            "precision": sk.precision_score(label, predicted),
            "tpr": sk.recall_score(label, predicted),
            "fpr": predicted[negative].mean(),
            "fnr": 1 - sk.recall_score(label, predicted),
            "selection_rate": predicted.mean(),
            "loss": sk.log_loss(label, np.clip(score.astype(float), 1e-7, 1 - 1e-7)),
            "mean_prediction": score.mean(),
            "mean_label": label.mean(),
        }
        assert {name: metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6)
        assert metrics["auc"] == pytest.approx(sk.roc_auc_score(label, score), abs=1e-9)
        assert (score == 0.5).any(), "the test must have predictions at the decision threshold"

    def test_slices_hold_every_row_once(self, binary: SimpleNamespace) -> None:
        for group in SENSITIVE:
            entries = [entry for entry in binary.report["slices"] if entry["features"] == list(group)]
            assert sum(entry["count"] for entry in entries) == len(binary.label)
        assert slice_of(binary.report, "race", MISSING)["count"] == (binary.columns["race"] == MISSING).sum()
        assert [e["value"] for e in binary.report["slices"] if e["feature"] == "age_group"] == ["20", "40", "60"]

    def test_crossing_keeps_the_order_of_its_features(self, binary: SimpleNamespace) -> None:
        entry = slice_of(binary.report, "sex,race", "Male,<script>")
        rows = (binary.columns["sex"] == "Male") & (binary.columns["race"] == "<script>")
        assert entry["count"] == rows.sum()
        assert entry["metrics"]["selection_rate"] == pytest.approx(binary.predicted[rows].mean(), abs=1e-6)

    @pytest.mark.parametrize("group", SENSITIVE)
    def test_gaps_equal_fairlearn(self, binary: SimpleNamespace, group: tuple[str, ...]) -> None:
        key = np.array([",".join(map(str, row)) for row in zip(*(binary.columns[name] for name in group), strict=True)])
        large = np.isin(key, [value for value in np.unique(key) if (key == value).sum() >= 30])
        arguments = {"y_true": binary.label[large], "y_pred": binary.predicted[large]}
        found = binary.report["gaps"][",".join(group)]
        for name in ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"):
            expected = getattr(fairlearn, name)(**arguments, sensitive_features=key[large])
            assert found[name] == pytest.approx(expected, abs=1e-6), name
        frame = fairlearn.MetricFrame(
            metrics={"equal_opportunity": fairlearn.true_positive_rate, "accuracy": sk.accuracy_score},
            **arguments,
            sensitive_features=key[large],
        )
        for name, expected in frame.difference().items():
            assert found[f"{name}_difference"] == pytest.approx(expected, abs=1e-6), name

    def test_stock_tooling_reads_the_evaluation(self, binary: SimpleNamespace) -> None:
        import tensorflow_model_analysis as tfma

        result = tfma.load_eval_result(str(binary.folder / "evaluation"))
        keys = {key for key, _ in result.slicing_metrics}
        assert {(), (("sex", "Male"),), (("age_group", 20),), (("race", "<script>"), ("sex", "Male"))} <= keys
        assert result.config.model_specs[0].label_key == "target_xf"
        accuracy = result.get_metrics_for_slice()["accuracy"]["boundedValue"]
        assert accuracy["value"] == binary.report["metrics"]["accuracy"]
        bounds = [accuracy["lowerBound"], accuracy["upperBound"]]
        assert bounds == pytest.approx(binary.report["intervals"]["accuracy"], abs=1e-6)  # replicates are float32

    def test_blessing_has_the_stock_form(self, binary: SimpleNamespace) -> None:
        assert binary.report["blessed"]
        assert [path.name for path in (binary.folder / "blessing").iterdir()] == ["BLESSED"]
        assert binary.blessing.get_int_custom_property("blessed") == 1
        assert binary.blessing.get_string_custom_property("current_model") == binary.model.uri

    def test_html_escapes_the_slice_value(self, binary: SimpleNamespace) -> None:
        page = (binary.folder / "fairness_report" / "report.html").read_text()
        assert page.count("<script") == 2  # the slider's own data and code
        assert "&lt;script&gt;" in page

    def test_refusal_is_written_with_its_reason(self, evaluate: Any, make_columns: Any) -> None:
        gaps = {"demographic_parity_difference": 0.01}
        done = evaluate("binary", make_columns("binary", 150), sensitive=[("sex",)], max_gaps=gaps)
        assert not done.report["blessed"]
        assert "for sex is 0." in done.report["reasons"][0]
        assert [path.name for path in (done.folder / "blessing").iterdir()] == ["NOT_BLESSED"]
        assert done.blessing.get_int_custom_property("blessed") == 0

    def test_multiclass(self, evaluate: Any, make_columns: Any, make_task: Any) -> None:
        columns = make_columns("multiclass")
        done = evaluate("multiclass", columns, {"majority": {"accuracy": 0.99}}, sensitive=[("sex",)])
        score = np.array([columns[f"score{index}"] for index in range(3)]).T
        label = np.array([make_task("multiclass").classes.index(value) for value in columns["target"]])
        right, male = score.argmax(axis=1) == label, np.array(columns["sex"]) == "Male"
        metrics = done.report["metrics"]
        assert metrics["accuracy"] == pytest.approx(right.mean(), abs=1e-6)
        assert metrics["loss"] == pytest.approx(sk.log_loss(label, score), abs=1e-4)
        chosen = score.argmax(axis=1)
        assert metrics["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(label, chosen), abs=1e-6)
        assert metrics["macro_f1"] == pytest.approx(sk.f1_score(label, chosen, average="macro"), abs=1e-6)
        difference = abs(right[male].mean() - right[~male].mean())
        assert done.report["gaps"]["sex"]["accuracy_difference"] == pytest.approx(difference, abs=1e-6)
        assert not done.report["blessed"]

    def test_regression(self, evaluate: Any, make_columns: Any) -> None:
        columns = make_columns("regression")
        bounds = {"r2": 0.5, "rmse": 2.0}
        done = evaluate("regression", columns, {"mean": {"rmse": 3.0}}, sensitive=[("sex",)], min_metrics=bounds)
        label, score = np.array(columns["target"]), np.array(columns["score"])
        male = np.array(columns["sex"]) == "Male"
        expected = {
            "rmse": np.sqrt(sk.mean_squared_error(label, score)),
            "mae": sk.mean_absolute_error(label, score),
            "r2": sk.r2_score(label, score),
            "mean_prediction": score.mean(),
            "mean_label": label.mean(),
            "mean_residual": (score - label).mean(),
        }
        assert {name: done.report["metrics"][name] for name in expected} == pytest.approx(expected, rel=1e-6)
        difference = abs(score[male].mean() - score[~male].mean())
        assert done.report["gaps"]["sex"]["mean_prediction_difference"] == pytest.approx(difference, abs=1e-6)
        bias = abs((score - label)[male].mean() - (score - label)[~male].mean())
        assert done.report["gaps"]["sex"]["mean_residual_difference"] == pytest.approx(bias, abs=1e-6)
        assert done.report["blessed"]


@pytest.mark.slow
class TestBadInput:
    def test_unknown_sensitive_column_is_found_before_beam_runs(self, evaluate: Any, make_columns: Any) -> None:
        with pytest.raises(
            EvaluationError, match=r"sensitive feature 'gender'; the features are age, age_group, race, "
        ):
            evaluate("binary", make_columns("binary", 20), sensitive=[("gender",)])

    def test_unknown_split(self, evaluate: Any, make_columns: Any) -> None:
        with pytest.raises(EvaluationError, match="no split eval; they have test"):
            evaluate("binary", make_columns("binary", 20), example_splits=("eval",))

    @pytest.mark.parametrize(
        ("splits", "advice"),
        [
            (("test",), r"example_splits=\('eval',\), or Baseline split='test'\.$"),
            (("test", "eval"), r"evaluated on test, eval: .* example_splits=\('eval',\)\.$"),
        ],
    )
    def test_baseline_of_another_split(self, evaluate: Any, make_columns: Any, splits: Any, advice: str) -> None:
        baseline = {"majority": {"auc": 0.5}, "split": "eval"}
        with pytest.raises(EvaluationError, match=rf"(?s)measured on the split eval, but .*{advice}"):
            evaluate("binary", make_columns("binary", 20), baseline, example_splits=splits)

    def test_no_rows(self, evaluate: Any, make_columns: Any) -> None:
        with pytest.raises(EvaluationError, match="no rows to evaluate"):
            evaluate("binary", {name: [] for name in make_columns("binary", 1)})

    def test_label_of_no_class(self, evaluate: Any, make_columns: Any) -> None:
        columns = make_columns("binary", 20)
        columns["target"][3] = "maybe"
        with pytest.raises(
            EvaluationError, match="1 of 20 rows of a batch have a value of 'target' that is none of the cl"
        ):
            evaluate("binary", columns)

    def test_prediction_that_is_no_number(self, evaluate: Any, make_columns: Any) -> None:
        columns = make_columns("regression", 20)
        columns["score"][3] = float("nan")
        with pytest.raises(EvaluationError, match="predicts NaN or infinity for 1 of 20 rows"):
            evaluate("regression", columns)

    def test_lost_rows_are_noticed(self, binary: SimpleNamespace, make_task: Any) -> None:
        from tfx_automl.components.evaluator.engine import load_evaluation
        from tfx_automl.components.evaluator.plan import EvaluationPlan

        with pytest.raises(EvaluationError, match="400 rows were evaluated, but the examples hold 401"):
            load_evaluation(str(binary.folder / "evaluation"), EvaluationPlan(make_task("binary"), SENSITIVE), 401)


@pytest.mark.slow
@pytest.mark.parametrize(("bound", "blessed"), [(1.0, True), (0.0, False)])
def test_pipeline_with_stock_components(
    tmp_path: Path, write_examples: Any, make_columns: Any, make_model: Any, make_task: Any, bound: float, blessed: bool
) -> None:
    from tfx import v1 as tfx

    from tfx_automl.components import Evaluator

    source = write_examples(tmp_path / "source", make_columns("binary", 150))
    split = tfx.proto.Input.Split(name="test", pattern="Split-test/*")
    example_gen = tfx.components.ImportExampleGen(source.uri, input_config=tfx.proto.Input(splits=[split]))
    importer = tfx.dsl.Importer(make_model("binary").uri, tfx.types.standard_artifacts.Model).with_id("model")
    evaluator = Evaluator(
        example_gen.outputs["examples"],
        importer.outputs["result"],
        task=make_task("binary"),
        sensitive=[["sex"]],
        max_gaps={"demographic_parity_difference": bound},
        example_splits=["train", "eval"],
    )
    folder = tfx.proto.PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
    pusher = tfx.components.Pusher(
        model=importer.outputs["result"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(filesystem=folder),
    )
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="evaluate",
            pipeline_root=str(tmp_path / "root"),
            components=[example_gen, importer, evaluator, pusher],
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(tmp_path / "metadata.db")
            ),
            beam_pipeline_args=["--direct_running_mode=in_memory", "--direct_num_workers=1"],
        )
    )
    assert bool(list(tmp_path.glob("serving/*/saved_model.pb"))) is blessed
    (report,) = tmp_path.glob("root/Evaluator/fairness_report/*/report.json")
    assert json.loads(report.read_text())["blessed"] is blessed
