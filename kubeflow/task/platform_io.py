"""What the platform gives to a task and expects from it: the messages `ExecutorInput` and `ExecutorOutput`, as JSON."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.kubeflow.task import uris


@dataclass(frozen=True)
class PlatformArtifact:
    """An artifact as the platform knows it.

    Attributes:
        name: Its name.
        uri: Where it is: an address in a bucket, or a path.
        metadata: What is kept with it.
    """

    name: str
    uri: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it lies in the container."""
        return uris.to_path(self.uri)


@dataclass
class PlatformIO:
    """The inputs of a task, and what it reports.

    Attributes:
        message: The `ExecutorInput`.
    """

    message: Mapping[str, Any]
    _artifacts: dict[str, Any] = field(default_factory=dict)
    _parameters: dict[str, Any] = field(default_factory=dict)

    def inputs(self, key: str) -> list[PlatformArtifact]:
        """Returns the artifacts of an input; none if it was left out."""
        return _artifacts(self.message.get("inputs", {}), key)

    def output(self, key: str) -> PlatformArtifact:
        """Returns an output, with the place where it is to be written."""
        return _artifacts(self.message["outputs"], key)[0]

    def parameter(self, key: str) -> Any:
        """Returns a value; None if it was not given."""
        return self.message.get("inputs", {}).get("parameterValues", {}).get(key)

    def report_artifact(self, key: str, metadata: Mapping[str, Any]) -> None:
        """Says what is to be kept with an output."""
        output = self.output(key)
        entry = {"name": output.name, "uri": output.uri, "metadata": dict(metadata)}
        self._artifacts[key] = {"artifacts": [entry]}

    def report_parameter(self, key: str, value: str) -> None:
        """Says the value of an output."""
        self._parameters[key] = value
        # The launcher of the cluster reads the file, local runs the report.
        _write(self.message["outputs"]["parameters"][key]["outputFile"], value)

    def finish(self) -> None:
        """Writes the report."""
        report = {"artifacts": self._artifacts, "parameterValues": self._parameters}
        _write(self.message["outputs"]["outputFile"], json.dumps(report))


def _artifacts(part: Mapping[str, Any], key: str) -> list[PlatformArtifact]:
    entries = part.get("artifacts", {}).get(key, {}).get("artifacts", [])
    return [
        PlatformArtifact(entry.get("name", key), entry.get("uri", ""), entry.get("metadata") or {}) for entry in entries
    ]


def _write(place: str, text: str) -> None:
    path = uris.to_path(place)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
