"""Models that are pushed to a bucket which TFX cannot write to."""

from pathlib import Path
from typing import Any

import pytest
from tfx import v1 as tfx
from tfx.dsl.component.experimental.decorators import component

from tfx_automl.errors import DataError
from tfx_automl.kubeflow.task import store

FILES = {"saved_model.pb": "graph", "variables/variables.index": "index", "a.txt": "a", "assets/z.txt": "z"}


@component
def Train(model: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.Model]):
    """Makes what looks like a model."""
    for name, text in FILES.items():
        path = Path(model.uri) / "Format-Serving" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@component
def Judge(
    blessed: tfx.dsl.components.Parameter[int],
    blessing: tfx.dsl.components.OutputArtifact[tfx.types.standard_artifacts.ModelBlessing],
):
    """Blesses a model or not."""
    blessing.set_int_custom_property("blessed", blessed)


@pytest.fixture
def push(launch: Any) -> Any:
    """A function that runs Pusher with a destination, and returns the run."""

    def run(destination: str, blessed: int = 1, name: str = "run-1") -> Any:
        train, judge = Train(), Judge(blessed=blessed)
        filesystem = tfx.proto.PushDestination.Filesystem(base_directory=destination)
        pusher = tfx.components.Pusher(
            model=train.outputs["model"],
            model_blessing=judge.outputs["blessing"],
            push_destination=tfx.proto.PushDestination(filesystem=filesystem),
        )
        return launch(tfx.dsl.Pipeline("push", "unused", components=[train, judge, pusher]), name)

    return run


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_bucket_has_the_model_and_the_artifact_says_where(push, tmp_path):
    run = push("minio://models/penguins/")
    assert run.failed == []
    [version] = (run.bucket / "models" / "penguins").iterdir()
    assert files_in(version) == FILES
    metadata = run.outputs["pusher"]["pushed_model"]["metadata"]
    assert metadata["pushed_destination"] == f"minio://models/penguins/{version.name}"
    assert metadata["pushed_version"] == version.name
    assert files_in(run.bucket / run.outputs["pusher"]["pushed_model"]["uri"].removeprefix("minio://")) == FILES


def test_other_destinations_are_left_to_tfx(push, tmp_path):
    run = push(str(tmp_path / "serving"))
    [version] = (tmp_path / "serving").iterdir()
    assert files_in(version) == FILES
    assert run.outputs["pusher"]["pushed_model"]["metadata"]["pushed_destination"] == str(version)


def test_a_model_that_is_not_blessed_is_not_pushed(push):
    run = push("minio://models/penguins", blessed=0)
    assert run.failed == []
    assert not (run.bucket / "models").exists()
    assert run.outputs["pusher"]["pushed_model"]["metadata"]["pushed"] == 0


def test_what_servers_wait_for_comes_last(tmp_path, monkeypatch):
    import fsspec

    class Watched(fsspec.get_filesystem_class("file")):
        sent: list[str] = []

        def put_file(self, lpath, rpath, **options):
            self.sent.append(Path(rpath).name)
            return super().put_file(lpath, rpath, **options)

    monkeypatch.setattr(store, "_open", lambda place: (Watched(), f"{tmp_path}/there"))
    for name, text in FILES.items():
        path = tmp_path / "here" / "7" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    store.send(str(tmp_path / "here"), "s3://models", last="saved_model.pb")
    assert sorted(Watched.sent) == ["a.txt", "saved_model.pb", "variables.index", "z.txt"]
    assert Watched.sent[-1] == "saved_model.pb"
    assert files_in(tmp_path / "there" / "7") == FILES


def test_a_bucket_that_cannot_be_written_to(push, tmp_path, capfd):
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "models").write_text("a file, not a folder")
    run = push("minio://models/penguins")
    assert run.failed == ["pusher"]
    assert (
        "tfx-automl: Pusher failed: DataError: minio://models/penguins cannot be written to" in capfd.readouterr().err
    )
    with pytest.raises(DataError, match="AWS_ACCESS_KEY_ID"):
        store.send(str(tmp_path), "s3://", last="")
