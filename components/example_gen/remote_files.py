"""Lets TFX's own file functions, which look for spans and fingerprints, read from every fsspec path."""

from types import SimpleNamespace
from typing import Any

import fsspec
from tfx.dsl.io import filesystem, filesystem_registry

from tfx_automl.components.example_gen.sources import file_system, with_scheme

# These TFX reads itself, through TensorFlow.
_OF_TFX = {"", "file", "local", "gs", "gcs", "s3", "s3a", "hdfs", "viewfs"}
_PRIORITY = 100


class FsspecFilesystem(filesystem.Filesystem):
    """Reads through fsspec; nothing is ever written, so only what reading needs is there."""

    SUPPORTED_SCHEMES = [
        f"{protocol}://" for protocol in fsspec.available_protocols() if protocol not in _OF_TFX and protocol.isalnum()
    ]

    @staticmethod
    def open(name: str, mode: str = "r") -> Any:
        """Opens a file."""
        system, inner = file_system(name)
        return system.open(inner, mode)

    @staticmethod
    def exists(path: str) -> bool:
        """Tells whether there is such a file or folder."""
        system, inner = file_system(path)
        return bool(system.exists(inner))

    @staticmethod
    def glob(pattern: str) -> list[str]:
        """Returns the files and folders that match."""
        system, inner = file_system(pattern)
        return [with_scheme(found, pattern) for found in system.glob(inner)]

    @staticmethod
    def isdir(path: str) -> bool:
        """Tells whether there is such a folder."""
        system, inner = file_system(path)
        return bool(system.isdir(inner))

    @staticmethod
    def listdir(path: str) -> list[str]:
        """Returns the names in a folder."""
        system, inner = file_system(path)
        return [found.rstrip("/").rpartition("/")[2] for found in system.ls(inner, detail=False)]

    @staticmethod
    def stat(path: str) -> Any:
        """Returns size and time of the last change, in the form that TFX reads them."""
        system, inner = file_system(path)
        seconds = int(system.ukey(inner)[:15], 16)  # changes with the file; where there is a time, it is part of it
        return SimpleNamespace(length=system.info(inner)["size"], mtime_nsec=seconds * 10**9)


def register() -> None:
    """Adds fsspec's schemes to TFX's file functions; those that TFX has stay its own."""
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(FsspecFilesystem, _PRIORITY)
