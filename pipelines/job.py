"""One run from beginning to end: look at the data, run the pipeline, tell what came out."""

import contextlib
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from tfx_automl import console
from tfx_automl.deferred import without_collections
from tfx_automl.errors import TfxAutomlError
from tfx_automl.pipelines.beam_reach import cause_of, check_reach
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.flink_jobs import job_name, no_job_left
from tfx_automl.pipelines.output import OutputFolder
from tfx_automl.pipelines.preflight import preflight

_SECONDS_FOR_TEE = 5


class StageFailedError(Exception):
    """A component failed for a reason that is neither in the options nor in the data."""


def run_job(config: RunConfig, verbose: bool = False) -> dict[str, Any]:
    """Runs the whole pipeline and prints the summary.

    Args:
        config: What to do.
        verbose: Show the libraries' messages on standard error, besides sending them to the log file.

    Returns:
        The summary, as written to `summary.json`.

    Raises:
        ConfigError: The options or the data are unusable; nothing was written.
        StageFailedError: A component failed; its traceback is in the log.
    """
    # pyarrow imports it where exceptions are ignored: a Ctrl-C in those tenths of a second would be lost.
    import pandas  # noqa: F401

    started = time.monotonic()
    output = OutputFolder.at(config.output)
    found = preflight(config, output)
    check_reach(config)
    output.create()
    log = _shown_too(output.log) if verbose else contextlib.nullcontext(output.log)
    jobs = no_job_left(config.flink_rest, job_name(config.output))
    with log as messages, console.quiet_libraries(messages), jobs:
        try:
            return _run(config, found, output, started)
        except TfxAutomlError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)  # which is the log
            raise StageFailedError(f"{cause_of(error)} (the whole story is in {output.log})") from error


@contextlib.contextmanager
def _shown_too(log_file: Path) -> Iterator[Path]:
    """Yields a path that leads to the log file and to standard error alike.

    `tee` does it, because messages also come from C++ and from child processes, which know nothing of Python's streams.
    """
    # A session of its own: Ctrl-C must not end it before the last message is written.
    command = ["tee", "-a", str(log_file)]
    tee = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2, start_new_session=True)
    pipe = cast(IO[bytes], tee.stdin)
    try:
        yield Path(f"/dev/fd/{pipe.fileno()}")
    finally:
        pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a process that outlives the run holds the pipe open
            tee.wait(_SECONDS_FOR_TEE)


def _run(config: RunConfig, found: Any, output: OutputFolder, started: float) -> dict[str, Any]:
    console.line(f"tfx-automl: {found.rows} rows from {os.path.basename(config.data)}, {_task_text(found.task)}")
    console.line(f"Everything goes to {output.root}; loading TensorFlow and TFX takes some seconds.")
    with without_collections():
        from tfx_automl.pipelines.build import build_pipeline
        from tfx_automl.pipelines.printing import print_summary
        from tfx_automl.pipelines.runner import run_locally
        from tfx_automl.pipelines.serving import forget_stale_pushes
        from tfx_automl.pipelines.summary import summarise, write_summary

        pipeline = build_pipeline(config, found.task, output)
    forget_stale_pushes(output)
    times = run_locally(pipeline)
    summary = summarise(found, output, times, time.monotonic() - started)
    write_summary(summary, output)
    print_summary(summary, console.stream())
    return summary


def _task_text(task: Any) -> str:
    if task.kind == "regression":
        return f"regression of {task.label}"
    what = f"positive: {task.positive}" if task.kind == "binary" else f"{len(task.classes)} classes"
    return f"{task.kind} classification of {task.label} ({what})"
