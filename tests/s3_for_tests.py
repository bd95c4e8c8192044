"""An S3 server on this machine, and files in it."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests", "AWS_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server(python: Path, log: Path) -> Iterator[str]:
    """Yields the address of a server; it ends afterwards: MinIO where it is on PATH, else moto.

    Args:
        python: With the package moto.
        log: For what it says; MinIO's files lie beside it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if minio := shutil.which("minio"):
        command = [minio, "server", "--address", f"127.0.0.1:{port}", str(log.with_name("minio"))]
    else:
        command = [str(python), "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    keys = {"MINIO_ROOT_USER": KEYS["AWS_ACCESS_KEY_ID"], "MINIO_ROOT_PASSWORD": KEYS["AWS_SECRET_ACCESS_KEY"]}
    with log.open("wb") as file:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={**os.environ, **keys}
        )
    try:
        _wait(server, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"the S3 server does not start:\n{log.read_text()}")


class S3Files:
    """A bucket.

    Attributes:
        names: All files in it.
    """

    def __init__(self, address: str, bucket: str) -> None:
        from pyarrow import fs

        self._system: Any = fs.S3FileSystem(
            access_key=KEYS["AWS_ACCESS_KEY_ID"],
            secret_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region=KEYS["AWS_REGION"],
            endpoint_override=address.removeprefix("http://"),
            scheme="http",
            allow_bucket_creation=True,
        )
        self._system.create_dir(bucket)

    def names(self, inner: str) -> list[str]:
        """Returns the files in a folder, or the file of that name."""
        from pyarrow import fs

        info = self._system.get_file_info(inner)
        if info.type == fs.FileType.File:
            return [inner]
        found = self._system.get_file_info(fs.FileSelector(inner, recursive=True, allow_not_found=True))
        return [entry.path for entry in found if entry.type == fs.FileType.File]

    def read(self, name: str) -> bytes:
        """Returns a file."""
        with self._system.open_input_stream(name) as file:
            data: bytes = file.read()
        return data

    def download(self, inner: str, path: Path) -> None:
        """Copies a file, or a folder with everything in it, to this machine."""
        for name in self.names(inner):
            target = path / os.path.relpath(name, inner) if name != inner else path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(name))

    def upload(self, path: Path, inner: str) -> None:
        """Copies a file, or a folder with everything in it, to the server."""
        for file in [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]:
            name = inner if file == path else f"{inner}/{file.relative_to(path)}"
            with self._system.open_output_stream(name) as stream:
                stream.write(file.read_bytes())
