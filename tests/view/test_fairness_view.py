"""The fairness view: the Evaluator's report, TFMA's results, and predictions in a DataFrame."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tfx_automl import view
from tfx_automl.errors import ConfigError, DataError


def people(rows: int = 400, seed: int = 0, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], rows)
    label = rng.random(rows) < 0.5
    score = np.clip(0.5 * label + 0.25 * (sex == "m") + 0.4 * rng.random(rows), 0, 1)
    found = {
        "label": np.where(label, "yes", "no"),
        "prediction": score,
        "sex": sex,
        "race": rng.choice(["a", "b"], rows),
    }
    return pd.DataFrame(found | columns)


def rates(frame: pd.DataFrame, threshold: float = 0.5) -> dict[str, float]:
    """The true positive rate of each sex."""
    positive = frame[frame["label"] == "yes"]
    return (positive["prediction"] >= threshold).groupby(positive["sex"]).mean().to_dict()


def test_predictions_in_a_frame(look):
    frame = people()
    shown = view.fairness(frame, sensitive=["sex", ("sex", "race")])
    (page,) = look(shown).frames
    assert page.replace('<base href="about:srcdoc"/>', "") == shown.page
    assert "Fairness report: label" in shown.title
    table = shown.to_frame().set_index(["feature", "value"])
    assert table.loc[("", ""), "count"] == 400
    for sex, rate in rates(frame).items():
        assert table.loc[("sex", sex), "tpr"] == pytest.approx(rate, abs=1e-6)
    assert ("sex,race", "f,a") in table.index
    assert "Equalized odds difference" in page or "equalized odds" in page.lower()


def test_numbers_are_cut():
    frame = people(age=[20.0, 45.0, 70.0, None] * 100)
    table = view.fairness(frame, sensitive=["age"], cuts={"age": [45, 65]}).to_frame()
    assert table["value"].tolist() == ["", "under 45", "45 to under 65", "65 and over", "(missing)"]
    assert table["count"].tolist() == [400, 100, 100, 100, 100]
    with pytest.raises(ConfigError, match="cuts: the column 'sex' must hold numbers to be cut"):
        view.fairness(frame, sensitive=["sex"], cuts={"sex": [1]})


def test_threshold_and_positive_class():
    frame = people()
    table = view.fairness(frame, sensitive=["sex"], threshold=0.8).to_frame().set_index("value")
    assert table.loc["m", "tpr"] == pytest.approx(rates(frame, 0.8)["m"], abs=1e-6)
    flipped = people(prediction=1 - frame["prediction"])
    table = view.fairness(flipped, sensitive=["sex"], positive="no").to_frame().set_index("value")
    assert table.loc["m", "auc"] == pytest.approx(view.fairness(frame).to_frame().set_index("value").loc["m", "auc"])


def test_gaps_are_fairlearns():
    from fairlearn.metrics import equalized_odds_difference

    from tfx_automl.view.columns import FrameColumns
    from tfx_automl.view.frames import report_of

    frame = people(3000)
    columns = FrameColumns(
        "label", "prediction", ["sex", "race"], "auto", None, 0.5, {"equalized_odds_difference": 0.1}, 30
    )
    report = report_of(frame, columns)
    truth, chosen = frame["label"] == "yes", frame["prediction"] >= 0.5
    for name in ("sex", "race"):
        expected = equalized_odds_difference(truth, chosen, sensitive_features=frame[name])
        assert report["gaps"][name]["equalized_odds_difference"] == pytest.approx(expected, abs=1e-6)
        assert report["gap_intervals"][name]["equalized_odds_difference"] is not None
    assert report["blessed"] is False
    assert any("equalized_odds_difference for sex" in reason for reason in report["reasons"])


@pytest.mark.parametrize(
    ("label", "classes"),
    [([0, 1], ["0", "1"]), ([0.0, 1.0], ["0", "1"]), ([False, True], ["False", "True"]), (["a", "b"], ["a", "b"])],
)
def test_labels_of_every_type(label, classes):
    from tfx_automl.view.columns import FrameColumns
    from tfx_automl.view.frames import report_of

    values = [label[text == "yes"] for text in people()["label"]]
    report = report_of(people(label=values), FrameColumns("label", "prediction", ["sex"], "auto", None, 0.5, None, 30))
    assert list(report["task"]["classes"]) == classes
    assert report["metrics"]["auc"] > 0.8


def test_columns_of_every_type():
    rows = 400
    ages = pd.cut(np.linspace(18, 90, rows), [0, 40, 60, 100])
    frame = people(age=ages, veteran=np.arange(rows) % 2 == 0, region=pd.Series([1, None] * (rows // 2), dtype="Int64"))
    values = set(view.fairness(frame).to_frame()["value"])
    assert {"(0, 40]", "True", "False", "1", "(missing)", "f", "a"} <= values


def test_several_classes_and_numbers():
    frame = people()
    scores = np.random.default_rng(1).dirichlet([1, 1, 1], len(frame))
    columns = {name: scores[:, place] for place, name in enumerate(("red", "green", "blue"))}
    colours = people(label=np.array(list(columns))[scores.argmax(axis=1)], **columns)
    table = view.fairness(colours, prediction=list(columns), sensitive=["sex"]).to_frame()
    assert table["accuracy"].tolist() == table["balanced_accuracy"].tolist() == [1.0] * 3
    assert table["tpr of red"].tolist() == [1.0] * 3
    for sex, part in colours.groupby("sex"):
        share = (part["label"] == "blue").mean()
        assert table.set_index("value").loc[sex, "selection_rate of blue"] == pytest.approx(share)
    page = view.fairness(colours, prediction=list(columns), sensitive=["sex"]).page
    assert "Each class against the rest, by groups of sex" in page
    numbers = people(label=np.arange(400.0), prediction=np.arange(400.0) + (frame["sex"] == "m") * 2.0)
    table = view.fairness(numbers, sensitive=["sex"]).to_frame().set_index("value")
    assert table.loc["m", "rmse"] == pytest.approx(2.0)
    assert table.loc["f", "rmse"] == 0.0


def test_values_of_a_frame_are_no_markup(look, evil):
    frame = people(sex=[evil, "m"] * 200).rename(columns={"race": evil})
    (page,) = look(view.fairness(frame)).frames
    assert "<script>alert" not in page


BAD = [
    ({"sensitive": ["sexx"]}, ConfigError, "has no column 'sexx'; it has label, prediction, sex, race"),
    ({"label": "y", "prediction": "p"}, ConfigError, "has no column 'y'(.|\n)*has no column 'p'"),
    ({"sensitive": []}, ConfigError, r"expected at least one column that makes groups, such as \['sex'\]; got none"),
    ({"sensitive": ["label"]}, ConfigError, "The label 'label' cannot be a sensitive column"),
    ({"task": "ranking"}, ConfigError, "task: expected one of auto, binary, multiclass, regression, got 'ranking'"),
    ({"threshold": 50}, ConfigError, "threshold: expected a probability from 0 to 1, got 50"),
    ({"positive": "maybe"}, ConfigError, "positive: expected a value of 'label', no or yes; got 'maybe'"),
    ({"max_gaps": {"unfairness": 1}}, ConfigError, "'unfairness', which is no gap that can be bounded"),
    ({"min_slice_size": 0}, ConfigError, "min_slice_size must be 1 or more rows; got 0"),
    ({"prediction": ["prediction"]}, ConfigError, "one column for each of 3 or more classes, got .'prediction'."),
    ({"task": "regression"}, DataError, "the column 'label' must hold numbers"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
def test_arguments_that_do_not_fit_a_frame(options, error, message):
    with pytest.raises(error, match=message):
        view.fairness(people(), **options)


BAD_FRAMES = [
    (people(0), "has no rows"),
    (people(label=["yes", None] * 200), "200 of 400 rows have no 'label'"),
    (people(label=["a", "b", "c", "d"] * 100), "needs two different values of 'label'; got 4: a, b, c, d"),
    (people(label="yes"), "needs two different values of 'label'; got 1: yes"),
    (
        people(prediction=np.linspace(-3, 3, 400)),
        "probabilities from 0 to 1, got values from -3 to 3 .* apply a sigmoid",
    ),
    (people(prediction=[0.5, np.nan] * 200), "200 of 400 rows have no finite number in 'prediction'"),
    (people(prediction="high"), "the column 'prediction' must hold numbers"),
    (
        people(age=np.arange(400)),
        "the sensitive column 'age' has 400 different values; expected 200 at most. Cut numbers",
    ),
]


@pytest.mark.parametrize(("frame", "message"), BAD_FRAMES)
def test_frames_that_cannot_be_evaluated(frame, message):
    with pytest.raises(DataError, match=message):
        view.fairness(frame)


def test_labels_that_are_no_class():
    with pytest.raises(DataError, match="values such as 'no', but the classes are sex, race, prediction"):
        view.fairness(people(sex=0.1, race=0.2, age="x"), prediction=["sex", "race", "prediction"])


@pytest.fixture
def written(report_folder):
    """The report of a run, and its content."""
    from tfx_automl.view.columns import FrameColumns
    from tfx_automl.view.frames import report_of

    report = report_of(people(), FrameColumns("label", "prediction", None, "auto", None, 0.5, None, 30))
    (report_folder / "report.json").write_text(json.dumps(report))
    return report


def test_report_of_a_run(run, written, report_folder, look, tmp_path):
    from tfx_automl.components.evaluator.report import render_html

    shown = view.fairness(run, height=333)
    page = look(shown)
    # Links within the report must not lead to the notebook.
    assert page.frames == [render_html(written).replace("<head>", '<head><base href="about:srcdoc"/>')]
    assert page.text == "The report is drawn here once this notebook is trusted, or run again."
    assert "height:333px" in shown.body
    assert shown.save(tmp_path / "report.html").read_text(encoding="utf-8") == render_html(written)
    assert view.fairness(report_folder).body == view.fairness(run).body
    assert shown.to_frame()["value"].tolist() == ["", "f", "m", "a", "b"]


def test_arguments_of_a_frame_are_refused_elsewhere(run, written):
    with pytest.raises(ConfigError, match="label, threshold can be given for a pandas DataFrame only; got PosixPath"):
        view.fairness(run, label="y", threshold=0.3)


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_report_that_is_none(report_folder, text):
    (report_folder / "report.json").write_text(text)
    with pytest.raises(ConfigError, match=r"whose report\.json is no report"):
        view.fairness(report_folder)


@pytest.mark.parametrize("source", [42, "nowhere", SimpleNamespace(uri="/x", type_name="Model")])
def test_what_is_no_evaluation(source):
    with pytest.raises(ConfigError, match=r"^fairness: expected .* or a tfma\.EvalResult, or a pandas DataFrame"):
        view.fairness(source)


def test_folder_without_an_evaluation(search_folder):
    with pytest.raises(ConfigError, match=r"which has neither report\.json nor eval_config\.json"):
        view.fairness(search_folder)


def result(evil: str) -> SimpleNamespace:
    """What `tfma.load_eval_result` returns, with everything that TFMA may put there."""

    def metrics(tpr: object, rows: float) -> dict[str, Any]:
        bounded = {"value": 0.75, "lowerBound": 0.7, "upperBound": 0.8, "methodology": "POISSON_BOOTSTRAP"}
        found: dict[str, Any] = {"example_count": {"doubleValue": rows}, "auc": {"boundedValue": bounded}}
        found |= {"fairness/tpr@0.5": {"doubleValue": tpr}, "curve": {"confusionMatrixAtThresholds": {}}}
        return {
            "": {"": found, "classId:1": {"recall": {"doubleValue": 0.25}}},
            "second": {"": {"mae": {"doubleValue": 3}}},
        }

    slices = [
        ((), metrics(0.5, 300.0)),
        ((("sex", evil),), metrics(0.4, 200.0)),
        ((("sex", "m"),), metrics(0.9, 90.0)),
        ((("sex", "x"),), metrics("NaN", 10.0)),
        ((("age", 30), ("sex", "m")), metrics(0.6, 40.0)),
        ((("age", 7), ("sex", "m")), metrics(0.6, 40.0)),
    ]
    return SimpleNamespace(slicing_metrics=slices)


def test_result_of_somebody_elses_configuration(look, evil):
    shown = view.fairness(result(evil))
    page = look(shown)
    assert "script" not in page.tags
    assert "Not shown, because they are more than a number for each slice: curve" in page.text
    for words in ("By sex", "By age and sex", "fairness/tpr@0.5", "recall classId:1", "second mae", "0.7 to 0.8"):
        assert words in page.text
    assert "0.5000<script>alert('x')</scr… below m" in page.text  # the difference, and between whom
    assert "Not compared, because of too few rows: x." in page.text
    assert "(too few rows)" in page.drawn
    assert page.text.index("7, m") < page.text.index("30, m")
    assert len(page.pictures) == 2 * 4
    frame = shown.to_frame().set_index("slice")
    assert frame.loc["sex=m", "fairness/tpr@0.5"] == 0.9
    assert np.isnan(frame.loc["sex=x", "fairness/tpr@0.5"])
    assert frame.loc["", "second mae"] == 3


def test_result_without_slices_or_numbers(evil, look):
    only = SimpleNamespace(slicing_metrics=result(evil).slicing_metrics[:1])
    assert "add SlicingSpec" in look(view.fairness(only)).text
    with pytest.raises(ConfigError, match=r"this one has none\. Of several models, load one by its name"):
        view.fairness(SimpleNamespace(slicing_metrics=[]))
    plots = SimpleNamespace(slicing_metrics=[((), {"": {"": {"curve": {"confusionMatrixAtThresholds": {}}}}})])
    with pytest.raises(ConfigError, match=r"this one has none that is a number. Add metrics"):
        view.fairness(plots)


@pytest.mark.parametrize("compared", [False, True])
def test_evaluation_of_one_model_or_two(compared, tmp_path):
    """In a folder, as the Evaluator writes it; of two models the new one is shown."""
    from tfx_automl.components.evaluator.columnar.engine import measure
    from tfx_automl.components.evaluator.plan import EvaluationPlan, Sources
    from tfx_automl.components.evaluator.predictions import Column, Predictions
    from tfx_automl.components.evaluator.result_files import write_results
    from tfx_automl.models.task import TaskSpec

    frame = people()
    label, score = (frame["label"] == "yes").to_numpy().astype(np.int64), frame["prediction"].to_numpy()
    other = 1 - score if compared else None
    plan = EvaluationPlan(TaskSpec("binary", "label", ("no", "yes")), (("sex",),))
    rows = Predictions(label, score, {"sex": Column.of(frame["sex"].tolist())}, other)
    write_results(str(tmp_path), plan, measure(rows, plan), Sources(["-"], "new", "old" if compared else None))
    for shown in (view.fairness(tmp_path), view.tfma_widget(tmp_path)):
        table = shown.to_frame().set_index("slice")
        assert table.loc["sex=f", "tpr"] == pytest.approx(rates(frame)["f"], abs=1e-6)


@pytest.mark.parametrize(("version", "draws"), [("6.5.7", True), ("7.6.5", False), (None, False)])
def test_widget_of_tfma_where_it_draws_something(version, draws, monkeypatch):
    from tensorflow_model_analysis.view import widget_view

    from tfx_automl.view import widget

    def installed(name):
        assert name == "notebook"
        if version is None:
            raise widget.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(widget.metadata, "version", installed)
    monkeypatch.setattr(widget_view, "render_slicing_metrics", lambda found, slicing_column: (found, slicing_column))
    given = result("f")
    shown = view.tfma_widget(given, slicing_column="sex")
    assert (shown == (given, "sex")) == draws
    assert isinstance(shown, view.View) != draws


def test_widget_of_tfma_refuses_what_is_no_result(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^tfma_widget: expected .* of type ModelEvaluation .*, or a tfma.EvalResult"
    ):
        view.tfma_widget(tmp_path / "absent")


def test_without_bounds_nothing_is_judged():
    frame = people()
    assert "Nothing was judged: no bound was given" in view.fairness(frame).page
    judged = view.fairness(frame, max_gaps={"demographic_parity_difference": 1}).page
    assert "Blessed: this model may be pushed" in judged and "Nothing was judged" not in judged


@pytest.mark.slow
def test_result_of_tfma_itself(look):
    """Metrics of a stock configuration equal those that we compute from the same predictions."""
    import tensorflow_model_analysis as tfma
    from google.protobuf import text_format
    from tensorflow_model_analysis.proto import config_pb2

    config = text_format.Parse(
        """
        model_specs { label_key: "label" prediction_key: "prediction" }
        metrics_specs { metrics { class_name: "ExampleCount" } metrics { class_name: "AUC" } }
        metrics_specs { metrics { class_name: "Recall" config: '{"thresholds": [0.5]}' } }
        slicing_specs {}
        slicing_specs { feature_keys: ["sex"] }
        """,
        config_pb2.EvalConfig(),
    )
    frame = people()
    stock = tfma.analyze_raw_data(frame.assign(label=(frame["label"] == "yes").astype(float)), config)
    shown = view.fairness(stock)
    page = look(shown)
    assert "By sex" in page.text and "recall" in page.text
    table = shown.to_frame().set_index("slice")
    assert table.loc["sex=f", "recall"] == pytest.approx(rates(frame)["f"], abs=1e-6)
    assert table.loc["sex=f", "example_count"] == (frame["sex"] == "f").sum()
