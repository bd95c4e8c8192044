"""Runs a compiled pipeline as a cluster's launcher does, in this process: fast, and with the traps of a cluster.

Addresses of artifacts are in a bucket, of which a task sees only its own inputs, in a folder that stands for the mount;
types of inputs arrive empty; numbers arrive as floating point; a report is merged into what the platform knows.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_automl.kubeflow.task import store, uris
from tfx_automl.kubeflow.task.main import main

SCHEME = "minio://"


class Launcher:
    """A run of a pipeline.

    Attributes:
        outputs: By task and key, what the platform knows of each artifact.
        parameters: By task and key, each value.
        skipped: Tasks whose condition was false.
        failed: Tasks that failed, or came after one that did.
    """

    def __init__(self, spec: Mapping[str, Any], folder: Path, run: str = "run-1") -> None:
        self.spec, self.run = spec, run
        self.bucket, self.mount, self.tmp = folder / "bucket", folder / "mount", folder / "tmp"
        self.outputs: dict[str, dict[str, Any]] = {}
        self.parameters: dict[str, dict[str, Any]] = {}
        self.skipped: list[str] = []
        self.failed: list[str] = []

    def execute(self, monkeypatch: Any, **parameters: Any) -> "Launcher":
        """Runs all tasks."""
        monkeypatch.setattr(uris, "_MOUNTS", {SCHEME: f"{self.mount}/"})
        opened, bucket = store._open, f"{self.bucket}/"
        monkeypatch.setattr(store, "_open", lambda place: opened(place.replace(SCHEME, bucket)))
        definitions = self.spec["root"].get("inputDefinitions", {}).get("parameters", {})
        given = {name: parameters.get(name, entry.get("defaultValue")) for name, entry in definitions.items()}
        assert None not in given.values(), f"missing required arguments: {given}"
        self._dag(self.spec["root"]["dag"], given)
        return self

    def _dag(self, dag: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        waiting = dict(dag["tasks"])
        while waiting:
            ready = [name for name, task in waiting.items() if not set(task.get("dependentTasks", ())) & set(waiting)]
            assert ready, f"tasks wait for each other: {sorted(waiting)}"
            for name in ready:
                self._task(name, waiting.pop(name), given)

    def _task(self, name: str, task: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        component = self.spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            self._dag(component["dag"], given)
            return
        before = set(task.get("dependentTasks", ())) & set(self.failed)
        if before and task.get("triggerPolicy", {}).get("strategy") != "ALL_UPSTREAM_TASKS_COMPLETED":
            self.failed.append(name)
            return
        values = {key: self._value(entry, given) for key, entry in task.get("inputs", {}).get("parameters", {}).items()}
        if not _holds(task.get("triggerPolicy", {}).get("condition", ""), values):
            self.skipped.append(name)
            return
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "importer" in executor:
            spec = executor["importer"]
            uri = values["uri"] if "runtimeParameter" in spec["artifactUri"] else spec["artifactUri"]["constant"]
            entry = {"uri": uri, "metadata": _as_proto(spec.get("metadata", {})), "name": "1"}
            self.outputs[name] = {"artifact": entry}
            return
        self._container(name, task, component, executor["container"], values)

    def _value(self, entry: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        if "runtimeValue" in entry:
            return entry["runtimeValue"]["constant"]
        if "componentInputParameter" in entry:
            return given[entry["componentInputParameter"]]
        if "taskFinalStatus" in entry:
            return {"state": "FAILED" if self.failed else "SUCCEEDED", "pipelineTaskName": "exit-handler-1"}
        source = entry["taskOutputParameter"]
        return self.parameters.get(source["producerTask"], {}).get(source["outputParameterKey"])

    def _container(self, name: str, task: Any, component: Any, container: Any, values: Mapping[str, Any]) -> None:
        shutil.rmtree(self.mount, ignore_errors=True)
        work = self.tmp / self.run / name
        inputs = {key: self._input(entry) for key, entry in task.get("inputs", {}).get("artifacts", {}).items()}
        definitions = component.get("outputDefinitions", {})
        outputs = {
            key: {
                "name": key,
                "uri": f"{SCHEME}{self.run}/{name}/7/{key}",
                "metadata": {},
                "type": entry["artifactType"],
            }
            for key, entry in definitions.get("artifacts", {}).items()
        }
        files = {key: {"outputFile": str(work / key)} for key in definitions.get("parameters", {})}
        message = {
            "inputs": {
                "parameterValues": _as_proto(values),
                "artifacts": {key: {"artifacts": [entry]} for key, entry in inputs.items()},
            },
            "outputs": {
                "artifacts": {key: {"artifacts": [entry]} for key, entry in outputs.items()},
                "parameters": files,
                "outputFile": str(work / "report.json"),
            },
        }
        if self._run(container, message) != 0:
            self.failed.append(name)
            return
        self._upload(name, outputs, files, work / "report.json")

    def _run(self, container: Any, message: Mapping[str, Any]) -> int:
        if container["command"][:3] == ["python", "-m", "tfx_automl.kubeflow.task"]:
            return main([argument.replace("{{$}}", json.dumps(message)) for argument in container["args"]])
        command = [_filled(part, message) for part in (*container["command"], *container.get("args", ()))]
        return subprocess.run(command, check=False).returncode

    def _input(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        source = entry["taskOutputArtifact"]
        known = self.outputs[source["producerTask"]][source["outputArtifactKey"]]
        if known["uri"].startswith(SCHEME):
            inner = known["uri"].removeprefix(SCHEME)
            _copy(self.bucket / inner, self.mount / inner)
        return {**known, "type": {"instanceSchema": ""}}

    def _upload(self, name: str, outputs: Any, files: Any, report: Path) -> None:
        told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
        for key, entry in outputs.items():
            for reported in told.get("artifacts", {}).get(key, {}).get("artifacts", ()):
                entry["metadata"] |= _as_proto(reported.get("metadata", {}))
            inner = entry["uri"].removeprefix(SCHEME)
            _copy(self.mount / inner, self.bucket / inner)
        self.outputs[name] = outputs
        self.parameters[name] = {
            key: Path(file["outputFile"]).read_text(encoding="utf-8") for key, file in files.items()
        }


def _as_proto(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values as they come out of a protobuf Struct: all numbers are floating point."""
    return {
        key: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in values.items()
    }


def _copy(source: Path, target: Path) -> None:
    """Copies what a bucket can hold: files, but no empty folders."""
    for path in [source] if source.is_file() else sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def _holds(condition: str, values: Mapping[str, Any]) -> bool:
    parts = condition.split(" && ") if condition else []
    for part in parts:
        match = re.fullmatch(r"inputs\.parameter_values\['([^']+)'\] == '([^']*)'", part)
        assert match, part
        if values[match[1]] != match[2]:
            return False
    return True


def _filled(part: str, message: Mapping[str, Any]) -> str:
    def replace(match: re.Match[str]) -> str:
        side, what, key, last = match.groups()
        if what == "parameters":
            value = message["inputs"]["parameterValues"][key]
            return f"{value:g}" if isinstance(value, float) else str(value)
        uri = message[side]["artifacts"][key]["artifacts"][0]["uri"]
        return uri if last == "uri" else uris.to_path(uri)

    part = part.replace("{{$.outputs.output_file}}", message["outputs"]["outputFile"])
    return re.sub(r"\{\{\$\.(\w+)\.(\w+)\['([^']+)'\](?:\.(\w+))?\}\}", replace, part)
