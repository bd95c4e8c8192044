"""What a person wants of a server: to submit, to look, to end."""

import datetime
from dataclasses import dataclass
from typing import Any

from tfx_automl import console
from tfx_automl.errors import require
from tfx_automl.kubeflow.client import cron
from tfx_automl.kubeflow.client.follow import follow, goes_on, run_line, say_end, task_line
from tfx_automl.kubeflow.client.package import Package
from tfx_automl.kubeflow.client.server import Server
from tfx_automl.kubeflow.client.session import ServerError, Session
from tfx_automl.kubeflow.client.states import FAILED, SUCCEEDED, Run

_BAD = (FAILED, "CANCELED")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is to run, and how.

    Attributes:
        package: The compiled pipeline.
        values: Of its parameters.
        name: Of the run.
        experiment: To which the run belongs; empty for the server's default.
        service_account: Under which its tasks run; empty for the server's default.
        schedule: When it is to run again and again, as the target wants it; empty for once, at once.
    """

    package: Package
    values: dict[str, Any]
    name: str
    experiment: str = ""
    service_account: str = ""
    schedule: str = ""

    def arguments(self) -> dict[str, Any]:
        """Returns what the SDK's side needs to know."""
        return {
            "file": self.package.file,
            "name": self.name,
            "experiment": self.experiment,
            "service_account": self.service_account,
            "parameters": self.values,
            **({"cron": self.schedule} if self.schedule else {}),
        }


def submission(parsed: Any, server: Server) -> Submission:
    """Checks all that was asked for, before anything is sent.

    Args:
        parsed: What the command line says.
        server: Where to.

    Raises:
        ConfigError: With one line for every mistake.
    """
    package = Package.read(parsed.pipeline)
    values = package.values(parsed.param or [])
    schedule = cron.for_target(parsed.schedule, server.target) if parsed.schedule else ""
    on_vertex = server.target == "vertex"
    require(
        (not (schedule and parsed.wait), "--wait and --schedule: a schedule has no end to wait for."),
        (
            not (on_vertex and package.platform),
            f"PIPELINE.yaml: {parsed.pipeline} has settings for Kubernetes; compile it with --target vertex.",
        ),
        (not (on_vertex and schedule and parsed.experiment), "--experiment: a schedule on Vertex has none."),
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    return Submission(
        package=package,
        values=values,
        name=parsed.run_name or f"{package.name} {now:%Y-%m-%d %H:%M:%S}",
        experiment=parsed.experiment or "",
        service_account=parsed.service_account or "",
        schedule=schedule,
    )


def submit(session: Session, wanted: Submission, wait: bool, interval: float) -> int:
    """Submits a pipeline, and follows its run if that is wanted; returns the exit status."""
    if wanted.schedule:
        made = session.call("schedule", **wanted.arguments())
        console.line(f"Schedule {made['run_id']} of {wanted.package.name}: {wanted.schedule} (times of the server)")
        console.line(made["url"])
        return 0
    made = session.call("submit", **wanted.arguments())
    console.line(f"Run {made['run_id']} of {wanted.package.name}: submitted  {made['url']}")
    return wait_for(session, made["run_id"], interval) if wait else 0


def wait_for(session: Session, run_id: str, interval: float) -> int:
    """Follows a run; returns the exit status, which is 0 only if it succeeded."""
    try:
        run = follow(session, run_id, interval)
        say_end(session, run)
    except KeyboardInterrupt:
        console.line(f"Interrupted. {goes_on(run_id, session.server)}")
        return 130
    except ServerError as error:
        console.line(str(error))
        return 1
    return 0 if run.state == SUCCEEDED else 1


def status(session: Session, run_id: str) -> int:
    """Says how a run stands; the exit status is 1 if it failed or was ended."""
    run = Run.from_api(session.call("run", run_id=run_id))
    console.line(f"{run.name}{f', since {run.created:%Y-%m-%d %H:%M:%S} UTC' if run.created else ''}")
    for task in run.tasks:
        console.line(task_line(task))
    if run.ended:
        say_end(session, run)
    else:
        console.line(f"{run_line(run)}  {run.url}".rstrip())
    return 1 if run.state in _BAD else 0


def list_runs(session: Session, experiment: str, limit: int) -> int:
    """Lists the newest runs."""
    for run in map(Run.from_api, session.call("runs", experiment=experiment, limit=limit)):
        console.line(f"{run.id}  {run.state:<9}  {_when(run.created)}  {run.name}")
    return 0


def list_schedules(session: Session, experiment: str, limit: int) -> int:
    """Lists the newest schedules."""
    for told in session.call("schedules", experiment=experiment, limit=limit):
        trigger = told.get("trigger") or {}
        times = (trigger.get("cron_schedule") or {}).get("cron")
        every = (trigger.get("periodic_schedule") or {}).get("interval_second")
        rhythm = times or (f"every {every} s" if every else "-")
        name, state = told.get("display_name", ""), told.get("status") or told.get("mode") or "-"
        console.line(f"{told.get('recurring_run_id', '')}  {state:<9}  {rhythm:<20}  {name}")
    return 0


def cancel(session: Session, run_id: str, is_schedule: bool) -> int:
    """Ends a run, or stops a schedule."""
    session.call("stop_schedule" if is_schedule else "cancel", run_id=run_id)
    console.line(f"Schedule {run_id}: starts no more runs" if is_schedule else f"Run {run_id}: asked to end")
    return 0


def _when(time: datetime.datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "-" * 16
