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
# As in a notebook: Python's streams are objects of another kind, and a handler of logging keeps one of them.
_NOTEBOOK = """
import io, logging, os, sys
from pathlib import Path
from tfx_automl import console

from absl import logging as absl_logging

written = io.BytesIO()
cell, errors = sys.stdout, sys.stderr = io.StringIO(), io.TextIOWrapper(written, write_through=True)
logging.getLogger("early").addHandler(logging.StreamHandler())
logging.getLogger("early").propagate = False
absl_logging.use_absl_handler()
for number in range(2):
    with console.quiet_libraries(Path(sys.argv[1])):
        print("NOISE 1")
        os.write(1, b"NOISE 2\\n")
        if number == 0:
            logging.getLogger("late").addHandler(logging.StreamHandler())
            logging.getLogger("late").propagate = False
        for name in ("early", "late"):
            logging.getLogger(name).warning("NOISE 3")
        absl_logging.warning("NOISE of absl")
        console.line(f"for people {number}")
    assert (sys.stdout, sys.stderr) == (cell, errors)
print("afterwards")
logging.getLogger("late").warning("of the notebook")
sys.__stdout__.write(repr((cell.getvalue(), written.getvalue().decode())))
errors.close()
logging.getLogger("early").handlers[0].flush()  # by the end of a process at the latest
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


def test_notebook_shows_what_is_for_people_alone(tmp_path):
    command = [sys.executable, "-c", _NOTEBOOK, str(tmp_path / "log.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == repr(("for people 0\nfor people 1\nafterwards\n", "of the notebook\n"))
    assert done.stderr == ""
    log = messages((tmp_path / "log.txt").read_text(encoding="utf-8"))
    assert log == sorted(["NOISE 1", "NOISE 2", "NOISE 3", "NOISE 3"] * 2)
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").count("NOISE of absl") == 2


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
