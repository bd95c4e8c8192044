"""Jobs that a run leaves behind in Flink: a client that fails or is killed does not end them, so that they go on."""

import contextlib
import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from tfx_automl import console
from tfx_automl.errors import ConfigError

_SECONDS_FOR_AN_ANSWER = 10
_SECONDS_TO_END = 30
_OVER = ("FINISHED", "CANCELED", "FAILED")


def job_name(output: str) -> str:
    """Returns what the jobs of a run are called: the same whenever the run is started again, and no other run's.

    Args:
        output: Where the run writes: a folder, or an address such as `gs://bucket/folder`.
    """
    place = output if "://" in output else os.path.abspath(os.path.expanduser(output))
    return f"tfx-automl-{hashlib.sha256(place.encode()).hexdigest()[:12]}"


def jobs_that_run(rest: str, name: str) -> list[str]:
    """Returns the identifiers of all jobs of a name that are not over.

    Args:
        rest: Flink's REST interface, as `host:port`.
        name: Of the jobs.

    Raises:
        ConfigError: Nothing answers there, or something else than Flink.
    """
    jobs = _ask(rest, "jobs/overview").get("jobs", [])
    return [job["jid"] for job in jobs if job["name"] == name and job["state"] not in _OVER]


def cancel_jobs(rest: str, name: str) -> int:
    """Cancels all jobs of a name, and waits until they are over.

    Args:
        rest: Flink's REST interface, as `host:port`.
        name: Of the jobs.

    Returns:
        How many there were.

    Raises:
        ConfigError: Nothing answers there, or something else than Flink, or a job does not end.
    """
    found = jobs_that_run(rest, name)
    for job in found:
        _ask(rest, f"jobs/{job}?mode=cancel", "PATCH")
    end = time.monotonic() + _SECONDS_TO_END
    while left := jobs_that_run(rest, name):
        if time.monotonic() > end:
            raise ConfigError(f"Flink at {rest} was asked to cancel {', '.join(left)}, but goes on; look at its logs.")
        time.sleep(0.2)
    return len(found)


@contextlib.contextmanager
def no_job_left(rest: str | None, name: str) -> Iterator[None]:
    """Cancels what an earlier run has left, and what this one leaves when it fails or is interrupted.

    Args:
        rest: Flink's REST interface, as `host:port`; None does nothing.
        name: Of the jobs.

    Raises:
        ConfigError: As for `cancel_jobs`, before anything else runs.
    """
    if rest is None:
        yield
        return
    if count := cancel_jobs(rest, name):
        console.line(f"Cancelled {count} job(s) {name} in Flink that an earlier run had left.")
    try:
        yield
    except BaseException:
        try:
            count = cancel_jobs(rest, name)
        except ConfigError as error:  # what failed is what people have to know
            console.line(f"WARNING: a job may still run in Flink: {error}")
        else:
            if count:
                console.line(f"Cancelled {count} job(s) {name} of this run in Flink.")
        raise


def _ask(rest: str, path: str, method: str = "GET") -> dict[str, Any]:
    request = urllib.request.Request(f"http://{rest}/{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS_FOR_AN_ANSWER) as answer:
            found = json.load(answer)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError) and error.code == 404 and method == "PATCH":
            return {}  # it was over meanwhile
        raise ConfigError(
            f"--flink-rest: Flink does not answer at {rest} ({reason}); check the address, and that a JobManager runs."
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f"--flink-rest: what answers at {rest} is not Flink; check the address.")
    return found
