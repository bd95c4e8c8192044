"""`tfx-automl image check`: what a pipeline needs, what is found in an image, and how that is judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docker_for_tests import FakeDocker

from tfx_automl import __version__
from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.image import check, probe
from tfx_automl.kubeflow.image.pipeline_file import read_needs
from tfx_automl.pipelines.cli import main

ENTRY_POINT = "tfx_automl.kubeflow.task.component"
FIT = {
    "python": "3.10.13",
    "user": 10001,
    "packages": {"tfx-automl": __version__, "tfx": "1.16.0", "tensorflow": "2.16.2", "apache-beam": "2.60.0"},
    "folders": [],
    "seconds": {"Trainer": [4.0, 3.5], "Transform": [5.0, 4.5]},
    "imports": {},
    "file_systems": {"gs:// with TensorFlow": "", "s3:// with fsspec": ""},
    "byte_code": {"modules": 1200, "missing": []},
}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: Any) -> FakeDocker:
    """The stand-in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return FakeDocker(folder, monkeypatch)


@pytest.fixture
def judged(docker: FakeDocker, capsys: Any) -> Any:
    """A function from what a probe finds to the exit status and what is said."""

    def judge(*options: str, **found: Any) -> tuple[int, str, str]:
        docker.answer(run=f"noise\n{probe.MARK}{json.dumps({**FIT, **found})}")
        status = main(["image", "check", "mine:1", *options])
        said = capsys.readouterr()
        return status, said.out, said.err

    return judge


@pytest.fixture(scope="session")
def pipeline_file(compiled: Any, tmp_path_factory: Any) -> Path:
    """A compiled pipeline with code of the user's."""
    import image_pipeline_for_tests

    path: Path = tmp_path_factory.mktemp("image") / "pipeline.yaml"
    path.write_text(compiled(image_pipeline_for_tests.make("/data.csv", "/serving"), image="mine:1").yaml())
    return path


def test_an_image_that_is_fit(judged: Any, docker: FakeDocker) -> None:
    status, out, err = judged()
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"mine:1: Python 3.10.13, tfx-automl {__version__}, tfx 1.16.0, tensorflow 2.16.2, apache-beam 2.60.0; runs as"
        " user 10001",
        "A task of Trainer has imported what it needs after 4.0 s (3.5 s of the processor).",
        "A task of Transform has imported what it needs after 5.0 s (4.5 s of the processor).",
        "Byte code: 1200 of 1200 modules that tasks import have it.",
        "File systems: gs:// with TensorFlow, s3:// with fsspec.",
        "The image is fit for its tasks.",
    ]
    [words] = docker.calls("run")
    assert words[1:-1] == ["--rm", "--interactive", "--network", "none", "--entrypoint", "python", "mine:1", "-"]


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({"user": 0}, "The image runs as root: give it a USER."),
        ({"packages": {**FIT["packages"], "tfx": ""}}, "TFX and tfx-automl must be installed in the image"),
        (
            {"packages": {**FIT["packages"], "tfx-automl": "0.0.1"}},
            f"tfx-automl 0.0.1, but pipelines are compiled here with {__version__}",
        ),
        (
            {"imports": {ENTRY_POINT: "ImportError: x"}},
            f"{ENTRY_POINT} (the entry point) cannot be imported: ImportError: x.",
        ),
        ({"byte_code": {"modules": 3, "missing": ["a.b"]}}, "1 modules have no byte code, such as a.b"),
        (
            {"seconds": {"Trainer": [19.0, 10.1]}},
            "a task of Trainer imports takes 10.1 s of the processor, more than 10 s.",
        ),
        (
            {"file_systems": {"s3:// with fsspec": "ImportError: no s3fs"}},
            "s3:// with fsspec does not work: ImportError: no s3fs.",
        ),
        ({"folders": ["/minio"]}, "The user of the image cannot write into /minio"),
    ],
)
def test_what_is_wrong_is_said(judged: Any, found: dict[str, Any], problem: str) -> None:
    status, out, err = judged(**found)
    assert status == 1
    assert problem in err and len(err.splitlines()) == 1
    assert "fit for its tasks" not in out


