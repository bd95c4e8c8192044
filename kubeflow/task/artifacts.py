"""TFX artifacts, and how they travel between tasks.

The platform keeps one artifact per output, of a type that it knows, with metadata in which all numbers are floating
point. So the TFX artifacts travel in that metadata, as JSON of ML Metadata's protos, with their places relative to the
output: none (nothing was found), one, or several.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2
from tfx.types.value_artifact import ValueArtifact
from tfx.utils import import_utils

from tfx_automl.errors import DataError
from tfx_automl.kubeflow.task import uris
from tfx_automl.kubeflow.task.description import ARTIFACTS_KEY, Input, Output
from tfx_automl.kubeflow.task.platform_io import PlatformArtifact, PlatformIO
from tfx_automl.kubeflow.types import class_path

_ID_BITS = 11


def new_id(uri: str) -> int:
    """Returns an id for an artifact: later ones have larger ids, as TFX's strategies expect it.

    Args:
        uri: Tells artifacts apart that were made in the same microsecond.
    """
    return (time.time_ns() // 1000 << _ID_BITS) | int(hashlib.sha256(uri.encode()).hexdigest(), 16) % (1 << _ID_BITS)


def read_input(entry: Input, platform: PlatformIO) -> list[Any]:
    """Returns the artifacts of an input.

    Args:
        entry: What the compiler says of it.
        platform: Gives them.
    """
    cls = import_utils.import_class_by_path(entry.type)
    return [artifact for key in entry.keys for given in platform.inputs(key) for artifact in unpack(given, cls)]


def unpack(given: PlatformArtifact, cls: type) -> list[Any]:
    """Returns the TFX artifacts that the platform keeps as one.

    Args:
        given: As the platform has it.
        cls: Class of an artifact that no task of ours made; the others say themselves what they are.
    """
    written = given.metadata.get(ARTIFACTS_KEY)
    if written is None:
        return [_foreign(given, cls)]
    return [_from_entry(entry, given.path) for entry in json.loads(written)]


def _from_entry(entry: dict[str, Any], folder: str) -> Any:
    artifact = import_utils.import_class_by_path(entry["class"])()
    message = json_format.ParseDict(entry["artifact"], metadata_store_pb2.Artifact())
    message.uri = os.path.join(folder, message.uri) if message.uri else folder
    artifact.set_mlmd_artifact(message)
    if not isinstance(artifact, ValueArtifact) and not os.path.exists(message.uri):
        os.makedirs(message.uri)  # buckets have no empty folders
    return artifact


def _foreign(given: PlatformArtifact, cls: type) -> Any:
    """Returns an artifact of an importer or of a component that is not ours: the metadata are its properties."""
    artifact = cls()
    artifact.uri = given.path
    artifact.id = int(hashlib.sha256(given.uri.encode()).hexdigest(), 16) >> 193  # positive, 63 bits
    for name, value in given.metadata.items():
        if name in (cls.PROPERTIES or {}):  # type: ignore[attr-defined]  # TFX has no types
            kind = artifact.artifact_type.properties[name]
            setattr(artifact, name, int(value) if kind == metadata_store_pb2.INT else value)
        elif isinstance(value, str):
            artifact.set_string_custom_property(name, value)
        elif isinstance(value, int | float) and value == int(value):
            artifact.set_int_custom_property(name, int(value))
        elif isinstance(value, int | float):
            artifact.set_float_custom_property(name, value)
    return artifact


def new_output(entry: Output, given: PlatformArtifact) -> Any:
    """Returns an empty artifact for an output.

    Args:
        entry: What the compiler says of it.
        given: The place for it.
    """
    artifact = import_utils.import_class_by_path(entry.type)()
    artifact.uri = given.path
    artifact.id = new_id(given.uri)
    for name, value in entry.properties.items():
        setattr(artifact, name, value)
    for name, value in entry.custom_properties.items():
        kind = "int" if isinstance(value, int) else "float" if isinstance(value, float) else "string"
        getattr(artifact, f"set_{kind}_custom_property")(name, value)
    return artifact


def make_place(artifact: Any) -> None:
    """Makes the folder of an output, or for a value the folder of its file."""
    path = artifact.uri
    os.makedirs(os.path.dirname(path) if isinstance(artifact, ValueArtifact) else path, exist_ok=True)


def pack(artifacts: Iterable[Any], place: PlatformArtifact) -> dict[str, Any]:
    """Returns the metadata with which artifacts travel.

    Args:
        artifacts: All that one output holds.
        place: Of the output; they lie there or below it.

    Raises:
        DataError: One lies elsewhere, so that the platform would lose it.
    """
    entries: list[dict[str, Any]] = []
    shown: dict[str, Any] = {}
    for artifact in artifacts:
        message = metadata_store_pb2.Artifact()
        message.CopyFrom(artifact.mlmd_artifact)
        try:
            message.uri = uris.relative(artifact.uri, place.path)
        except ValueError as error:
            raise DataError(
                f"The output {place.name!r} was moved: {error}; the platform keeps only what is there."
            ) from error
        entries.append({"class": class_path(type(artifact)), "artifact": json_format.MessageToDict(message)})
        shown |= _shown(message)
    return {**shown, ARTIFACTS_KEY: json.dumps(entries, sort_keys=True)}


def _shown(message: Any) -> dict[str, Any]:
    """Returns what people see of an artifact on the platform's pages."""
    result = {}
    for values in (message.custom_properties, message.properties):
        for name, value in values.items():
            which = value.WhichOneof("value")
            shown = getattr(value, which) if which in ("int_value", "double_value", "string_value") else None
            if isinstance(shown, str) or (shown is not None and math.isfinite(shown)):
                result[name] = shown
    return result
