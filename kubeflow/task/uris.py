"""Addresses in buckets, and the folders of the container where the platform puts what is there."""

import os

# What the platform's launcher downloads before a task, and uploads after it.
_MOUNTS = {"minio://": "/minio/", "s3://": "/s3/", "gs://": "/gcs/"}


def to_path(uri: str) -> str:
    """Returns where an artifact lies in the container; an address that is a path stays as it is."""
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return mount + uri[len(scheme) :]
    return uri


def to_uri(path: str, like: str) -> str:
    """Returns the address of a path.

    Args:
        path: In the container.
        like: An address in the same place: it tells whether paths stand for a bucket, and for which kind.
    """
    for scheme, mount in _MOUNTS.items():
        if like.startswith(scheme) and path.startswith(mount):
            return scheme + path[len(mount) :]
    return path


def relative(path: str, folder: str) -> str:
    """Returns a path as seen from a folder: empty for the folder itself.

    Raises:
        ValueError: It lies elsewhere.
    """
    found = os.path.relpath(path, folder)
    if found == os.curdir:
        return ""
    if found == os.pardir or found.startswith(os.pardir + os.sep):
        raise ValueError(f"{path} is not in {folder}")
    return found
