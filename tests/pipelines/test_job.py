"""One run: where the libraries' messages go. In a process of its own, with the pipeline itself replaced."""

import subprocess
import sys
from pathlib import Path

import pytest

from tfx_automl.pipelines.output import OutputFolder

_PROGRAM = """
import os, subprocess, sys
from tfx_automl import console
from tfx_automl.pipelines import job
from tfx_automl.pipelines.config import RunConfig

def pipeline(*_):
    print("NOISE 1")
    sys.stderr.write("NOISE 2\\n")
    os.write(1, b"NOISE 3\\n")
    os.write(2, b"NOISE 4\\n")
    subprocess.run(["sh", "-c", "echo NOISE 5; echo NOISE 6 >&2"], check=True)
    console.line("for people")
    if sys.argv[3] == "fails":
        raise RuntimeError("the pipeline broke")

job.preflight = lambda *_: None
job._run = pipeline
config = RunConfig(data="-", label="-", output=sys.argv[1])
try:
    job.run_job(config, verbose=sys.argv[2] == "verbose")
except job.StageFailedError as error:
    sys.stderr.write(f"failed: {error}\\n")
"""
_ALL = sorted(f"NOISE {number}" for number in range(1, 7))


def run(output: Path, mode: str, how: str = "works") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", _PROGRAM, str(output), mode, how]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


def messages(text: str) -> list[str]:
    return sorted(line for line in text.splitlines() if line.startswith("NOISE"))


def log_of(output: Path) -> Path:
    return OutputFolder.at(str(output)).log


@pytest.mark.parametrize(("mode", "shown"), [("quiet", []), ("verbose", _ALL)])
def test_messages_always_go_to_the_log(mode, shown, tmp_path):
    done = run(tmp_path, mode)
    assert messages(log_of(tmp_path).read_text(encoding="utf-8")) == _ALL
    assert done.stdout == "for people\n"
    assert messages(done.stderr) == shown


@pytest.mark.parametrize("mode", ["quiet", "verbose"])
def test_failure_names_the_log_that_tells_more(mode, tmp_path):
    done = run(tmp_path, mode, "fails")
    last = done.stderr.splitlines()[-1]
    assert last == f"failed: RuntimeError: the pipeline broke (the whole story is in {log_of(tmp_path)})"
    assert "Traceback" in log_of(tmp_path).read_text(encoding="utf-8")
    assert ("Traceback" in done.stderr) is (mode == "verbose")


def test_second_run_appends_to_the_log(tmp_path):
    for mode in ("quiet", "verbose"):
        run(tmp_path, mode)
    assert messages(log_of(tmp_path).read_text(encoding="utf-8")) == sorted(_ALL * 2)
