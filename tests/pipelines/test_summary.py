"""The summary of a run, as far as it is read from a single artifact."""

from types import SimpleNamespace

from tfx_automl.components.transform.plan import FILE, FeatureDecision, FeaturePlan
from tfx_automl.models.task import TaskSpec
from tfx_automl.pipelines.summary import _features, _warnings


def test_warnings_of_the_feature_plan_are_notes(tmp_path):
    decisions = (FeatureDecision("a", "numeric", "why"), FeatureDecision("y", "label", "the label"))
    plan = FeaturePlan(TaskSpec("regression", "y"), 9, decisions, ("the column 'a' is too good",))
    (tmp_path / FILE).write_text(plan.to_json(), encoding="utf-8")
    transform = SimpleNamespace(uris={"feature_plan": tmp_path})
    assert _warnings(transform) == ["WARNING: the column 'a' is too good"]
    assert [entry["name"] for entry in _features(transform)["kept"]] == ["a"]
