"""What tasks note about their artifacts, so that Resolvers of later runs find them.

Tasks on Kubeflow have no access to ML Metadata. So each task whose outputs a Resolver of the pipeline may look for
writes a small file into the folder `history` of the pipeline root, once it is done.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2
from tfx.utils import import_utils

from tfx_automl.kubeflow.task import uris
from tfx_automl.kubeflow.task.artifacts import new_id
from tfx_automl.kubeflow.task.description import Description, Lookup
from tfx_automl.kubeflow.task.platform_io import PlatformIO
from tfx_automl.kubeflow.task.store import Store
from tfx_automl.kubeflow.types import class_path


def check(description: Description) -> None:
    """Makes sure that the history can be written to.

    Raises:
        DataError: It cannot.
    """
    Store(description.history).write(f"{description.pipeline}/.check/{description.node}", "")


def note(description: Description, platform: PlatformIO, outputs: Mapping[str, list[Any]]) -> None:
    """Notes the artifacts of a task.

    Args:
        description: Says which outputs are worth it.
        platform: Says where they are.
        outputs: The artifacts by output.
    """
    entries = []
    for key in sorted(key for key, entry in description.outputs.items() if entry.noted):
        for artifact in outputs[key]:
            message = metadata_store_pb2.Artifact()
            message.CopyFrom(artifact.mlmd_artifact)
            # A folder without files does not exist in a bucket, so nobody must look for it.
            message.uri = uris.to_uri(artifact.uri, platform.output(key).uri) if _has_files(artifact.uri) else ""
            entries.append(
                {"key": key, "class": class_path(type(artifact)), "artifact": json_format.MessageToDict(message)}
            )
    name = f"{description.pipeline}/{description.node}/{new_id(description.node)}.json"
    Store(description.history).write(name, json.dumps(entries, indent=1, sort_keys=True))


def _has_files(path: str) -> bool:
    return os.path.isfile(path) or any(files for _, _, files in os.walk(path))


def look_up(place: str, lookup: Lookup) -> list[Any]:
    """Returns the artifacts that tasks noted; their addresses are as the platform has them.

    Args:
        place: The history.
        lookup: Which.
    """
    folder = f"{lookup.pipeline}/{lookup.node}" if lookup.node else lookup.pipeline
    found = []
    for name, text in Store(place).read_all(folder).items():
        if name.endswith(".json"):
            found += [_artifact(entry) for entry in json.loads(text) if _is_wanted(entry, lookup)]
    return sorted(found, key=lambda artifact: int(artifact.id))


def _is_wanted(entry: Mapping[str, Any], lookup: Lookup) -> bool:
    return entry["class"] == lookup.type and lookup.key in ("", entry["key"])


def _artifact(entry: Mapping[str, Any]) -> Any:
    artifact = import_utils.import_class_by_path(entry["class"])()
    artifact.set_mlmd_artifact(json_format.ParseDict(entry["artifact"], metadata_store_pb2.Artifact()))
    return artifact
