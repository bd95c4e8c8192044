"""The user's own `tfma.EvalConfig` before the run: what is read, what is refused and why, all at once."""

import json
from typing import Any

import pytest

from tfx_automl.components.evaluator.own.given import config_text
from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec

TASKS = {
    "binary": TaskSpec("binary", "target", ("no", "yes")),
    "multiclass": TaskSpec("multiclass", "target", ("a", "b", "c")),
    "regression": TaskSpec("regression", "target"),
}
COLUMNS = ("sex", "race", "age", "target")
F1 = 'metrics { class_name: "F1Score" }'


def problems(text: str, kind: str = "binary", sensitive: Any = (("sex",),)) -> tuple[str, ...]:
    from tfx_automl.components.evaluator.own.checked import OwnConfig

    try:
        OwnConfig.of(text, TASKS[kind], sensitive, COLUMNS)
    except ConfigError as error:
        return error.problems
    return ()


class TestText:
    @pytest.mark.parametrize("given", ["", "  ", "{}"])
    def test_nothing_is_refused(self, given: str) -> None:
        with pytest.raises(ConfigError, match="eval_config is empty: give it metrics_specs"):
            config_text(given)

    def test_something_else_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"expected a tfma\.EvalConfig, or its JSON or text format; got dict"):
            config_text({"metrics_specs": []})


@pytest.mark.slow
class TestGiven:
    def test_message_json_and_text_format_say_the_same(self) -> None:
        from google.protobuf import json_format, text_format
        from tensorflow_model_analysis.proto import config_pb2

        from tfx_automl.components.evaluator.own.given import read_config

        config = text_format.Parse(f"slicing_specs {{}} metrics_specs {{ {F1} }}", config_pb2.EvalConfig())
        for given in (config, json_format.MessageToJson(config), text_format.MessageToString(config)):
            assert read_config(config_text(given)) == config

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", r"expected a tfma\.EvalConfig in JSON"),
            ('{"metric_specs": []}', "metric_specs"),
            ("metric_specs {}", r"expected a tfma\.EvalConfig in text format; .*metric_specs"),
            ("# nothing", "eval_config is empty"),
        ],
    )
    def test_what_cannot_be_read(self, text: str, said: str) -> None:
        from tfx_automl.components.evaluator.own.given import read_config

        with pytest.raises(ConfigError, match=said):
            read_config(text)


