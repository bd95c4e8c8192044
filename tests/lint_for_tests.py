"""What must hold for every compiled pipeline, or the cluster refuses it or goes wrong in the middle of a run."""

import re
from collections.abc import Mapping
from typing import Any

_ARGO = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with a `PipelineSpec`."""
    found = [] if spec["schemaVersion"] == "2.1.0" else ["the schema is not 2.1.0"]
    executors = spec["deploymentSpec"]["executors"]
    found += [
        f"{label}: {kind}" for label, entry in executors.items() for kind in set(entry) - {"container", "importer"}
    ]
    labels = {entry["executorLabel"] for entry in spec["components"].values() if "executorLabel" in entry}
    found += [f"executors and components differ: {labels ^ set(executors)}"] if labels != set(executors) else []
    found += [f"name {name!r}" for name in (*spec["components"], *executors) if not _ARGO.fullmatch(name)]
    dags = [spec["root"], *(entry for entry in spec["components"].values() if "dag" in entry)]
    for entry in dags:
        inputs = set(entry.get("inputDefinitions", {}).get("parameters", {}))
        found += _of_dag(spec, entry["dag"]["tasks"], inputs)
    used = {task["componentRef"]["name"] for entry in dags for task in entry["dag"]["tasks"].values()}
    return found + [f"{name} is not used" for name in set(spec["components"]) - used]


def _of_dag(spec: Mapping[str, Any], tasks: Mapping[str, Any], inputs: set[str]) -> list[str]:
    found = []
    for name, task in tasks.items():
        found += [] if _ARGO.fullmatch(name) else [f"task {name!r}"]
        component = spec["components"][task["componentRef"]["name"]]
        before = set(task.get("dependentTasks", ()))
        found += [f"{name} waits for {other}, which does not exist" for other in before - set(tasks)]
        given = task.get("inputs", {})
        for part in ("parameters", "artifacts"):
            declared = set(component.get("inputDefinitions", {}).get(part, {}))
            found += [f"{name}: {part} differ: {declared ^ set(given.get(part, {}))}"] * (
                declared != set(given.get(part, {}))
            )
        keys = [*given.get("parameters", {}), *given.get("artifacts", {})]
        found += [f"{name} has two inputs of one name"] * (len(keys) != len(set(keys)))
        for entry in (*given.get("parameters", {}).values(), *given.get("artifacts", {}).values()):
            found += _of_source(spec, name, entry, tasks, before, inputs)
        condition = task.get("triggerPolicy", {}).get("condition", "")
        named = set(re.findall(r"inputs\.parameter_values\['([^']+)'\]", condition))
        found += [f"{name}: its condition names {key}" for key in named - set(given.get("parameters", {}))]
    return found


def _of_source(spec: Any, name: str, entry: Any, tasks: Any, before: set[str], inputs: set[str]) -> list[str]:
    [(kind, source)] = entry.items()
    if kind == "componentInputParameter":
        return [] if source in inputs else [f"{name} needs the parameter {source}, which does not exist"]
    if kind == "runtimeValue":
        return []
    producer = source["producerTask"]
    if producer not in tasks or producer not in before:
        return [f"{name} needs {producer}, which does not exist or for which it does not wait"]
    if kind == "taskFinalStatus":
        return []
    part, key = (
        ("parameters", "outputParameterKey") if kind == "taskOutputParameter" else ("artifacts", "outputArtifactKey")
    )
    outputs = spec["components"][tasks[producer]["componentRef"]["name"]]["outputDefinitions"].get(part, {})
    return [] if source[key] in outputs else [f"{name} needs {source[key]} of {producer}, which it does not have"]
