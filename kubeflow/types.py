"""What artifact types and values are called on the platform."""

from typing import Any

INTEGER, NUMBER, TEXT, STATUS = "NUMBER_INTEGER", "NUMBER_DOUBLE", "STRING", "TASK_FINAL_STATUS"
# Whole numbers travel as floating point numbers: larger ones would change on their way.
LARGEST_INTEGER = 2**53
SCHEMA_VERSION = "0.0.1"
_SCHEMAS = {"Dataset": "system.Dataset", "Model": "system.Model"}


def class_path(cls: type) -> str:
    """Returns the path by which a class is imported."""
    return f"{cls.__module__}.{cls.__qualname__}"


def schema_title(artifact_type: Any) -> str:
    """Returns the platform's type for a TFX artifact class: a data set, a model, or just an artifact.

    The class itself travels in the description of each task.
    """
    annotation = getattr(artifact_type, "TYPE_ANNOTATION", None)
    return _SCHEMAS.get(annotation.__name__, "system.Artifact") if annotation else "system.Artifact"
