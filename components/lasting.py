"""Folders that outlive an execution which was killed."""

from pathlib import Path
from typing import Any


def lasting_folder(context: Any, temporary: str, name: str) -> Path:
    """Returns a folder in which the next execution of a node finds what this one left there.

    TFX gives every execution a stateful folder of its own, also when a run is repeated after it was killed; the folder
    above belongs to the node.

    Args:
        context: Of the executor; may be None.
        temporary: A folder for executors that have no stateful one.
        name: Of the folder, within the node's.
    """
    if context is None or not context.stateful_working_dir:
        return Path(temporary) / name
    return Path(context.stateful_working_dir).parent / name
