"""The command `tfx-automl`. Imports almost nothing itself, so that Ctrl-C finds it ready from the start."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: Without the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done; 1 a component failed, or something is wrong with the machine (`doctor`); 2 a mistake in
        the options or in the data; 130 interrupted.
    """
    try:
        if arguments is None:  # the process is ours: nobody else needs to find the packages loaded
            from tfx_automl.deferred import defer

            defer()
        from tfx_automl.pipelines.commands import execute

        return execute(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("tfx-automl: interrupted; the same command goes on where this one stopped.\n")
        return 130
