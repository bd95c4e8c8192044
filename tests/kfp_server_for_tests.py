"""A server that speaks the part of the API of Kubeflow Pipelines (v2beta1) that its client uses.

It keeps what it was sent. A run goes through stages: every look at it shows the next one. Tasks are told as Kubeflow
tells them, by Argo's nodes, with neither the error nor the pod of a task.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from http_server_for_tests import FakeServer, Request

_LOGIN = "<!DOCTYPE html><html><body>Log in</body></html>"
_YEAR_ONE = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class Stage:
    """How a run stands at one look."""

    state: str
    tasks: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


class FakeKubeflow(FakeServer):
    """The server."""

    def reset(self) -> None:
        self.requests: list[Request] = []
        self.experiments: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, str] = {}
        self.stages: Sequence[Stage] = (Stage("SUCCEEDED"),)
        self.looks: dict[str, int] = {}
        self.multi_user = False
        self.token = ""
        self.refusal = 401
        self.login_page = False
        self.drop = 0  # so many of the next requests get no answer
        self.status = 0  # and with a status, that instead of none

    def sent(self, method: str, path: str) -> list[Request]:
        """Returns the requests with a method to a path."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def answer(self, request: Request) -> tuple[int, Any] | None:
        self.requests.append(request)
        if self.drop > 0:
            self.drop -= 1
            return (self.status, "upstream is gone") if self.status else None
        return self._answer(request)

    def _answer(self, request: Request) -> tuple[int, Any]:
        if self.login_page:
            return 200, _LOGIN
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return self.refusal, {"error": "no", "code": 16, "message": "this token is not known"}
        if request.path == "/k8s/pod/logs":
            log = self.logs.get(request.query.get("podname", ""))
            return (200, log) if log is not None else (404, "pod not found")
        match = re.fullmatch(r"/apis/v2beta1/([a-z]+)(?:/([^:/]+)(?::(\w+))?)?", request.path)
        if not match:
            return 404, "page not found"
        return getattr(self, f"_{match[1]}")(request, match[2], match[3])

    def _healthz(self, request: Request, *_: object) -> tuple[int, Any]:
        return 200, {"multi_user": self.multi_user}

    def _experiments(self, request: Request, *_: object) -> tuple[int, Any]:
        if request.method == "POST":
            made = {**request.body, "experiment_id": f"experiment-{len(self.experiments) + 1}"}
            self.experiments[made["display_name"]] = made
            return 200, made
        wanted = json.loads(request.query["filter"])["predicates"][0]["stringValue"]
        return 200, {"experiments": [self.experiments[wanted]]} if wanted in self.experiments else {}

    def _runs(self, request: Request, run_id: str | None, verb: str | None) -> tuple[int, Any]:
        if run_id is None and request.method == "POST":
            return self._make_run(request)
        if run_id is None:
            wanted = request.query.get("experiment_id")
            found = [run for run in self.runs.values() if not wanted or run["experiment_id"] == wanted]
            return 200, {"runs": found[::-1][: int(request.query["page_size"])]}
        if run_id not in self.runs:
            return 404, {"error": "none", "code": 5, "message": f"Run {run_id} not found"}
        if verb == "terminate":
            self.stages = (Stage("CANCELED"),)
            return 200, {}
        return 200, self._look(run_id)

    def _make_run(self, request: Request) -> tuple[int, Any]:
        if request.body["display_name"] == "refused":
            return 400, {"error": "bad", "code": 3, "message": "Invalid input: the pipeline is refused"}
        run_id = f"run-{len(self.runs) + 1}"
        self.runs[run_id] = {
            **request.body,
            "run_id": run_id,
            "state": "PENDING",
            "created_at": f"2026-01-02T03:04:{len(self.runs):02d}Z",
            "finished_at": _YEAR_ONE,
        }
        return 200, self.runs[run_id]

    def _look(self, run_id: str) -> dict[str, Any]:
        look = self.looks.get(run_id, 0)
        self.looks[run_id] = look + 1
        stage = self.stages[min(look, len(self.stages) - 1)]
        run = {**self.runs[run_id], "state": stage.state}
        if stage.state in ("SUCCEEDED", "FAILED", "CANCELED"):
            run["finished_at"] = "2026-01-02T03:06:05Z"
        run["error"] = {"code": 13, "message": stage.error} if stage.error else None
        tasks = [node for name, state in stage.tasks.items() for node in nodes(name, state)]
        run["run_details"] = {"task_details": [{"display_name": "root", "state": stage.state}, *tasks]}
        return run

    def _recurringruns(self, request: Request, run_id: str | None, verb: str | None) -> tuple[int, Any]:
        if run_id is None and request.method == "POST":
            made = {**request.body, "recurring_run_id": f"schedule-{len(self.schedules) + 1}", "status": "ENABLED"}
            self.schedules[made["recurring_run_id"]] = made
            return 200, made
        if verb == "disable" and run_id in self.schedules:
            self.schedules[run_id]["status"] = "DISABLED"
            return 200, {}
        return 200, {"recurringRuns": [*self.schedules.values()]}


def nodes(name: str, state: str) -> list[dict[str, Any]]:
    """Returns what Argo makes of a task."""
    ended = state in ("SUCCEEDED", "FAILED", "SKIPPED")
    driver = {"display_name": f"{name}-driver", "state": "SUCCEEDED"}
    task = {
        "display_name": name,
        "state": state,
        "start_time": "2026-01-02T03:04:10Z",
        "end_time": "2026-01-02T03:05:15Z" if ended else _YEAR_ONE,
        "state_history": [{"state": state, "update_time": "2026-01-02T03:04:10Z"}],
        "child_tasks": [{"pod_name": f"pipeline-x7k2p-{sum(name.encode())}"}],
    }
    return [driver, task, {"display_name": "executor", "state": state}]