CROSS = 'baseline_spec { feature_values { key: "sex" value: "F" } }'
REFUSED = [
    # what contradicts the model
    ('model_specs { signature_name: "other" }', r"signature_name is 'other', but it has to be 'serving_default'"),
    ('model_specs { label_key: "sex" }', "label_key is 'sex', but it has to be 'target_xf' or 'target'"),
    ('model_specs { prediction_key: "logits" }', "prediction_key is 'logits', but it has to be 'probabilities'"),
    ('model_specs { preprocessing_function_names: "tft_layer" }', "has to be 'transform_features'"),
    ('model_specs { label_keys { key: "a" value: "b" } }', "label_keys cannot be used: the model is evaluated on one"),
    ('model_specs { model_type: "tf_lite" }', "model_type is 'tf_lite', but it has to be 'tf_generic'"),
    ("model_specs {} model_specs {}", "expected at most a model and one with is_baseline, got 2"),
    ('model_specs { name: "mine" }', "name is 'mine', but it has to be 'candidate'"),
    (
        'model_specs { example_weight_key: "wieght" }',
        "example_weight_key names 'wieght', which is no feature: they are age",
    ),
    ("model_specs { inference_batch_size: 3 }", "inference_batch_size cannot be used"),
    # options and specifications that would have no effect
    ("options { include_default_metrics { value: true } }", "the model comes without metrics of its own"),
    ("options { confidence_intervals { method: JACKKNIFE } }", "no effect without compute_confidence_intervals"),
    ('options { disabled_outputs { values: "plots" } }', "disabled_outputs cannot be used"),
    (f'metrics_specs {{ {F1} output_names: "x" }}', r"metrics_specs\[1\]\.output_names cannot be used"),
    (f'metrics_specs {{ {F1} model_names: "baseline" }}', r"model_names is \['baseline'\], but the models are"),
    ("metrics_specs { }", r"metrics_specs\[1\] has no metrics"),
    # slices
    ('slicing_specs { feature_keys: "gender" }', r"slicing_specs\[0\] names 'gender', which is no feature: they are"),
    ('slicing_specs { feature_keys: "rac" }', "names 'rac', which is no feature: did you mean 'race'?"),
    ('slicing_specs { feature_keys: "target" }', r"names the label 'target': slices are made from other columns"),
    ('slicing_specs { feature_values { key: "target_xf" value: "1" } }', "names the label 'target_xf'"),
    ('slicing_specs { feature_keys: "age_xf" }', "the transformed feature 'age_xf': .* name 'age'"),
    ('slicing_specs { slice_keys_sql: "SELECT 1" }', "slice_keys_sql cannot be used"),
    ('slicing_specs { feature_keys: "sex" feature_keys: "sex" }', "names 'sex' more than once"),
    ('slicing_specs { feature_keys: "sex" feature_values { key: "sex" value: "F" } }', "names 'sex' more than once"),
    (
        'slicing_specs { feature_keys: "sex" } slicing_specs { feature_keys: "sex" }',
        r"specs\[1\] repeats slicing_specs",
    ),
    (f"cross_slicing_specs {{ {CROSS} }} cross_slicing_specs {{ {CROSS} }}", r"\[1\] repeats cross_slicing_specs\[0\]"),
    # metrics
    (
        'metrics_specs { metrics { class_name: "F2Score" } }',
        "no metric 'F2Score' in TFMA or tf_keras.metrics; did you mean",
    ),
    ('metrics_specs { metrics { class_name: "X" module: "no.such" } }', r"its module 'no\.such' cannot be imported"),
    ('metrics_specs { metrics { class_name: "X" module: "json" } }', "there is no metric 'X' in module 'json'"),
    ('metrics_specs { metrics { class_name: "AUC" config: "{" } }', r"\(AUC\): it cannot be made from its config {"),
    ('metrics_specs { metrics { class_name: "AUC" config: \'{"curv": 1}\' } }', "unexpected keyword argument 'curv'"),
    ('metrics_specs { metrics { class_name: "MeanAttributions" } }', "it needs attributions, which the Evaluator does"),
    (
        'metrics_specs { metrics { class_name: "MultiClassConfusionMatrixPlot" } }',
        "cannot be computed from labels .* binary",
    ),
    (f"metrics_specs {{ {F1} }}", r"gives 'f1_score', as metrics_specs\[0\].* does; give one of them another name"),
    # thresholds
    ('metrics_specs { metrics { class_name: "AUC" threshold {} } }', r"threshold has no bound"),
    (
        'metrics_specs { metrics { class_name: "AUC" } thresholds { key: "acc" value { value_threshold '
        "{ lower_bound { value: 1 } } } } }",
        r"metrics_specs\[1\]\.thresholds names 'acc', which is none of its metrics \(auc\)",
    ),
    (
        'metrics_specs { metrics { class_name: "AUC" threshold { change_threshold { absolute { value: 1 } } } } }',
        "change_threshold needs direction",
    ),
    (
        'metrics_specs { metrics { class_name: "AUC" threshold { value_threshold { lower_bound { value: 1 } '
        "upper_bound { value: 0 } } } } }",
        "no value is at least 1 and at most 0",
    ),
    (
        'metrics_specs { metrics { class_name: "CalibrationPlot" threshold { value_threshold '
        "{ lower_bound { value: 1 } } } } }",
        "has a threshold, but gives no number of the name 'calibration_plot'",
    ),
    (
        'metrics_specs { metrics { class_name: "AUC" per_slice_thresholds { threshold { value_threshold '
        "{ lower_bound { value: 0.5 } } } } } }",
        "has no slicing_specs; name the slices",
    ),
    (
        'metrics_specs { metrics { class_name: "AUC" per_slice_thresholds { slicing_specs { feature_keys: "age" } '
        "threshold { value_threshold { lower_bound { value: 0.5 } } } } } }",
        "is for slices of age, which slicing_specs does not name",
    ),
    (
        'metrics_specs { metrics { class_name: "AUC" cross_slice_thresholds { cross_slicing_specs { '
        f"{CROSS} slicing_specs {{}} }} threshold {{ value_threshold {{ lower_bound {{ value: 0.5 }} }} }} }} }} }}",
        "a baseline_spec that cross_slicing_specs does not name",
    ),
]


