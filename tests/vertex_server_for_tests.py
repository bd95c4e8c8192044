"""A server that speaks the part of Vertex's API (REST) that its SDK uses for pipelines, and of Cloud Storage's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from http_server_for_tests import FakeServer, Request

PARENT = "projects/birds/locations/europe-west4"
PAGE = "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/{}?project=birds"


class FakeVertex(FakeServer):
    """The server.

    Attributes:
        stages: What every look at a run shows: its state and, by task, state and error.
        token: Which is wanted; nothing wants none.
    """

    def reset(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.stages: Sequence[tuple[str, Mapping[str, tuple[str, str]]]] = (("SUCCEEDED", {}),)
        self.looks = 0
        self.token = ""

    def answer(self, request: Request) -> tuple[int, Any]:
        if request.path.startswith("/storage/"):
            # Of a bucket that it sees the SDK asks Google whose it is.
            return 403, {"error": {"code": 403, "message": "no access to buckets"}}
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"error": {"code": 401, "message": "this token is not known", "status": "UNAUTHENTICATED"}}
        match = re.fullmatch(rf"/v1/{PARENT}/(pipelineJobs|schedules)(?:/([^:/]+)(?::(\w+))?)?", request.path)
        if not match:
            return 404, {"error": {"code": 404, "message": f"no {request.path}", "status": "NOT_FOUND"}}
        found: tuple[int, Any] = getattr(self, f"_{match[1]}")(
            request.method, match[2], match[3], request.query, request.body
        )
        return found

    def _pipelineJobs(self, method: str, name: str | None, verb: str | None, query: Any, body: Any) -> tuple[int, Any]:
        if name is None and method == "POST":
            made = {**body, "name": f"{PARENT}/pipelineJobs/{query['pipelineJobId']}", "state": _state("PENDING")}
            self.jobs[query["pipelineJobId"]] = made
            return 200, made
        if name is None:
            return 200, {"pipelineJobs": [*self.jobs.values()]}
        if name not in self.jobs:
            return 404, {"error": {"code": 404, "message": f"{name} does not exist", "status": "NOT_FOUND"}}
        if verb == "cancel":
            self.stages = (("CANCELLED", {}),)
            return 200, {}
        return 200, self._look(name)

    def _look(self, name: str) -> dict[str, Any]:
        state, tasks = self.stages[min(self.looks, len(self.stages) - 1)]
        self.looks += 1
        told = {**self.jobs[name], "state": _state(state), "createTime": "2026-01-02T03:04:00Z"}
        told |= {"endTime": "2026-01-02T03:06:05Z"} if state in ("SUCCEEDED", "FAILED", "CANCELLED") else {}
        told["jobDetail"] = {"taskDetails": [_task(name, *about) for name, about in tasks.items()]}
        return told

    def _schedules(self, method: str, name: str | None, verb: str | None, query: Any, body: Any) -> tuple[int, Any]:
        del query
        if name is None and method == "POST":
            made = {**body, "name": f"{PARENT}/schedules/77", "state": "ACTIVE", "createTime": "2026-01-02T03:04:00Z"}
            self.schedules["77"] = made
            return 200, made
        if name is None:
            return 200, {"schedules": [*self.schedules.values()]}
        if verb == "pause":
            self.schedules[name]["state"] = "PAUSED"
            return 200, {}
        return 200, self.schedules[name]


def _state(name: str) -> str:
    return f"PIPELINE_STATE_{name}"


def _task(name: str, state: str, error: str) -> dict[str, Any]:
    told: dict[str, Any] = {"taskName": name, "state": state, "startTime": "2026-01-02T03:04:10Z"}
    told |= {"endTime": "2026-01-02T03:05:15Z"} if state not in ("PENDING", "RUNNING") else {}
    return told | ({"error": {"code": 9, "message": error}} if error else {})
