"""Lets Pusher push to buckets that TFX cannot write to: to a folder of the task first, which is copied afterwards."""

import os
from collections.abc import Callable
from typing import Any

from tfx.proto import pusher_pb2
from tfx.utils import proto_utils

from tfx_automl.kubeflow.task import store

_DESTINATION = "push_destination"
_PUSHED_TO = "pushed_destination"
# What TFX has no file system for, and Arrow has.
_BUCKETS = ("s3://", "minio://")
# Servers take a version for complete as soon as this file is there.
_LAST = "saved_model.pb"

Outputs = dict[str, list[Any]]


def execute(info: Any, executor: Callable[[], Outputs]) -> Outputs:
    """Runs an executor; if it is to push to a bucket that TFX cannot write to, that is done here.

    Args:
        info: TFX's ExecutionInfo; its destination is another one while the executor runs.
        executor: Runs it, and returns its artifacts by output.

    Returns:
        The artifacts by output; those of Pusher name the bucket.

    Raises:
        DataError: The bucket cannot be written to.
    """
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(info.exec_properties.get(_DESTINATION) or "{}", destination)
    bucket = destination.filesystem.base_directory.rstrip("/")
    if not bucket.startswith(_BUCKETS):
        return executor()
    folder = os.path.join(info.tmp_dir, "pushed")
    destination.filesystem.base_directory = folder
    info.exec_properties[_DESTINATION] = proto_utils.proto_to_json(destination)
    outputs = executor()
    if os.path.isdir(folder):  # not blessed, nothing pushed
        store.send(folder, bucket, last=_LAST)
    for made in outputs.values():
        for artifact in made:
            if (path := artifact.get_string_custom_property(_PUSHED_TO)).startswith(folder):
                artifact.set_string_custom_property(_PUSHED_TO, bucket + path.removeprefix(folder))
    return outputs
