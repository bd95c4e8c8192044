"""Writes tasks down as a `PipelineSpec` of schema 2.1.0."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfx_automl import __version__
from tfx_automl.kubeflow import conditions, platform, types
from tfx_automl.kubeflow.tasks import ParameterInput, Task

SCHEMA = "2.1.0"
EXIT_DAG = "exit-handler-1"


def pipeline_spec(
    name: str,
    pipeline_root: str,
    tasks: Sequence[Task],
    exit_task: Task | None,
    parameters: Mapping[str, Mapping[str, Any]],
    target: str,
) -> dict[str, Any]:
    """Returns the whole pipeline.

    Args:
        name: Of the pipeline.
        pipeline_root: Where artifacts go if the run says nothing else.
        tasks: All of them, but for the one that runs at the end whatever happens.
        exit_task: That one.
        parameters: Of the pipeline.
        target: `kubeflow` or `vertex`.
    """
    every = [*tasks, *([exit_task] if exit_task else [])]
    components = {f"comp-{task.name}": _component(task) for task in every}
    root: dict[str, Any] = {"dag": {"tasks": {task.name: _task(task) for task in tasks}}}
    if exit_task:
        components[f"comp-{EXIT_DAG}"] = root | _definitions(parameters)
        root = {"dag": {"tasks": {EXIT_DAG: _sub_dag(parameters), exit_task.name: _task(exit_task)}}}
    executors = {f"exec-{task.name}": platform.with_settings(task.executor, task.settings, target) for task in every}
    return {
        "schemaVersion": SCHEMA,
        "sdkVersion": f"tfx-automl-{__version__}",
        "pipelineInfo": {"name": name},
        "defaultPipelineRoot": pipeline_root,
        "components": components,
        "deploymentSpec": {"executors": executors},
        "root": root | _definitions(parameters),
    }


def _definitions(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return (
        {"inputDefinitions": {"parameters": {key: dict(spec) for key, spec in parameters.items()}}}
        if parameters
        else {}
    )


def _sub_dag(parameters: Iterable[str]) -> dict[str, Any]:
    task: dict[str, Any] = {"componentRef": {"name": f"comp-{EXIT_DAG}"}, "taskInfo": {"name": EXIT_DAG}}
    if passed := {name: {"componentInputParameter": name} for name in parameters}:
        task["inputs"] = {"parameters": passed}
    return task


def _all_parameters(task: Task) -> dict[str, ParameterInput]:
    return {**task.parameters, **conditions.verdicts(task.conditions)}


def _component(task: Task) -> dict[str, Any]:
    """Returns the interface of a task."""
    inputs: dict[str, Any] = {}
    if task.artifacts:
        inputs["artifacts"] = {key: _artifact(entry.schema) for key, entry in task.artifacts.items()}
    if parameters := _all_parameters(task):
        inputs["parameters"] = {key: _parameter(entry.type) for key, entry in parameters.items()}
    outputs: dict[str, Any] = {}
    if task.outputs:
        outputs["artifacts"] = {key: _artifact(title) for key, title in task.outputs.items()}
    if task.output_parameters:
        outputs["parameters"] = {key: _parameter(kind) for key, kind in task.output_parameters.items()}
    result: dict[str, Any] = {"executorLabel": f"exec-{task.name}"}
    result |= {"inputDefinitions": inputs} if inputs else {}
    return result | ({"outputDefinitions": outputs} if outputs else {})


def _artifact(title: str) -> dict[str, Any]:
    return {"artifactType": {"schemaTitle": title, "schemaVersion": types.SCHEMA_VERSION}}


def _parameter(kind: str) -> dict[str, Any]:
    # The SDK marks it as optional, since local runs of single components have no status.
    return {"parameterType": kind, "isOptional": True} if kind == types.STATUS else {"parameterType": kind}


def _task(task: Task) -> dict[str, Any]:
    """Returns a task: where its inputs come from, and when it runs."""
    result: dict[str, Any] = {"componentRef": {"name": f"comp-{task.name}"}, "taskInfo": {"name": task.label}}
    result["cachingOptions"] = {"enableCache": True} if task.cache else {}
    inputs: dict[str, Any] = {}
    if task.artifacts:
        inputs["artifacts"] = {
            key: {"taskOutputArtifact": {"producerTask": entry.task, "outputArtifactKey": entry.key}}
            for key, entry in task.artifacts.items()
        }
    if parameters := _all_parameters(task):
        inputs["parameters"] = {key: dict(entry.value) for key, entry in parameters.items()}
    if inputs:
        result["inputs"] = inputs
    if before := sorted({entry.task for entry in task.artifacts.values()} | set(task.conditions) | task.after):
        result["dependentTasks"] = before
    if policy := platform.retry_policy(task.settings):
        result["retryPolicy"] = policy
    policy = {"condition": conditions.trigger(task.conditions)} if task.conditions else {}
    policy |= {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"} if task.always else {}
    return result | ({"triggerPolicy": policy} if policy else {})
