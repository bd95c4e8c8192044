"""One run from beginning to end: look at the data, run the pipeline, tell what came out."""

import contextlib
import os
import sys
import time
import traceback
from typing import Any

from tfx_automl import console
from tfx_automl.errors import TfxAutomlError
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.output import OutputFolder
from tfx_automl.pipelines.preflight import preflight


class StageFailedError(Exception):
    """A component failed for a reason that is neither in the options nor in the data."""


def run_job(config: RunConfig, verbose: bool = False) -> dict[str, Any]:
    """Runs the whole pipeline and prints the summary.

    Args:
        config: What to do.
        verbose: Show the libraries' messages instead of sending them to the log file.

    Returns:
        The summary, as written to `summary.json`.

    Raises:
        ConfigError: The options or the data are unusable; nothing was written.
        StageFailedError: A component failed; its traceback is in the log.
    """
    started = time.monotonic()
    output = OutputFolder.at(config.output)
    found = preflight(config, output)
    output.create()
    with contextlib.nullcontext() if verbose else console.quiet_libraries(output.log):
        try:
            return _run(config, found, output, started)
        except TfxAutomlError:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)  # which is the log, unless verbose
            where = "above" if verbose else f"in {output.log}"
            raise StageFailedError(f"{_first_line(error)} (the whole story is {where})") from error


def _run(config: RunConfig, found: Any, output: OutputFolder, started: float) -> dict[str, Any]:
    console.line(f"tfx-automl: {found.rows} rows from {os.path.basename(config.data)}, {_task_text(found.task)}")
    console.line(f"Everything goes to {output.root}; loading TensorFlow and TFX takes some seconds.")
    from tfx_automl.pipelines.build import build_pipeline
    from tfx_automl.pipelines.printing import print_summary
    from tfx_automl.pipelines.runner import run_locally
    from tfx_automl.pipelines.serving import forget_stale_pushes
    from tfx_automl.pipelines.summary import summarise, write_summary

    forget_stale_pushes(output)
    times = run_locally(build_pipeline(config, found.task, output))
    summary = summarise(found, output, times, time.monotonic() - started)
    write_summary(summary, output)
    print_summary(summary, console.stream())
    return summary


def _task_text(task: Any) -> str:
    if task.kind == "regression":
        return f"regression of {task.label}"
    what = f"positive: {task.positive}" if task.kind == "binary" else f"{len(task.classes)} classes"
    return f"{task.kind} classification of {task.label} ({what})"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"