@pytest.mark.slow
class TestRefused:
    @pytest.mark.parametrize(("text", "said"), REFUSED)
    def test_one_sentence_each(self, text: str, said: str) -> None:
        import re

        found = problems(f"metrics_specs {{ {F1} }} {text}")
        assert len(found) == 1, found
        assert found[0].startswith("eval_config: ") and found[0].endswith((".", "?")) and "\n" not in found[0]
        assert re.search(said, found[0]), found[0]

    def test_all_at_once(self) -> None:
        text = "".join(part for part, _ in REFUSED if part.startswith(("slicing", "options")))
        assert len(problems(f"metrics_specs {{ {F1} }} {text}")) >= 8

    def test_one_hot_labels_and_cross_slices_without_metrics(self) -> None:
        (one_hot,) = problems('metrics_specs { metrics { class_name: "CategoricalCrossEntropy" } }', "multiclass")
        assert "use 'SparseCategoricalCrossentropy'" in one_hot
        (alone,) = problems(f"cross_slicing_specs {{ {CROSS} }}")
        assert "there are none; name at least one metric" in alone

    def test_two_thresholds_for_one_metric(self) -> None:
        bound = "{ value_threshold { lower_bound { value: 0.5 } } }"
        text = f'metrics {{ class_name: "AUC" threshold {bound} }} thresholds {{ key: "auc" value {bound} }}'
        assert "two thresholds for 'auc'" in problems(f"metrics_specs {{ {text} }}")[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", TASKS)
def test_what_stock_configurations_say_is_accepted(kind: str) -> None:
    metric = {"binary": "BinaryAccuracy", "multiclass": "SparseCategoricalAccuracy", "regression": "MeanSquaredError"}
    text = f"""
        model_specs {{ name: "candidate" signature_name: "serving_default" label_key: "target_xf"
          preprocessing_function_names: "transform_features" }}
        model_specs {{ name: "baseline" is_baseline: true }}
        slicing_specs {{}}
        slicing_specs {{ feature_keys: "race" feature_values {{ key: "age" value: "40" }} }}
        metrics_specs {{
          metrics {{ class_name: "ExampleCount" }}
          metrics {{ class_name: "{metric[kind]}"
            per_slice_thresholds {{ slicing_specs {{ feature_keys: "sex" }}
              threshold {{ value_threshold {{ lower_bound {{ value: 0.5 }} }} }} }} }}
        }}
        options {{ include_default_metrics {{ value: false }} compute_confidence_intervals {{ value: true }} }}
    """
    assert problems(text, kind) == ()


@pytest.mark.slow
class TestComponent:
    def make(self, **options: Any) -> Any:
        from tfx.types import channel_utils, standard_artifacts

        from tfx_automl.components import Evaluator

        channels = [
            channel_utils.as_channel([kind()]) for kind in (standard_artifacts.Examples, standard_artifacts.Model)
        ]
        schema = channel_utils.as_channel([standard_artifacts.Schema()])
        return Evaluator(*channels, task=TASKS["binary"], schema=schema, **options)

    def test_it_is_carried_as_text(self) -> None:
        from tfx_automl.components.evaluator.options import EvaluatorOptions

        text = f"metrics_specs {{ {F1} }}"
        component = self.make(eval_config=text)
        assert component.exec_properties["eval_config"] == text and "schema" in component.inputs
        assert EvaluatorOptions.from_properties(component.exec_properties).eval_config == text
        assert self.make().exec_properties["eval_config"] == ""

    def test_columnar_is_refused_and_all_problems_come_together(self) -> None:
        with pytest.raises(ConfigError) as caught:
            self.make(eval_config='slicing_specs { feature_keys: "target" }', engine="columnar", min_slice_size=0)
        assert len(caught.value.problems) == 3
        assert (
            "engine: columnar cannot compute what eval_config asks for; expected tfma or auto." in caught.value.problems
        )

    def test_message(self) -> None:
        from tensorflow_model_analysis.proto import config_pb2

        spec = config_pb2.MetricsSpec(metrics=[config_pb2.MetricConfig(class_name="F1Score")])
        text = self.make(eval_config=config_pb2.EvalConfig(metrics_specs=[spec])).exec_properties["eval_config"]
        assert json.loads(text)["metrics_specs"][0]["metrics"][0]["class_name"] == "F1Score"
