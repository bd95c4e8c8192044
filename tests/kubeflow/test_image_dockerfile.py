"""The Dockerfile, read as text: what it promises can be seen without building it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def dockerfile(repository: Path) -> str:
    """Its instructions, each on one line, without comments."""
    lines = (repository / "kubeflow/Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return re.sub(r"\\\n\s*", " ", text)


def stages(text: str) -> list[str]:
    """Returns its stages: each begins with FROM."""
    return [f"FROM{part}" for part in re.split(r"^FROM", text, flags=re.MULTILINE)[1:]]


def test_there_are_stages_and_all_come_from_the_base_image(dockerfile: str) -> None:
    first = [stage.splitlines()[0] for stage in stages(dockerfile)]
    assert first == ["FROM ${BASE} AS base", "FROM base AS build", "FROM base"]
    assert dockerfile.splitlines()[0].startswith("ARG BASE=python:3.10-slim")


def test_the_last_stage_only_copies_what_was_installed(dockerfile: str) -> None:
    last = stages(dockerfile)[-1]
    assert "pip install" not in last and "pip sync" not in last and "apt-get" not in last
    assert re.findall(r"^COPY (.*)$", last, re.MULTILINE) == [
        "--from=build /opt/modules /opt/modules",
        "--from=build /opt/tfx-automl /opt/tfx-automl",
    ]


def test_it_runs_as_a_user_who_can_write_where_the_launcher_puts_files(dockerfile: str) -> None:
    users = re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE)
    assert users == ["10001:0"]
    assert "mkdir -m 1777 /gcs /minio /s3 " in stages(dockerfile)[-1]


def test_the_command_of_a_task_stands_alone(dockerfile: str) -> None:
    assert re.findall(r"^ENTRYPOINT (.*)$", dockerfile, re.MULTILINE) == ["[]"]


def test_everything_is_locked_and_its_hashes_are_checked(dockerfile: str) -> None:
    installs = re.findall(r"pip (?:install|sync)[^;]*", dockerfile)
    from_an_index = [words for words in installs if "--offline" not in words]
    assert len(from_an_index) == 2
    assert all("--require-hashes" in words for words in from_an_index)
    assert all("--no-deps" in words for words in installs if words not in from_an_index)


def test_byte_code_is_made_and_never_checked(dockerfile: str) -> None:
    assert "--compile-bytecode" in dockerfile
    assert "PYC_INVALIDATION_MODE=UNCHECKED_HASH" in dockerfile
    assert "compileall.compile_dir" in stages(dockerfile)[0]  # the base's own library
    assert "compileall -q --invalidation-mode unchecked-hash tfx_automl /opt/modules" in dockerfile


def test_the_index_is_no_setting_of_the_image(dockerfile: str) -> None:
    *_, build, last = stages(dockerfile)
    assert "ARG INDEX" in build and "INDEX" not in last
    assert re.findall(r"^ENV .*INDEX.*$", dockerfile, re.MULTILINE) == []
    assert re.findall(r"https?://", dockerfile) == []


@pytest.mark.parametrize(
    ("there", "installed"),
    [
        ("g++ Python.h ensurepip", None),
        ("Python.h ensurepip", "g++"),
        ("g++", "python3-dev python3-venv"),  # as on a Debian with its own Python
        ("", "g++ python3-dev python3-venv"),
    ],
)
def test_what_the_base_lacks_for_the_installation_is_added(
    dockerfile: str, tmp_path: Path, there: str, installed: str | None
) -> None:
    [command] = re.findall(r"^RUN (.*apt-get install.*)$", dockerfile, re.MULTILINE)
    programs = {"apt-get": f'echo "$@" >>{tmp_path}/asked', "rm": ""}
    programs["python3"] = f'for name in {there or "nothing"}; do case "$2" in *$name*) exit 0 ;; esac; done; exit 1'
    programs |= {"g++": ""} if "g++" in there else {}
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    subprocess.run(["/bin/sh", "-c", command], env={"PATH": str(tmp_path)}, check=True)
    asked = tmp_path / "asked"
    lines = asked.read_text().splitlines() if asked.exists() else []
    assert lines == ([] if installed is None else ["update", f"install --yes --no-install-recommends {installed}"])


def test_it_says_what_is_in_it(dockerfile: str) -> None:
    [labels] = re.findall(r"^LABEL (.*)$", dockerfile, re.MULTILINE)
    for name in ("org.opencontainers.image.version", "tfx-automl.stack", "tfx-automl.tfx"):
        assert f'{name}="${{' in labels


def test_every_part_of_the_package_is_copied(dockerfile: str, repository: Path) -> None:
    setup = (repository / "setup.py").read_text(encoding="utf-8")
    folders = re.findall(r'"(\w+)"', re.search(r"FOLDERS = \((.*)\)", setup)[1])  # type: ignore[index]
    copied = set(re.findall(r"^COPY (\w+) /source/\w+$", dockerfile, re.MULTILINE))
    assert copied == {*folders, "tfx_automl"}
    ignore = (repository / "kubeflow/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore and {f"!{name}" for name in copied} <= set(ignore)
    assert "!tests" not in ignore and "!.venv" not in ignore


def pins(path: Path) -> dict[str, str]:
    """Returns the versions that a lock pins, each with the condition under which it does."""
    found = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^ \\;]+)(?: ; ([^\\]+))?", path.read_text("utf-8"), re.MULTILINE
    )
    return {f"{canonicalize_name(name)} {condition.strip()}": version for name, version, condition in found}


@pytest.mark.parametrize("stack", ["a", "b"])
def test_the_image_has_the_versions_that_are_tested(repository: Path, stack: str) -> None:
    tested, image = (pins(repository / "requirements" / f"{kind}-{stack}.txt") for kind in ("stack", "image"))
    assert {name: (image[name], tested[name]) for name in image if image[name] != tested.get(name, image[name])} == {}
    names: Any = {name.split(" ")[0] for name in image}
    assert {"tfx", "s3fs", "gcsfs", "setuptools"} <= names
    assert names & {"pytest", "mypy", "ruff", "hypothesis"} == set()