def test_time_may_be_given(judged: Any) -> None:
    assert judged("--import-seconds", "11", seconds={"Trainer": [19.0, 10.1]})[0] == 0


def test_classes_of_a_pipeline_are_asked_for(judged: Any, docker: FakeDocker, pipeline_file: Path) -> None:
    missing = "ModuleNotFoundError: No module named 'image_pipeline_for_tests'"
    status, _, err = judged("--pipeline", str(pipeline_file), imports={"image_pipeline_for_tests.run_fn": missing})
    assert status == 1
    assert f"image_pipeline_for_tests.run_fn (needed by trainer) cannot be imported: {missing}." in err
    asked = json.loads(docker.calls("run")[0][-1])["imports"]
    assert {"tfx.components.trainer.executor.GenericExecutor", "tfx.components.pusher.executor.Executor"} <= set(asked)
    assert "tfx.types.standard_artifacts.Schema" in asked
    assert any(path.startswith("tfx_automl.components.example_gen.executor") for path in asked)


def test_a_pipeline_for_another_image_is_said(judged: Any, pipeline_file: Path) -> None:
    assert "compiled for" not in judged("--pipeline", str(pipeline_file))[1]
    other = pipeline_file.with_name("other.yaml")
    other.write_text(pipeline_file.read_text().replace("mine:1", "other:2"))
    status, out, _ = judged("--pipeline", str(other))
    assert status == 0
    assert "The pipeline was compiled for other:2: compile it with --image mine:1 to use this one." in out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot read"),
        ("a: [", "is not YAML"),
        ("a: 1", "is no compiled pipeline"),
        ("deploymentSpec: {executors: {}}", "no task of"),
    ],
)
def test_files_that_are_no_pipeline(tmp_path: Path, text: str | None, problem: str) -> None:
    path = tmp_path / "pipeline.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=f"--pipeline: .*{problem}"):
        read_needs(path)


def test_an_image_that_cannot_run(docker: FakeDocker, capsys: Any) -> None:
    docker.answer(run=[125, "Unable to find image\ndocker: no such image.\n"])
    assert main(["image", "check", "mine:1"]) == 2
    assert capsys.readouterr().err == "tfx-automl: mine:1 cannot be checked: docker: no such image.\n"
    docker.answer(run="hello")
    assert main(["image", "check", "mine:1"]) == 2
    assert "its Python ran, but said nothing of itself" in capsys.readouterr().err
    assert main(["image", "check", "--", "--privileged"]) == 2
    assert "IMAGE: expected a name" in capsys.readouterr().err


def test_the_probe_looks_at_this_python(docker: FakeDocker, monkeypatch: Any) -> None:
    """The program runs here as it does in a container: from standard input, with nothing but Python."""
    docker.answer(run=None)
    request = {
        "packages": ["tfx-automl", "no-such-package"],
        "timed": {"nothing": "import json; print('noise')", "missing": "import no_such_module"},
        "imports": ["json", "json.JSONDecoder", "json.nothing", "no_such_module.Executor"],
        "folders": ["/proc", "~"],
    }
    monkeypatch.setenv("HOME", str(docker.folder))
    found = check._probe(str(docker.folder / "docker"), "mine:1", request)
    assert found["packages"] == {"tfx-automl": __version__, "no-such-package": ""}
    assert set(found["seconds"]) == {"nothing"}
    wall, processor = found["seconds"]["nothing"]
    assert processor > 0 and wall > 0
    assert set(found["imports"]) == {"json.nothing", "no_such_module.Executor"}
    assert found["imports"]["no_such_module.Executor"].startswith(
        "ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert "~" not in found["folders"]
    assert found["file_systems"]["s3:// with Arrow"] == ""
    assert found["byte_code"]["modules"] > 100


@pytest.mark.parametrize("component", check._STARTS)
def test_what_is_timed_is_how_tasks_start(component: str) -> None:
    words = f"{check._STARTS[component]}; import sys; assert 'nltk.tokenize' not in sys.modules"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_missing_byte_code_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "without_byte_code.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert probe._error(lambda: probe._find("without_byte_code")) == ""
    assert "without_byte_code" in probe._byte_code()["missing"]
    del sys.modules["without_byte_code"]
