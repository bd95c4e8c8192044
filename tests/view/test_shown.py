"""The object that every view returns, and what a view takes."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tfx_automl import view
from tfx_automl.errors import ConfigError, TfxAutomlError
from tfx_automl.view.sources import Folder

HEAVY = ("tensorflow", "tfx", "tensorflow_data_validation", "tensorflow_model_analysis", "pandas", "keras", "pyarrow")


def test_importing_it_loads_nothing_heavy():
    code = f"import sys\nfrom tfx_automl import view\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_view_is_saved_as_a_page_of_its_own(tmp_path, look, evil):
    shown = view.View(evil, "<p>body</p>", ({"a": 1, "b": None}, {"a": 2}))
    path = shown.save(tmp_path / "view.html")
    assert path.is_absolute()
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "<p>body</p>" in page
    assert "<script" not in page and "http" not in page
    assert look(shown).text == "body"
    assert shown.to_frame()["a"].tolist() == [1, 2]
    assert "body" not in repr(shown)


def test_view_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.View("a", "b").title = "c"


def test_view_cannot_be_saved_where_there_is_no_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"save: .*absent/view\.html cannot be written .*; name a file"):
        view.View("a", "b").save(tmp_path / "absent" / "view.html")


class Artifact:
    """As views see one of TFX."""

    def __init__(self, uri: Path, type_name: str = "TunerResults") -> None:
        self.uri, self.type_name = str(uri), type_name


class Channel:
    """As an interactive context leaves the outputs of a component."""

    type_name = "TunerResults"

    def __init__(self, *artifacts: Artifact) -> None:
        self._artifacts = artifacts

    def get(self) -> tuple[Artifact, ...]:
        return self._artifacts


def test_run_artifact_channel_and_uri_are_the_same(run, search_folder, tmp_path, monkeypatch):
    artifact = Artifact(search_folder)
    monkeypatch.chdir(tmp_path)
    sources = [run, str(run), "run", artifact, [artifact], Channel(artifact), search_folder, f"file://{search_folder}"]
    bodies = {view.leaderboard(source).body for source in sources}
    assert len(bodies) == 1


def test_objects_of_tfx_itself(run, search_folder, statistics_folder):
    """Artifacts, a channel as an interactive context fills it, and one that no component has filled."""
    from tfx.dsl.components.common.importer import Importer
    from tfx.types import channel_utils, standard_artifacts

    results, statistics = standard_artifacts.TunerResults(), standard_artifacts.ExampleStatistics()
    results.uri, statistics.uri = str(search_folder), str(statistics_folder)
    assert view.leaderboard(results).body == view.leaderboard(run).body
    assert view.statistics(channel_utils.as_channel([statistics])).body == view.statistics(run).body
    with pytest.raises(ConfigError, match="got an artifact of type ExampleStatistics"):
        view.leaderboard(statistics)
    importer = Importer(source_uri="x", artifact_type=standard_artifacts.TunerResults)
    with pytest.raises(ConfigError, match="got OutputChannel with no artifacts; run the component, and give one"):
        view.leaderboard(importer.outputs["result"])


def test_home_folder_is_understood(run, monkeypatch):
    monkeypatch.setenv("HOME", str(run.parent))
    assert view.leaderboard(os.path.join("~", "run")).body == view.leaderboard(run).body


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Artifact(Path("/x"), "Model"), "of type TunerResults or its URI; got an artifact of type Model"),
        (Channel(), "got Channel with no artifacts; run the component, and give one"),
        (42, "got int"),
        (None, "got NoneType"),
        ("nowhere", "nowhere, which is no folder or an empty one"),
        (SimpleNamespace(uri="nowhere", type_name="TunerResults"), "nowhere, which is no folder"),
    ],
)
@pytest.mark.parametrize("name", ["leaderboard", "progress", "curves", "parameters", "pareto"])
def test_what_cannot_be_shown_is_refused(name, source, message):
    with pytest.raises(TfxAutomlError, match=message) as refused:
        getattr(view, name)(source)
    assert str(refused.value).startswith(f"{name}: expected the output folder of a run")


def test_unfinished_run(run):
    (run / "summary.json").unlink()
    with pytest.raises(ConfigError, match="the run did not end; the same command again goes on"):
        view.leaderboard(run)


def test_folder_elsewhere_is_read_through_tfx():
    import tensorflow as tf

    tf.io.gfile.makedirs("ram://view/Split-train")
    with tf.io.gfile.GFile("ram://view/Split-train/a.txt", "w") as file:
        file.write("text")
    folder = Folder("ram://view")
    assert folder.folders() == ["Split-train"]
    assert folder.read("Split-train/a.txt") == b"text"
    assert folder.read("Split-train/b.txt") is None
    assert Folder("ram://absent").folders() == []
