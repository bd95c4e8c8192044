"""Runs the command `tfx-automl`, and the tools of the developers, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def tfx_automl_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Returns how the command ended, and what it said."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=900)


def run_tool(name: str, *arguments: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Runs a tool of the developers.

    Args:
        name: Of its file in `tools`.
        arguments: Of its command line.
        path: Where it looks for programs; by default where this process does.
    """
    tool = Path(__file__).parent.parent / "tools" / name
    environment = {**os.environ, **({"PATH": path} if path is not None else {})}
    return subprocess.run(
        [sys.executable, str(tool), *arguments], capture_output=True, text=True, env=environment, check=False
    )
