"""The serving folder, and what the cache may still say about it."""

from pathlib import Path
from typing import Any

from tfx_automl.pipelines.output import OutputFolder

_MODEL_FILE = "saved_model.pb"  # copied last, so a version without it is not whole


def newest_version(serving: Path) -> Path | None:
    """Returns the version that TensorFlow Serving loads, the one with the largest number; None if it is not whole."""
    versions = [path for path in serving.glob("*") if path.name.isdecimal()]
    newest = max(versions, key=lambda path: int(path.name), default=None)
    return newest if newest and (newest / _MODEL_FILE).is_file() else None


def forget_stale_pushes(output: OutputFolder) -> None:
    """Takes pushes out of the cache whose model is not, or no longer, the newest in the serving folder.

    For the cache, a push of the same model is the same push. But the serving folder is outside of what the cache looks
    after: the version may have been removed, or another model pushed since. The cache never takes an artifact that is
    not live; so Pusher then pushes the model again, as the newest version.

    Args:
        output: The run's folder; if nothing ran here yet, nothing happens.
    """
    if not output.metadata.is_file():
        return
    from ml_metadata.proto import metadata_store_pb2 as mlmd
    from tfx.orchestration import metadata

    newest = newest_version(output.serving)
    with metadata.Metadata(metadata.sqlite_metadata_connection_config(str(output.metadata))) as handle:
        pushes = handle.store.get_artifacts_by_type("PushedModel")
        stale = [push for push in pushes if push.state == mlmd.Artifact.LIVE and _is_stale(push, newest)]
        for push in stale:
            push.state = mlmd.Artifact.ABANDONED
        if stale:
            handle.store.put_artifacts(stale)


def _is_stale(push: Any, newest: Path | None) -> bool:
    """Tells whether a model was pushed, and is not what is served now. What the gate kept back cannot be stale."""
    properties = push.custom_properties
    return bool(properties["pushed"].int_value) and Path(properties["pushed_destination"].string_value) != newest
