"""Files in the places where the tasks of all runs can reach them: buckets and shared folders.

What the platform itself downloads and uploads are only the inputs and outputs of a task.
"""

import os
from typing import Any

from tfx_automl.errors import DataError, one_line
from tfx_automl.kubeflow.task import uris

ENDPOINT = "TFX_AUTOML_S3_ENDPOINT"
# Kubeflow's own object store, as it is installed.
_MINIO = "http://minio-service.kubeflow:9000"
_GCS_MOUNT = "/gcs"


class Store:
    """A place in a bucket or a folder."""

    def __init__(self, place: str) -> None:
        """Opens a place.

        Args:
            place: gs://, s3://, minio://, a path, or any other address that fsspec knows.
        """
        self.place = place
        self._system, self._root = _open(place)

    def write(self, name: str, text: str) -> None:
        """Writes a small file.

        Raises:
            DataError: The place cannot be written to.
        """
        path = f"{self._root}/{name}"
        try:
            self._system.makedirs(os.path.dirname(path), exist_ok=True)
            with self._system.open(path, "wb") as file:
                file.write(text.encode())
        except Exception as error:  # every file system raises its own
            raise DataError(f"{self.place} cannot be written to: {one_line(error)}. {_help(self.place)}") from error

    def read_all(self, folder: str) -> dict[str, str]:
        """Returns all files in a folder and below it, by name; none if it is not there.

        Raises:
            DataError: The place cannot be read.
        """
        path = f"{self._root}/{folder}"
        try:
            self._system.invalidate_cache()
            found = self._system.find(path) if self._system.exists(path) else []
            return {name: self._read(name) for name in sorted(found)}
        except Exception as error:
            raise DataError(f"{self.place} cannot be read: {one_line(error)}. {_help(self.place)}") from error

    def _read(self, path: str) -> str:
        with self._system.open(path, "rb") as file:
            data: bytes = file.read()
        return data.decode()


def fetch(uri: str, path: str) -> None:
    """Copies a file, or a folder with everything in it.

    Args:
        uri: Where it is.
        path: Where it goes, on this machine.

    Raises:
        DataError: It is not there any more, or cannot be read.
    """
    system, source = _open(uri)
    source = source.rstrip("/")
    try:
        if system.isfile(source):
            system.get_file(source, path)
            return
        for found in system.find(source) or [source]:  # of nothing, the error says that it is not there
            target = path.rstrip("/") + found[found.index(source) + len(source) :]
            os.makedirs(os.path.dirname(target), exist_ok=True)
            system.get_file(found, target)
    except Exception as error:
        raise DataError(f"{uri} cannot be read: {one_line(error)}. {_help(uri)}") from error


def send(folder: str, uri: str, last: str = "") -> None:
    """Copies everything in a folder of this machine to another place.

    Args:
        folder: With any number of folders and files in it.
        uri: Where these go.
        last: The name of files that others wait for: they are copied after all others.

    Raises:
        DataError: The place cannot be written to.
    """
    system, root = _open(uri)
    found = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
    try:
        for path in sorted(found, key=lambda path: (os.path.basename(path) == last, path)):
            target = f"{root}/{os.path.relpath(path, folder)}"
            system.makedirs(os.path.dirname(target), exist_ok=True)
            system.put_file(path, target)
    except Exception as error:
        raise DataError(f"{uri} cannot be written to: {one_line(error)}. {_help(uri)}") from error


def _open(place: str) -> tuple[Any, str]:
    """Returns a file system of fsspec, and the place in it."""
    import fsspec

    if place.startswith("gs://") and os.path.ismount(_GCS_MOUNT):  # as on Vertex
        return fsspec.filesystem("file"), uris.to_path(place)
    scheme, separator, inner = place.partition("://")
    if not separator:
        return fsspec.filesystem("file"), place
    if scheme in ("gs", "s3", "minio"):
        from fsspec.implementations.arrow import ArrowFSWrapper

        return ArrowFSWrapper(_arrow(scheme)), inner.rstrip("/")
    system, path = fsspec.core.url_to_fs(place)
    return system, path.rstrip("/")


def _arrow(scheme: str) -> Any:
    """Returns Arrow's client of a kind of bucket: it comes with TFX, where fsspec's would have to be installed."""
    from pyarrow import fs

    if scheme == "gs":
        return fs.GcsFileSystem()
    endpoint = os.environ.get(ENDPOINT, _MINIO if scheme == "minio" else "")
    if not endpoint:
        return fs.S3FileSystem()
    protocol, _, host = endpoint.rpartition("://")
    return fs.S3FileSystem(endpoint_override=host, scheme=protocol or "https")


def _help(place: str) -> str:
    if not place.startswith(("s3://", "minio://")):
        return "The task needs the right to read and write there."
    return (
        f"The task needs {ENDPOINT} (unless it is AWS or the cluster's own MinIO), AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY in its environment: give them with the settings env and secret_env."
    )
