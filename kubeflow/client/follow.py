"""Follows a run to its end: a line for every change of a task, then what went wrong."""

import time
from collections.abc import Callable, Iterator

from tfx_automl import console
from tfx_automl.kubeflow.client.server import Server
from tfx_automl.kubeflow.client.session import ServerError, Session
from tfx_automl.kubeflow.client.states import FAILED, NOT_RUN, Run, Task

_TRIES = 10  # without an answer, one after the other, before it is given up
_LONGEST_PAUSE = 60.0
_LOG_LINES = 30


def follow(session: Session, run_id: str, interval: float, sleep: Callable[[float], None] = time.sleep) -> Run:
    """Waits until a run has ended, and says what happens meanwhile.

    Args:
        session: With the server.
        run_id: Of the run.
        interval: Seconds between two looks.
        sleep: Waits for so many seconds.

    Returns:
        The run, ended.

    Raises:
        ServerError: The server lost its run, or did not answer many times. The run itself goes on.
    """
    said: dict[str, str] = {}
    while True:
        run = _look(session, run_id, interval, sleep)
        for task in run.tasks:
            if said.get(task.name, "PENDING") != task.state:
                said[task.name] = task.state
                console.line(task_line(task))
        if run.ended:
            return run
        sleep(interval)


def _look(session: Session, run_id: str, interval: float, sleep: Callable[[float], None]) -> Run:
    """Returns how a run stands; tries again, with longer and longer pauses, while the server does not answer."""
    pause = interval
    for attempt in range(1, _TRIES + 1):
        try:
            return Run.from_api(session.call("run", run_id=run_id))
        except ServerError as error:
            if error.kind != "unreachable" or attempt == _TRIES:
                raise ServerError(error.kind, f"{error} {goes_on(run_id, session.server)}") from error
            console.line(f"No answer ({attempt} of {_TRIES}); next try in {duration(pause)}.")
            sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    raise AssertionError("the last attempt returns or raises")


def goes_on(run_id: str, server: Server) -> str:
    """Returns what a person can do about a run that is no longer followed."""
    flags = f"{run_id} {server.flags()}".rstrip()
    return f"The run goes on; `tfx-automl status {flags}` shows it, `tfx-automl cancel {flags}` ends it."


def task_line(task: Task) -> str:
    """Returns the line for the state of a task."""
    return f"  {task.name}: {task.state}{_after(task.seconds)}"


def run_line(run: Run) -> str:
    """Returns the line for the state of a run."""
    return f"Run {run.id}: {run.state}{_after(run.seconds)}"


def say_end(session: Session, run: Run) -> None:
    """Says how a run ended, why tasks failed, with the ends of their logs, and where its page is."""
    for task in run.failed_tasks:
        for line in _why(session, run, task):
            console.line(session.server.without_secrets(line))
    not_run = [task.name for task in run.tasks if task.state == NOT_RUN]
    if run.error and not any(task.error == run.error for task in run.failed_tasks):
        console.line(session.server.without_secrets(run.error))
    if not_run:
        console.line(f"Not run: {', '.join(not_run)}")
    console.line(f"{run_line(run)}  {run.url}".rstrip())


def _why(session: Session, run: Run, task: Task) -> Iterator[str]:
    """Yields why a task failed, and the end of its log where it can be read."""
    yield f"{task.name} {FAILED}{f': {task.error}' if task.error else ''}"
    log = session.call("log", run_id=run.id, pods=list(task.pods))
    if log is None:
        pods = f" Its pod may be {task.pods[0]}." if task.pods else ""
        yield f"  Its log cannot be read from here; the page of the run leads to it.{pods}"
        return
    lines = log["text"].rstrip().splitlines()
    yield f"  The end of the log of {log['pod']}:"
    yield from (f"  | {line}" for line in lines[-_LOG_LINES:])


def _after(seconds: float | None) -> str:
    return "" if seconds is None else f" after {duration(seconds)}"


def duration(seconds: float) -> str:
    """Returns a time for people: `3 s`, `2 min 5 s`, `1 h 20 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 1 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
