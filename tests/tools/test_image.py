"""The tool that builds the image and tests it, where there is no Docker; `make test-docker` tests the rest."""

import os
import subprocess
import sys
from pathlib import Path


def _run(repository: Path, *command: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **({"PATH": path} if path is not None else {})}
    return subprocess.run(
        [sys.executable, str(repository / "tools/image.py"), *command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def _docker(folder: Path, text: str) -> None:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_nothing_to_run_is_refused(repository: Path) -> None:
    done = _run(repository)
    assert (done.returncode, done.stderr) == (2, "usage: tools/image.py COMMAND...\n")


def test_missing_docker_is_said(repository: Path, tmp_path: Path) -> None:
    done = _run(repository, "true", path=str(tmp_path))
    assert (done.returncode, done.stderr) == (77, "The image cannot be tested here: there is no docker.\n")


def test_docker_without_buildkit_is_said(repository: Path, tmp_path: Path) -> None:
    _docker(tmp_path, '[ "$1" = --version ] && echo "Docker version 28.2.2, build 1"')
    done = _run(repository, "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr.startswith("The image cannot be tested here: no docker on PATH has BuildKit")


def test_an_engine_that_does_not_answer_is_said(repository: Path, tmp_path: Path) -> None:
    _docker(tmp_path, '[ "$1" = --version ] && echo "Docker version 20.10.24, build 1"')
    done = _run(repository, "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr.startswith("The image cannot be tested here: no Docker engine answers, and none can be started")
