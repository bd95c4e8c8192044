"""`tfx-automl image build`, with a stand-in for Docker: what it is told, and what is said where it is missing."""

from pathlib import Path
from typing import Any

import pytest
from docker_for_tests import FakeDocker

from tfx_automl import __version__
from tfx_automl.kubeflow.image.build import BASES
from tfx_automl.pipelines.cli import main


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: Any) -> FakeDocker:
    """The stand-in; nothing of this machine's settings is left."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "SSL_CERT_FILE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    return FakeDocker(folder, monkeypatch)


def build(*options: str) -> int:
    return main(["image", "build", *options])


def test_what_docker_is_told(docker: FakeDocker) -> None:
    assert build("--stack", "a", "--tag", "registry.example/team/image:7", "--base", "mine:1", "--network", "host") == 0
    [words] = docker.calls("build")
    context = words[-1]
    assert words[1:-1] == [
        *("--file", f"{context}/kubeflow/Dockerfile", "--tag", "registry.example/team/image:7"),
        *("--build-arg", "BASE=mine:1", "--build-arg", "STACK=a"),
        *("--build-arg", f"VERSION={__version__}", "--build-arg", "TFX=1.16.0", "--network", "host"),
    ]
    assert docker.seen()["buildkit"] == "1"
    assert docker.calls("push") == []
    assert not Path(context).exists()


@pytest.mark.parametrize("stack", ["a", "b"])
def test_each_stack_has_its_base_and_its_lock(docker: FakeDocker, stack: str) -> None:
    assert build("--stack", stack) == 0
    assert f"BASE={BASES[stack]}" in docker.calls("build")[0]
    locks = [name for name in docker.seen()["files"] if name.startswith("requirements/")]
    assert locks == [f"requirements/image-{stack}.txt", "requirements/uv.txt"]


def test_the_context_holds_only_what_the_image_needs(docker: FakeDocker, repository: Path) -> None:
    assert build("--stack", "a") == 0
    files = docker.seen()["files"]
    assert {name.split("/")[0] for name in files} == {
        *("README.md", "components", "kubeflow", "models", "pipelines", "pyproject.toml", "requirements", "search"),
        *("setup.py", "tfx_automl", "view"),
    }
    assert not any("__pycache__" in name for name in files)
    assert sum((repository / name).stat().st_size for name in files) < 5e6


def test_code_of_the_user_goes_in(docker: FakeDocker, tmp_path: Path) -> None:
    for name in (
        "one.py",
        "package/__init__.py",
        "package/inner.py",
        "folder/two.py",
        "folder/.secret",
        "folder/data.json",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    options = [word for name in ("one.py", "package", "folder") for word in ("--include", str(tmp_path / name))]
    assert build("--stack", "a", *options) == 0
    assert [name for name in docker.seen()["files"] if name.startswith("modules/")] == [
        *("modules/data.json", "modules/one.py", "modules/package/__init__.py", "modules/package/inner.py"),
        "modules/two.py",
    ]


@pytest.mark.parametrize("name", ["nowhere", "empty", "text.txt", "json.py", "tfx_automl.py"])
def test_code_that_cannot_go_in_is_refused(docker: FakeDocker, tmp_path: Path, name: str, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    for file in ("text.txt", "json.py", "tfx_automl.py"):
        (tmp_path / file).write_text("")
    assert build("--stack", "a", "--include", str(tmp_path / name)) == 2
    said = capsys.readouterr().err
    assert said.startswith("tfx-automl: --include: ") and name in said
    assert docker.calls("build") == []


def test_a_python_for_a_base_without_one(docker: FakeDocker, tmp_path: Path) -> None:
    python = tmp_path / "python"
    for name in (
        "bin/python3",
        "lib/python3.10/os.py",
        "lib/python3.10/site-packages/x.py",
        "lib/python3.10/test/y.py",
    ):
        (python / name).parent.mkdir(parents=True, exist_ok=True)
        (python / name).write_text("")
    assert build("--stack", "a", "--python", str(python)) == 0
    found = [name for name in docker.seen()["files"] if name.startswith("python/")]
    assert found == ["python/bin/python3", "python/lib/python3.10/os.py"]


def test_what_is_no_python_is_refused(docker: FakeDocker, tmp_path: Path, capsys: Any) -> None:
    assert build("--stack", "a", "--python", str(tmp_path)) == 2
    assert f"--python: {tmp_path} is no installation of Python" in capsys.readouterr().err


def test_the_index_is_a_secret(docker: FakeDocker, monkeypatch: Any, tmp_path: Path) -> None:
    certificates = tmp_path / "certificates.crt"
    certificates.write_text("certificate")
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:password@index.example/simple")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    assert build("--stack", "a") == 0
    [words] = docker.calls("build")
    assert "password" not in " ".join(words)
    index, seen = words[words.index("--secret") + 1], docker.seen()
    assert index.startswith("id=index,src=") and f"id=certificates,src={certificates}" in words
    assert list(seen["secrets"].values()) == ["https://user:password@index.example/simple", "certificate"]
    assert not index.partition("src=")[2].startswith(seen["context"])  # else it could be copied into the image
    assert not Path(index.partition("src=")[2]).exists()


def test_pushing(docker: FakeDocker, capsys: Any) -> None:
    assert build("--stack", "a", "--tag", "mine:1", "--push") == 0
    assert docker.calls("push") == [["push", "mine:1"]]
    assert capsys.readouterr().out.startswith("mine:1 is built and pushed.")


def test_a_build_that_fails_is_not_pushed(docker: FakeDocker, capsys: Any) -> None:
    docker.answer(build=[3, "no such base\n"])
    assert build("--stack", "a", "--push") == 2
    assert (
        "The image was not built: `docker build` ended with exit status 3; its words are above."
        in capsys.readouterr().err
    )
    assert docker.calls("push") == []


def test_no_docker(monkeypatch: Any, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build("--stack", "a") == 2
    assert capsys.readouterr().err.startswith("tfx-automl: There is no `docker` on PATH. Install Docker Engine")


def test_docker_that_does_not_run(docker: FakeDocker, capsys: Any) -> None:
    docker.answer(info=[1, "Client:\nCannot connect to the Docker daemon. Is the docker daemon running?\n"])
    assert build("--stack", "a") == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "tfx-automl: Docker does not answer: Cannot connect to the Docker daemon. Is the docker daemon running?"
    )
    assert "Start it" in said


def test_docker_without_buildkit(docker: FakeDocker, capsys: Any) -> None:
    docker.answer(buildx=[1, "unknown command\n"], **{"--version": "Docker version 28.2.2, build 1"})
    assert build("--stack", "a") == 2
    assert "its plug-in buildx is missing" in capsys.readouterr().err
    docker.answer(**{"--version": "Docker version 20.10.24, build 1"})  # has it built in
    assert build("--stack", "a") == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--stack", "c"), "--stack: expected a or b, got 'c'."),
        (("--stack", ""), "--stack: expected a or b, got ''."),
        (("--tag", "-x"), "--tag: expected a name as registry/name:version, got '-x'."),
        (("--network", "bridge"), "--network: expected default or host, got 'bridge'."),
        (("--source", "/nowhere"), "--source: /nowhere is not the source code of tfx-automl: there is no README.md."),
    ],
)
def test_mistakes_in_the_options(docker: FakeDocker, options: tuple[str, str], words: str, capsys: Any) -> None:
    name, value = options
    assert build("--stack", "a", f"{name}={value}") == 2
    assert words in capsys.readouterr().err
