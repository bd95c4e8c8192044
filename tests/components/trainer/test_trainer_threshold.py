"""The threshold: chosen out of sample, exported, told in the card, and used by Evaluator."""

import numpy as np
import pytest

from tfx_automl.models.thresholds import best_threshold

pytestmark = pytest.mark.slow


@pytest.fixture
def served(people, examples_of):
    """A function from a Model folder and a split to labels (0 or 1), probabilities and classes."""
    import tensorflow as tf

    def call(model, split: str):
        signature = tf.saved_model.load(str(model / "Format-Serving")).signatures["serving_default"]
        examples = examples_of(people.ExampleGen.uris["examples"], split)
        found = signature(examples=tf.constant([example.SerializeToString() for example in examples]))
        labels = [int(e.features.feature["label"].bytes_list.value[0] == b"yes") for e in examples]
        return np.array(labels), found["probabilities"].numpy()[:, 0], found["classes"].numpy()[:, 0]

    return call


def test_number_decides_the_exported_classes(execute, served):
    done = execute("given", max_epochs=2, threshold=0.3)
    assert done.card["threshold"] == {"value": 0.3, "chosen_by": None}
    _, probability, classes = served(done.model, "test")
    assert classes.tolist() == np.where(probability >= np.float32(0.3), b"yes", b"no").tolist()
    assert (classes == b"yes").sum() > (probability >= 0.5).sum()


@pytest.mark.parametrize("rule", ["f1", "balanced_accuracy"])
def test_rule_chooses_on_the_eval_split(execute, served, rule):
    done = execute("rule", max_epochs=3, threshold=rule)
    label, probability, classes = served(done.model, "eval")
    chosen = done.card["threshold"]
    assert chosen["chosen_by"] == rule
    assert chosen["value"] == pytest.approx(best_threshold(rule, label, probability), abs=1e-6)
    hits = (classes == b"yes") == (label == 1)
    assert done.card["metrics"]["eval"]["accuracy"] == pytest.approx(hits.mean(), abs=1e-9)


def test_rows_that_are_trained_on_never_choose(execute, served, inputs):
    done = execute("all", mode="retrain_all", max_epochs=3, threshold="f1")
    epochs = done.card["epochs"]
    assert [entry.get("in_sample", False) for entry in done.history] == [False] * epochs + [True] * epochs
    # The eval split was trained on, too: what it would choose by this model is not what was chosen.
    label, probability, _ = served(done.model, "eval")
    assert done.card["threshold"]["value"] != best_threshold("f1", label, probability)
    assert done.card["metrics"]["eval"] is not None


def test_evaluator_judges_at_the_threshold_of_the_card(people, execute, served, tmp_path):
    import json

    from tfx.types import standard_artifacts

    from tfx_automl.components.evaluator.executor import Executor
    from tfx_automl.components.evaluator.options import EvaluatorOptions
    from tfx_automl.components.types import FairnessReport

    def artifact(kind, path):
        made = kind()
        made.uri = str(path)
        return [made]

    done = execute("given", max_epochs=3, threshold=0.25)
    examples = artifact(standard_artifacts.Examples, people.ExampleGen.uris["examples"])
    examples[0].split_names = json.dumps(["train", "eval", "test"])
    outputs = {
        "evaluation": artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation"),
        "blessing": artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing"),
        "fairness_report": artifact(FairnessReport, tmp_path / "report"),
    }
    context = Executor.Context(
        beam_pipeline_args=["--direct_running_mode=in_memory"], tmp_dir=str(tmp_path / "beam"), unique_id="1"
    )
    options = EvaluatorOptions(people.task, sensitive=[["member"]], min_slice_size=1)
    model = artifact(standard_artifacts.Model, done.model)
    Executor(context).Do({"examples": examples, "model": model}, outputs, options.to_properties())
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    _, probability, _ = served(done.model, "test")
    assert report["decision_threshold"] == 0.25
    assert report["metrics"]["selection_rate"] == pytest.approx((probability >= 0.25).mean(), abs=1e-9)
    assert (probability >= 0.25).mean() != (probability >= 0.5).mean()
    by_slice = [part["count"] * part["metrics"]["selection_rate"] for part in report["slices"]]
    assert sum(by_slice) == pytest.approx((probability >= 0.25).sum(), abs=1e-6)
    assert "predicted when its probability is at least 0.25" in (tmp_path / "report" / "report.html").read_text()
