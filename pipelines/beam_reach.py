"""Whether a run can reach the runner of Beam that it names, and what that runner says when a stage fails there."""

import re
import socket

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.beam_config import BeamConfig
from tfx_automl.pipelines.flink_jobs import jobs_that_run

_SECONDS_TO_CONNECT = 10
# What the job server puts before the cause.
_PREFIX = re.compile(r"^Pipeline \S+ failed in state [A-Z]+: ")
_JAVA = re.compile(r"^(?:[\w$]+\.)+([\w$]*(?:Exception|Error)): ")
_PYTHON_ERROR = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Iteration)\b.*", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last)"


def check_reach(config: BeamConfig) -> None:
    """Makes sure, before anything is written, that a local run can use its runner.

    Raises:
        ConfigError: Nothing answers at the job server's address, or the runner's workers cannot see the output folder.
    """
    if config.beam_runner == "dataflow":
        raise ConfigError(
            "--beam-runner dataflow: Dataflow's workers see no folder of this machine, and --output is one; give these"
            " options to a pipeline whose root is in a bucket, as on Vertex AI, or take flink or spark."
        )
    if config.beam_endpoint is None:
        return
    host, _, port = config.beam_endpoint.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise ConfigError(
            f"--beam-endpoint: nothing answers at {config.beam_endpoint} ({error.strerror or error}); start Beam's job"
            f" server for {config.beam_runner.capitalize()}, or correct the address."
        ) from error
    if config.flink_rest is not None:
        jobs_that_run(config.flink_rest, "")  # whether Flink answers, and in its own words


def cause_of(error: BaseException) -> str:
    """Returns in one line why a stage failed: what a worker raised, if it was that, else what the runner says."""
    text = str(error).strip()
    if not _PREFIX.match(text):
        return f"{type(error).__name__}: {text.splitlines()[0] if text else 'no message'}"
    text = _PREFIX.sub("", text)
    raised = _PYTHON_ERROR.findall(text.rpartition(_TRACEBACK)[2]) if _TRACEBACK in text else []
    line = f"a Beam worker raised {raised[0]}" if raised else text.splitlines()[0]
    while match := _JAVA.match(line):  # exceptions in exceptions, each with its package
        line = f"{match[1]}: {line[match.end() :]}" if not _JAVA.match(line[match.end() :]) else line[match.end() :]
    return f"Beam's job failed: {line}"
