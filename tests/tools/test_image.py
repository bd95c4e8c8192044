"""The tool that builds the image and tests it, where there is no Docker; `make test-docker` tests the rest."""

from pathlib import Path

import pytest
from command_for_tests import run_tool


def _docker(folder: Path, text: str) -> None:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("arguments", [(), ("--stack",), ("--stack", "b"), ("--stack", "c", "true")])
def test_a_call_without_a_command_or_with_no_such_stack_is_refused(arguments: tuple[str, ...]) -> None:
    done = run_tool("image.py", *arguments)
    assert (done.returncode, done.stderr) == (2, "usage: tools/image.py [--stack a|b] COMMAND...\n")


def test_missing_docker_is_said(tmp_path: Path) -> None:
    done = run_tool("image.py", "true", path=str(tmp_path))
    assert (done.returncode, done.stderr) == (77, "The image cannot be tested here: there is no docker.\n")


def test_docker_without_buildkit_is_said(tmp_path: Path) -> None:
    _docker(tmp_path, '[ "$1" = --version ] && echo "Docker version 28.2.2, build 1"')
    done = run_tool("image.py", "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr.startswith("The image cannot be tested here: no docker on PATH has BuildKit")


def test_an_engine_that_does_not_answer_is_said(tmp_path: Path) -> None:
    _docker(tmp_path, '[ "$1" = --version ] && echo "Docker version 20.10.24, build 1"')
    done = run_tool("image.py", "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr.startswith("The image cannot be tested here: no Docker engine answers, and none can be started")
