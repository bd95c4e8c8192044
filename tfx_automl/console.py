"""Where everything that a person reads goes: progress, one line per stage and trial, the summary.

Components write here instead of logging, because the command line sends the libraries' noise (absl, TensorFlow, Beam,
on Python's and on C's standard error alike) to a log file. Used outside the command line, lines simply go to standard
output.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_lock = threading.Lock()
_terminal: TextIO | None = None


def stream() -> TextIO:
    """Returns the stream that a person reads: the terminal kept by `quiet_libraries`, else standard output."""
    return _terminal if _terminal is not None else sys.stdout


def line(text: str = "") -> None:
    """Prints one line (or several, if `text` holds newlines) at once, also from several threads."""
    with _lock:
        out = stream()
        out.write(text + "\n")
        out.flush()


@contextlib.contextmanager
def quiet_libraries(log_file: Path) -> Iterator[None]:
    """Sends file descriptors 1 and 2 to `log_file` and keeps the terminal for `line`.

    Works at the level of file descriptors, so that it holds for C++ logging and for child processes too.

    Args:
        log_file: Appended to; its folder must exist.
    """
    global _terminal
    sys.stdout.flush()
    sys.stderr.flush()
    saved_out, saved_err = os.dup(1), os.dup(2)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    previous = _terminal
    try:
        _terminal = os.fdopen(os.dup(saved_out), "w", encoding="utf-8", errors="replace")
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved_out, 1)
        os.dup2(saved_err, 2)
        for descriptor in (log, saved_out, saved_err):
            os.close(descriptor)
        if _terminal is not None:
            _terminal.close()
        _terminal = previous
