"""The API of Kubeflow Pipelines, through its SDK."""

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx_automl.kubeflow.client.sdk.failures import FailureError, chain, import_sdk, message_of, of_status

_SECONDS = 30  # that an answer may take
_NEWEST = "created_at desc"
# Where logs are: the web server of Kubeflow's pages has them, and so has the API's own.
_LOGS = ("/k8s/pod/logs", "/apis/v1alpha1/runs/{run}/nodes/{pod}/log")


class Service:
    """A server of Kubeflow Pipelines.

    Args:
        host: Its URL; empty for the one of the cluster that this runs in.
        namespace: The user's, where several share a Kubeflow.
        token_env: The variable of the environment with a token; empty for what the SDK finds itself.

    Raises:
        FailureError: The server cannot be used.
    """

    def __init__(self, host: str, namespace: str, token_env: str) -> None:
        self._namespace = namespace
        with self._told():
            self._client = _client_class(import_sdk("kfp.client"))(host=host or None, **self._credentials(token_env))
            self._api = self._client.runs.run_service_get_run.__self__.api_client
            health = self._client.get_kfp_healthz()
        if health.multi_user and not namespace and not self._client.get_user_namespace():
            raise FailureError("refused", "several users share this Kubeflow: give --namespace")
        self._links = (os.environ.get("KF_PIPELINES_UI_ENDPOINT") or host or "/pipeline").rstrip("/")

    def submit(self, file: str, name: str, experiment: str, service_account: str, parameters: Any) -> Any:
        """Starts a run; returns its id and its page."""
        with self._told():
            made = self._client.create_run_from_pipeline_package(
                file,
                arguments=parameters,
                run_name=name,
                experiment_name=experiment or None,
                namespace=self._namespace or None,
                service_account=service_account or None,
            )
        return {"run_id": _given(made.run_id), "url": self._page("runs", made.run_id)}

    def schedule(self, file: str, name: str, experiment: str, service_account: str, parameters: Any, cron: str) -> Any:
        """Makes a recurring run; returns its id and its page."""
        with self._told():
            home = self._client.create_experiment(experiment or "Default", namespace=self._namespace or None)
            made = self._client.create_recurring_run(
                _given(home.experiment_id),
                name,
                cron_expression=cron,
                params=parameters,
                pipeline_package_path=file,
                service_account=service_account or None,
            )
        return {"run_id": _given(made.recurring_run_id), "url": self._page("recurringrun", made.recurring_run_id)}

    def run(self, run_id: str) -> Any:
        """Returns a run, as the API tells it, with its page."""
        run = self._told_json(self._client.runs.run_service_get_run, run_id=run_id)
        return {**run, "url": self._page("runs", run_id)}

    def runs(self, experiment: str, limit: int) -> Any:
        """Returns the newest runs, as the API tells them."""
        told = self._told_json(self._client.runs.run_service_list_runs, **self._where(experiment), page_size=limit)
        return told.get("runs", [])

    def schedules(self, experiment: str, limit: int) -> Any:
        """Returns the newest recurring runs, as the API tells them."""
        list_ = self._client.recurring_runs.recurring_run_service_list_recurring_runs
        return self._told_json(list_, **self._where(experiment), page_size=limit).get("recurringRuns", [])

    def cancel(self, run_id: str) -> None:
        """Ends a run."""
        with self._told():
            self._client.terminate_run(run_id)

    def stop_schedule(self, run_id: str) -> None:
        """Has a recurring run start no more runs."""
        with self._told():
            self._client.disable_recurring_run(run_id)

    def log(self, run_id: str, pods: Sequence[str]) -> Any:
        """Returns the first log that can be read of pods that may have existed, or None."""
        for pod in pods:
            for path in _LOGS:
                query = [("podname", pod), ("runid", run_id)] if "{pod}" not in path else []
                query += [("podnamespace", self._namespace)] if query and self._namespace else []
                if text := self._text(path.format(run=run_id, pod=pod), query):
                    return {"pod": pod, "text": text}
        return None

    def _text(self, path: str, query: Sequence[tuple[str, str]]) -> str:
        """Returns a text of the server; nothing where it has none, or shows its page instead."""
        found = ""
        with contextlib.suppress(FailureError), self._told():
            response = self._api.call_api(
                path,
                "GET",
                query_params=list(query),
                auth_settings=["Bearer"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=_SECONDS,
            )
            found = response.data.decode("utf-8", "replace")
        return "" if found.lstrip()[:9].lower().startswith(("<!doctype", "<html")) else found

    def _credentials(self, token_env: str) -> Mapping[str, Any]:
        if token_env:
            return {"existing_token": os.environ[token_env]}
        if os.environ.get("KF_PIPELINES_SA_TOKEN_PATH"):  # the SDK's own name for a token that Kubernetes renews
            volume = import_sdk("kfp.client.set_volume_credentials")
            return {"credentials": volume.ServiceAccountTokenVolumeCredentials()}
        return {}

    def _where(self, experiment: str) -> Mapping[str, Any]:
        """Returns what a list is restricted to, and how it is sorted."""
        if not experiment:
            return {"namespace": self._namespace or self._client.get_user_namespace() or "", "sort_by": _NEWEST}
        with self._told():
            home = self._client.get_experiment(experiment_name=experiment, namespace=self._namespace or None)
        return {"experiment_id": home.experiment_id, "sort_by": _NEWEST}

    def _told_json(self, call: Any, **arguments: Any) -> Any:
        with self._told():
            return _json(call(**arguments, _preload_content=False, _request_timeout=_SECONDS))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what the SDK raises into failures."""
        try:
            yield
        except FailureError:
            raise
        except Exception as error:
            raise _failure(error) from error

    def _page(self, kind: str, run_id: str) -> str:
        return f"{self._links}/#/{kind}/details/{run_id}"


def load() -> None:
    """Loads the SDK, which takes seconds.

    Raises:
        FailureError: It is not installed.
    """
    warnings.simplefilter("ignore")
    import_sdk("kfp.client")


def _client_class(module: Any) -> Any:
    """Returns the SDK's client, but one that asks for the server's health once."""

    class Client(module.Client):
        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            """Asks once: the SDK tries for 25 seconds, and does not say why it gives up."""
            del sleep_duration
            response = self.healthzs.healthz_service_get_healthz(_preload_content=False, _request_timeout=_SECONDS)
            return self.api_models.V2beta1GetHealthzResponse(multi_user=_json(response).get("multi_user"))

    return Client


def _json(response: Any) -> Any:
    """Returns what an answer says; a page to log in, for instance, says nothing.

    Raises:
        FailureError: It is no JSON object.
    """
    text = response.data.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise FailureError("foreign", f"the answer is not from Kubeflow Pipelines: {' '.join(text.split())[:80]!r}")
    return told


def _given(identifier: str | None) -> str:
    if not identifier:
        raise FailureError("foreign", "the answer is not from Kubeflow Pipelines: it has no id")
    return identifier


def _failure(error: Exception) -> FailureError:
    """Returns what an error of the SDK means."""
    for cause in chain(error):
        status = getattr(cause, "status", None)
        if type(cause).__name__ == "ApiException" and status:
            return of_status(status, message_of(getattr(cause, "body", "")))
        if isinstance(cause, import_sdk("urllib3.exceptions").HTTPError):
            return FailureError("unreachable", _reason(cause))
    if isinstance(error, ValueError):  # the SDK's own refusals
        return FailureError("refused", str(error))
    return FailureError("sdk", f"{type(error).__name__}: {error}")


def _reason(error: BaseException) -> str:
    """Returns why there was no answer, without the addresses of objects."""
    reason = getattr(error, "reason", None) or error
    return str(reason).rpartition(">: ")[2] or type(reason).__name__
