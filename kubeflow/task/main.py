"""Reads what the platform gives to a task, runs the task, and tells the platform what came out."""

import argparse
import json
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from tfx_automl.deferred import defer, without_collections
from tfx_automl.errors import TfxAutomlError
from tfx_automl.kubeflow.task.description import Description
from tfx_automl.kubeflow.task.light import without_tensorflow
from tfx_automl.kubeflow.task.platform_io import PlatformIO

PROTOCOL = "kfp.dsl.executor_main"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one task.

    Args:
        arguments: Without the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done, 1 failed; then the last line on standard error says why.
    """
    parsed = _parser().parse_args(arguments)
    description = Description.from_json(parsed.task)
    try:
        _run(description, PlatformIO(json.loads(parsed.executor_input)))
    except Exception as error:
        if not isinstance(error, TfxAutomlError):
            traceback.print_exc()
        sys.stderr.write(f"tfx-automl: {description.node} failed: {type(error).__name__}: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tfx_automl.kubeflow.task", allow_abbrev=False)
    parser.add_argument("--protocol", choices=[PROTOCOL], required=True, help="how the platform talks to the task")
    parser.add_argument("--task", required=True, help="what to do, as the compiler wrote it")
    parser.add_argument("--executor_input", required=True, help="what the platform gives: JSON of an ExecutorInput")
    return parser


def _run(description: Description, platform: PlatformIO) -> None:
    # What each needs is imported here: TFX alone takes seconds.
    if description.kind == "condition":
        with without_tensorflow():
            from tfx_automl.kubeflow.task.condition import run_condition

        run_condition(description, platform)
    elif description.kind == "resolver":
        with without_tensorflow():
            from tfx_automl.kubeflow.task.resolve import run_resolver

        run_resolver(description, platform)
    else:
        load_component(description.executor).run_component(description, platform)


def load_component(executor: str) -> Any:
    """Returns the module that runs components, without the packages that few of them use.

    Args:
        executor: The path of the executor's class, which is loaded, too.
    """
    defer()
    with without_collections():
        from tfx.utils import import_utils

        from tfx_automl.kubeflow.task import component

        import_utils.import_class_by_path(executor)
    return component
