"""A run and its tasks, as they stand; read from what the API tells.

Kubeflow's API lists the nodes that Argo made of a task: `NAME-driver`, which looks at its inputs, `NAME`, and in it an
`executor`. It leaves the error of a task empty and does not name its pod, but its children by Argo's ids.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.kubeflow.client.package import task_labels

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
NOT_RUN = "NOT RUN"
_PENDING = "PENDING"
_ENDED = frozenset({SUCCEEDED, FAILED, "CANCELED", "SKIPPED", "CACHED"})
_EXECUTOR = re.compile(r"executor(\(\d+\))?")
_NODE = re.compile(r"(.+)-(\d+)")
# How Argo calls the pod of a node: the name of the template stands between the workflow's and the number.
_TEMPLATES = ("system-container-impl", "retry-system-container-impl")


@dataclass(frozen=True)
class Task:
    """A task of a run.

    Attributes:
        name: Of the component.
        state: As the API calls it: `PENDING`, `RUNNING`, `SUCCEEDED`, `SKIPPED`, `FAILED`, `CANCELED` and others; or
            `NOT RUN`, if the run ended before it came to the task.
        seconds: How long it took; None while it has not ended, or if the API does not tell.
        error: What went wrong, or nothing.
        pods: Names that its pod may have; none if it did not fail.
    """

    name: str
    state: str
    seconds: float | None = None
    error: str = ""
    pods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run of a pipeline.

    Attributes:
        id: By which the server knows it.
        name: By which people know it.
        state: As of a task.
        created: When it was made, if the API tells.
        seconds: How long it took; None while it has not ended.
        error: What went wrong, or nothing.
        url: Its page.
        tasks: Each after those that it waits for.
    """

    id: str
    name: str
    state: str
    created: datetime.datetime | None
    seconds: float | None
    error: str
    url: str
    tasks: tuple[Task, ...]

    @classmethod
    def from_api(cls, told: Mapping[str, Any]) -> "Run":
        """Reads what the API tells of a run."""
        created, state = _time(told.get("created_at")), _state(told)
        return cls(
            id=str(told.get("run_id", "")),
            name=str(told.get("display_name", "")),
            state=state,
            created=created,
            seconds=_between(created, _time(told.get("finished_at"))) if state in _ENDED else None,
            error=_error(told),
            url=str(told.get("url", "")),
            tasks=tuple(_tasks(told)),
        )

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.state in _ENDED

    @property
    def failed_tasks(self) -> tuple[Task, ...]:
        """The tasks that failed."""
        return tuple(task for task in self.tasks if task.state == FAILED)


def _tasks(told: Mapping[str, Any]) -> Iterator[Task]:
    """Yields the tasks of the pipeline; without their pipeline no names are known, and so no tasks."""
    nodes: Sequence[Mapping[str, Any]] = (told.get("run_details") or {}).get("task_details") or []
    by_name = {str(node.get("display_name")): node for node in nodes}
    for name, label in task_labels(told.get("pipeline_spec") or {}).items():
        own, driver = by_name.get(name) or by_name.get(label), by_name.get(f"{name}-driver")
        # A driver that failed leaves its task without a start, or without a node at all.
        node = driver if driver and _state(driver) == FAILED else own
        state = _state(node) if node else _PENDING
        state = NOT_RUN if state == _PENDING and _state(told) in _ENDED else state
        seconds = _between(_time(node.get("start_time")), _time(node.get("end_time"))) if node else None
        failed = node if node and state == FAILED else None
        yield Task(
            name=label,
            state=state,
            seconds=seconds if state in _ENDED else None,
            error=_error(failed) if failed else "",
            pods=tuple(_pods(failed, nodes)) if failed else (),
        )


def _pods(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields the names that the pod of a failed task may have, the likeliest first."""
    detail = node.get("executor_detail") or {}
    yield from filter(None, (node.get("pod_name"), *(detail.get("failed_main_jobs") or ()), detail.get("main_job")))
    children = [*_children(node)]
    executors = [each for each in nodes if _EXECUTOR.fullmatch(str(each.get("display_name")))]
    failed = [each for each in executors if _state(each) == FAILED]
    if len(failed) == 1:  # with retries, pods are children of the executor; it does not say whose it is
        children += reversed([*_children(failed[0])])
    for child in dict.fromkeys(children):
        match = _NODE.fullmatch(child)
        yield from (f"{match[1]}-{template}-{match[2]}" for template in _TEMPLATES if match)
        yield child


def _children(node: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(child["pod_name"]) for child in node.get("child_tasks") or () if child.get("pod_name"))


def _state(told: Mapping[str, Any]) -> str:
    state = str(told.get("state") or _PENDING)
    return _PENDING if state.endswith("UNSPECIFIED") else state


def _error(told: Mapping[str, Any]) -> str:
    """Returns the last error of a run or a task, on one line."""
    history = [status.get("error") for status in told.get("state_history") or ()]
    messages = [str((each or {}).get("message") or "") for each in (*history, told.get("error"))]
    return " ".join(next(filter(None, reversed(messages)), "").split())


def _time(text: object) -> datetime.datetime | None:
    """Returns a time; what Argo has not reached yet is told as the year 1 or 1970."""
    if not text:
        return None
    found = datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", str(text)).replace("Z", "+00:00"))
    return found if found.year > 1970 else None


def _between(start: datetime.datetime | None, end: datetime.datetime | None) -> float | None:
    return max(0.0, (end - start).total_seconds()) if start and end else None
