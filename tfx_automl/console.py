"""Where everything that a person reads goes: progress, one line per stage and trial, the summary.

Components write here instead of logging, because the command line sends the libraries' noise (absl, TensorFlow, Beam,
on Python's and on C's standard error alike) to a log file. Used outside the command line, lines simply go to standard
output.
"""

import contextlib
import io
import logging
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

    Works at the level of file descriptors, so that it holds for C++ logging and for child processes too. In a notebook,
    where Python's streams are no file descriptors, these lead to the log as well, and `line` prints into the cell.

    Args:
        log_file: Appended to; its folder must exist.
    """
    global _terminal
    sys.stdout.flush()
    sys.stderr.flush()
    saved_out, saved_err = os.dup(1), os.dup(2)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    previous = _terminal
    own = os.fdopen(os.dup(saved_out), "w", encoding="utf-8", errors="replace")
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        with _notebook_streams(log_file) as cell:
            _terminal = cell or own
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved_out, 1)
        os.dup2(saved_err, 2)
        for descriptor in (log, saved_out, saved_err):
            os.close(descriptor)
        own.close()
        _terminal = previous


class _Switch(io.TextIOBase):
    """A stream that leads elsewhere for a while, and with it everybody who keeps it, as handlers of logging do."""

    def __init__(self, target: TextIO) -> None:
        self.target = target

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return self.target.write(text)

    def flush(self) -> None:
        # It outlives what it leads to where that is somebody's own, who closed it: nothing is left to be flushed then.
        if not self.target.closed:
            self.target.flush()


_switches: dict[str, _Switch] = {}


@contextlib.contextmanager
def _notebook_streams(log_file: Path) -> Iterator[TextIO | None]:
    """Leads those of Python's streams that are not the process's own to the log; yields the former standard output."""
    streams = {"stdout": (sys.stdout, 1), "stderr": (sys.stderr, 2)}
    others = {name: stream for name, (stream, number) in streams.items() if not _leads_to(stream, number)}
    with open(log_file, "a", encoding="utf-8", errors="replace", buffering=1) as log:
        for name, stream in others.items():
            switch = _switches.setdefault(name, _Switch(stream))
            switch.target = log
            setattr(sys, name, switch)
            _lead_handlers(stream, switch)
        try:
            yield others.get("stdout")
        finally:
            for name, stream in others.items():
                setattr(sys, name, stream)
                _switches[name].target = stream


def _lead_handlers(stream: TextIO, switch: _Switch) -> None:
    """Makes the handlers of logging that kept a stream keep the switch, also the one within absl's."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    for handler in (each for logger in loggers for each in getattr(logger, "handlers", ())):
        inner = getattr(handler, "python_handler", handler)
        if isinstance(inner, logging.StreamHandler) and inner.stream is stream:
            inner.setStream(switch)


def _leads_to(stream: TextIO, number: int) -> bool:
    """Tells whether a stream writes to a file descriptor."""
    try:
        return stream.fileno() == number
    except (OSError, AttributeError):
        return False
