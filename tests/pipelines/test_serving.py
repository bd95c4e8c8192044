"""The newest version in the serving folder is always that of the last run, whatever the cache holds."""

import shutil
import time

import pytest

from tfx_automl.pipelines.metadata import read_outputs
from tfx_automl.pipelines.output import OutputFolder
from tfx_automl.pipelines.runner import run_locally
from tfx_automl.pipelines.serving import forget_stale_pushes, newest_version


def _version(serving, name, whole=True):
    (serving / name).mkdir(parents=True)
    if whole:
        (serving / name / "saved_model.pb").touch()
    return serving / name


def test_newest_version_is_the_largest_number(tmp_path):
    assert newest_version(tmp_path / "absent") is None
    _version(tmp_path, "9")
    ten = _version(tmp_path, "10")
    _version(tmp_path, "notes")
    assert newest_version(tmp_path) == ten


def test_a_half_copied_version_is_not_served(tmp_path):
    _version(tmp_path, "9")
    _version(tmp_path, "10", whole=False)
    assert newest_version(tmp_path) is None


def test_nothing_to_forget_where_nothing_ran(tmp_path):
    forget_stale_pushes(OutputFolder.at(str(tmp_path / "new")))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def push(tmp_path):
    """A function that pushes the model of that name; returns what is served then, and whether Pusher was cached."""
    from tfx import v1 as tfx

    output = OutputFolder.at(str(tmp_path / "run"))
    output.create()

    def run(name: str) -> "tuple[str, bool]":
        model = tmp_path / name / "Format-Serving"
        model.mkdir(parents=True, exist_ok=True)
        (model / "saved_model.pb").write_text(name, encoding="utf-8")
        importer = tfx.dsl.Importer(str(tmp_path / name), tfx.types.standard_artifacts.Model).with_id("Model")
        filesystem = tfx.proto.PushDestination.Filesystem(base_directory=str(output.serving))
        pusher = tfx.components.Pusher(
            model=importer.outputs["result"], push_destination=tfx.proto.PushDestination(filesystem=filesystem)
        )
        pipeline = tfx.dsl.Pipeline(
            pipeline_name="p",
            pipeline_root=str(output.artifacts),
            components=[importer, pusher],
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(output.metadata)
            ),
        )
        forget_stale_pushes(output)
        times = run_locally(pipeline)
        pushed = read_outputs(output.metadata, "p")["Pusher"].properties["pushed_model"]["pushed_destination"]
        assert str(newest_version(output.serving)) == pushed
        time.sleep(1.1)  # versions are seconds
        return (newest_version(output.serving) / "saved_model.pb").read_text("utf-8"), "Pusher" in times.cached

    run.serving = output.serving
    return run


@pytest.mark.slow
def test_an_older_model_is_pushed_again(push):
    assert push("a") == ("a", False)
    assert push("a") == ("a", True)
    assert push("b") == ("b", False)
    assert push("a") == ("a", False)
    assert push("a") == ("a", True)
    assert len(list(push.serving.iterdir())) == 3


@pytest.mark.slow
def test_a_removed_model_is_pushed_again(push):
    assert push("a") == ("a", False)
    shutil.rmtree(push.serving)
    assert push("a") == ("a", False)
    assert push("a") == ("a", True)
