"""Runs the command `tfx-automl` in a process of its own."""

import subprocess
import sys


def tfx_automl_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Returns how the command ended, and what it said."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=900)
