"""Vertex Pipelines, through its SDK; runs are told in the terms of Kubeflow's API."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx_automl.kubeflow.client.sdk.failures import FailureError, chain, import_sdk, of_status

_NEWEST = "create_time desc"
# Vertex calls a task skipped that it took from the cache, and not triggered one whose condition is false.
_TASK_STATES = {
    "SKIPPED": "CACHED",
    "NOT_TRIGGERED": "SKIPPED",
    "CANCEL_PENDING": "CANCELING",
    "CANCELLING": "CANCELING",
    "CANCELLED": "CANCELED",
}
_RUN_STATES = {"QUEUED": "PENDING", "CANCELLING": "CANCELING", "CANCELLED": "CANCELED"}


class Service:
    """Vertex, in a project and a region.

    Args:
        host: Another endpoint of its API; empty for Google's own.
        project: Of Google Cloud.
        region: Of Google Cloud.
        network: The full name of the network that runs are peered with; empty for none.
        token_env: The variable of the environment with an access token; empty for Google's default credentials.

    Raises:
        FailureError: The SDK is missing, or has no credentials.
    """

    def __init__(self, host: str, project: str, region: str, network: str, token_env: str) -> None:
        self._network = network
        with _told():
            self._sdk = import_sdk("google.cloud.aiplatform")
            self._sdk.init(
                project=project,
                location=region,
                credentials=_credentials(token_env),
                api_endpoint=host or None,
                api_transport="rest" if host.startswith("http") else None,
            )

    def submit(self, file: str, name: str, experiment: str, service_account: str, parameters: Any) -> Any:
        """Starts a run; returns its id and its page."""
        with _told():
            job = self._job(file, name, parameters)
            job.submit(
                service_account=service_account or None, network=self._network or None, experiment=experiment or None
            )
        return {"run_id": job.name, "url": job._dashboard_uri()}

    def schedule(self, file: str, name: str, experiment: str, service_account: str, parameters: Any, cron: str) -> Any:
        """Makes a schedule; returns its id and its page."""
        del experiment  # refused before: schedules have none
        with _told():
            made = self._job(file, name, parameters).create_schedule(
                cron=cron,
                display_name=name,
                service_account=service_account or None,
                network=self._network or None,
            )
        return {"run_id": made.name, "url": made._dashboard_uri()}

    def run(self, run_id: str) -> Any:
        """Returns a run."""
        with _told():
            job = self._sdk.PipelineJob.get(run_id)
            return {**_run(job.gca_resource), "url": job._dashboard_uri()}

    def runs(self, experiment: str, limit: int) -> Any:
        """Returns the newest runs, without their tasks."""
        del experiment  # refused before
        with _told():
            jobs = self._sdk.PipelineJob.list(order_by=_NEWEST, enable_simple_view=True)
            return [_run(job.gca_resource) for job in jobs[:limit]]

    def schedules(self, experiment: str, limit: int) -> Any:
        """Returns the newest schedules."""
        del experiment  # refused before
        with _told():
            found = self._sdk.PipelineJobSchedule.list(order_by=_NEWEST)[:limit]
            return [
                {
                    "recurring_run_id": each.name,
                    "display_name": each.display_name,
                    "status": each.state.name,
                    "created_at": _time(each.create_time),
                    "trigger": {"cron_schedule": {"cron": each.cron}},
                }
                for each in found
            ]

    def cancel(self, run_id: str) -> None:
        """Ends a run."""
        with _told():
            self._sdk.PipelineJob.get(run_id).cancel()

    def stop_schedule(self, run_id: str) -> None:
        """Has a schedule start no more runs."""
        with _told():
            self._sdk.PipelineJobSchedule.get(run_id).pause()

    def log(self, run_id: str, pods: Sequence[str]) -> Any:
        """Returns nothing: logs are in Cloud Logging, to which the page of the run leads."""
        del run_id, pods

    def _job(self, file: str, name: str, parameters: Mapping[str, Any]) -> Any:
        return self._sdk.PipelineJob(display_name=name, template_path=file, parameter_values=dict(parameters))


def load() -> None:
    """Loads the SDK, which takes seconds.

    Raises:
        FailureError: It is not installed.
    """
    import_sdk("google.cloud.aiplatform")


def _credentials(token_env: str) -> Any:
    if not token_env:
        return None
    return import_sdk("google.oauth2.credentials").Credentials(token=os.environ[token_env])


def _run(resource: Any) -> dict[str, Any]:
    state = resource.state.name.removeprefix("PIPELINE_STATE_")
    return {
        "run_id": resource.name.rpartition("/")[2],
        "display_name": resource.display_name,
        "state": _RUN_STATES.get(state, state),
        "created_at": _time(resource.create_time),
        "finished_at": _time(resource.end_time),
        "error": {"message": resource.error.message},
        "pipeline_spec": type(resource).to_dict(resource).get("pipeline_spec"),
        "run_details": {"task_details": [_task(task) for task in resource.job_detail.task_details]},
    }


def _task(task: Any) -> dict[str, Any]:
    return {
        "display_name": task.task_name,
        "state": _TASK_STATES.get(task.state.name, task.state.name),
        "start_time": _time(task.start_time),
        "end_time": _time(task.end_time),
        "error": {"message": task.error.message},
    }


def _time(value: Any) -> str | None:
    return value.isoformat() if value else None


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turns what the SDK raises into failures."""
    try:
        yield
    except FailureError:
        raise
    except Exception as error:
        raise _failure(error) from error


def _failure(error: Exception) -> FailureError:
    """Returns what an error of the SDK means."""
    api, auth = import_sdk("google.api_core.exceptions"), import_sdk("google.auth.exceptions")
    unreachable = (api.RetryError, auth.TransportError, import_sdk("requests.exceptions").ConnectionError)
    for cause in chain(error):
        if isinstance(cause, api.GoogleAPICallError) and cause.code:
            return of_status(int(cause.code), cause.message)
        if isinstance(cause, auth.RefreshError):
            return FailureError("unauthorized", "the token is not accepted, and cannot be renewed")
        if isinstance(cause, auth.DefaultCredentialsError):
            return FailureError("unauthorized", str(cause))
        if isinstance(cause, unreachable):
            return FailureError("unreachable", " ".join(str(cause).split())[:200])
    if isinstance(error, ValueError):  # the SDK's own refusals
        return FailureError("refused", str(error))
    return FailureError("sdk", f"{type(error).__name__}: {error}")
