"""Resolvers: what tasks of earlier runs noted, what strategies choose from it, and nothing on the first run."""

import json
import shutil
from pathlib import Path

import kubeflow_for_tests as pieces
import pytest
from tfx import v1 as tfx
from tfx.types import standard_artifacts

from tfx_automl.components.evaluator.last_blessed import EarlierBlessedModelStrategy
from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.task.store import Store

Latest = tfx.dsl.experimental.LatestArtifactStrategy
LatestBlessed = tfx.dsl.experimental.LatestBlessedModelStrategy


def of_models(strategy, blessed, after_training):
    """A pipeline that trains, judges, and asks for a model; another task reads what was found."""
    train = pieces.Train()
    judge = pieces.Judge(model=train.outputs["model"], blessed=blessed)
    resolver = tfx.dsl.Resolver(
        strategy_class=strategy,
        model=tfx.dsl.Channel(type=standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("Find.it")
    if after_training:
        resolver.add_upstream_node(train)
    compare = pieces.Compare(old=resolver.outputs["model"])
    components = [train, judge, resolver, compare] if after_training else [resolver, compare, train, judge]
    return tfx.dsl.Pipeline(pipeline_name="models", pipeline_root="unused", components=components)


def found(run):
    """What the last task found: the run in which the model was trained."""
    uri = run.outputs["compare"]["found"]["uri"].removeprefix("minio://")
    return (run.bucket / uri).read_text()


@pytest.mark.parametrize(("strategy", "after"), [(LatestBlessed, False), (EarlierBlessedModelStrategy, True)])
def test_blessed_models_of_earlier_runs(launch, strategy, after):
    first = launch(of_models(strategy, 1, after), run="run-1")
    assert found(first) == "nothing"
    assert json.loads(first.outputs["find-it"]["model"]["metadata"]["tfx_automl"]) == []
    assert found(launch(of_models(strategy, 0, after), run="run-2")) == "run-1"
    assert found(launch(of_models(strategy, 1, after), run="run-3")) == "run-1"  # that of run 2 was not blessed
    assert found(launch(of_models(strategy, 1, after), run="run-4")) == "run-3"


def test_latest_artifact(launch):
    def pipeline():
        train = pieces.Train()
        resolver = tfx.dsl.Resolver(
            strategy_class=Latest, model=tfx.dsl.Channel(type=standard_artifacts.Model, producer_component_id="Train")
        ).with_id("Latest")
        components = [resolver, pieces.Compare(old=resolver.outputs["model"]), train]
        return tfx.dsl.Pipeline(pipeline_name="latest", pipeline_root="unused", components=components)

    assert [found(launch(pipeline(), run=f"run-{number}")) for number in range(3)] == ["nothing", "run-0", "run-1"]


def test_several_artifacts_at_once(launch):
    def pipeline():
        train = pieces.Train()
        resolver = tfx.dsl.Resolver(
            strategy_class=Latest,
            config={"desired_num_of_artifacts": 2},
            model=tfx.dsl.Channel(type=standard_artifacts.Model),
        ).with_id("Latest")
        components = [resolver, pieces.Several(old=resolver.outputs["model"]), train]
        return tfx.dsl.Pipeline(pipeline_name="several", pipeline_root="unused", components=components)

    for number in range(3):
        run = launch(pipeline(), run=f"run-{number}")
    uri = run.outputs["several"]["found"]["uri"].removeprefix("minio://")
    assert (run.bucket / uri).read_text() == "run-0 run-1"


def test_required_input_that_nothing_fills_yet(launch, capfd):
    resolver = tfx.dsl.Resolver(strategy_class=Latest, total=tfx.dsl.Channel(type=standard_artifacts.Integer))
    fail = pieces.Fail(total=resolver.outputs["total"])
    run = launch(tfx.dsl.Pipeline(pipeline_name="empty", pipeline_root="unused", components=[resolver, fail]))
    assert run.failed == ["fail"]
    assert "the required input 'total' is empty: no Resolver found anything for it yet" in capfd.readouterr().err


def test_resolver_chooses_from_this_run(launch):
    train = pieces.Train()
    resolver = tfx.dsl.Resolver(strategy_class=Latest, model=train.outputs["model"])
    compare = pieces.Compare(old=resolver.outputs["model"])
    run = launch(tfx.dsl.Pipeline(pipeline_name="own", pipeline_root="unused", components=[train, resolver, compare]))
    assert found(run) == "run-1"


def test_pipelines_do_not_see_each_other(launch):
    launch(of_models(LatestBlessed, 1, False), run="run-1")
    other = of_models(LatestBlessed, 1, False)
    other.pipeline_info.pipeline_name = "others"
    assert found(launch(other, run="run-2")) == "nothing"


def test_a_history_that_cannot_be_written_fails_before_the_work(launch, tmp_path, capfd):
    (tmp_path / "history").write_text("a file")
    run = launch(of_models(LatestBlessed, 1, False))
    assert "train" in run.failed
    assert f"{tmp_path / 'history'} cannot be written to" in capfd.readouterr().err


def test_an_artifact_that_was_deleted_since(launch, tmp_path, capfd):
    launch(of_models(LatestBlessed, 1, False), run="run-1")
    shutil.rmtree(tmp_path / "bucket" / "run-1" / "train")
    run = launch(of_models(LatestBlessed, 1, False), run="run-2")
    assert run.failed == ["find-it", "compare"]
    assert "minio://run-1/train/7/model cannot be read" in capfd.readouterr().err


def test_history_is_noted_only_for_what_resolvers_ask(launch, tmp_path):
    launch(of_models(LatestBlessed, 1, False))
    noted = sorted(path.parent.name for path in Path(tmp_path / "history" / "models").rglob("*.json"))
    assert noted == ["Judge", "Train"]


def test_strategy_that_asks_ml_metadata(launch, capfd):
    resolver = tfx.dsl.Resolver(strategy_class=pieces.Asking, model=tfx.dsl.Channel(type=standard_artifacts.Model))
    run = launch(tfx.dsl.Pipeline(pipeline_name="asking", pipeline_root="unused", components=[resolver]))
    assert run.failed == ["resolver"]
    assert "The strategy asks ML Metadata" in capfd.readouterr().err


def test_channel_without_a_resolver_is_refused(compiled):
    compare = pieces.Compare(old=tfx.dsl.Channel(type=standard_artifacts.Model))
    with pytest.raises(ConfigError, match=r"Compare: its input 'old' is a channel that no component .* put a Resolver"):
        compiled(tfx.dsl.Pipeline(pipeline_name="p", pipeline_root="unused", components=[compare]))


def test_store_on_any_fsspec_path():
    store = Store("memory://history")
    assert store.read_all("a") == {}
    store.write("a/b.json", "1")
    store.write("a/c/d.json", "2")
    assert list(store.read_all("a").values()) == ["1", "2"]
