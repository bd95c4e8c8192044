"""What a view is given: the output folder of a run, an artifact, or its URI."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.finished import FinishedRun, is_run


@dataclass(frozen=True)
class Wanted:
    """The artifact that a view shows.

    Attributes:
        view: Name of the function.
        type_name: TFX's name of the artifact's type.
        component: The component of our pipeline that makes it.
        key: Its output key there.
        other_type: Another type that the function takes.
        more: What else the function takes, for the message of an error.
    """

    view: str
    type_name: str
    component: str
    key: str
    other_type: str = ""
    more: str = ""

    def refuse(self, given: str) -> ConfigError:
        """Returns an error that says what the view takes."""
        return ConfigError(
            f"{self.view}: expected the output folder of a run (`tfx-automl run --output FOLDER` makes one), or an "
            f"artifact of type {self._types} or its URI{self.more}; got {given}."
        )

    @property
    def _types(self) -> str:
        return f"{self.type_name} or {self.other_type}" if self.other_type else self.type_name


@dataclass(frozen=True)
class Folder:
    """The folder of an artifact, local or remote.

    Attributes:
        uri: Where it is.
    """

    uri: str

    @property
    def is_remote(self) -> bool:
        """Whether it is not on a disk of this machine."""
        return "://" in self.uri

    def read(self, name: str) -> bytes | None:
        """Returns the content of a file; None if there is no such file."""
        if not self.is_remote:
            path = Path(self.uri, name)
            return path.read_bytes() if path.is_file() else None
        from tfx.dsl.io import fileio

        path_there = f"{self.uri.rstrip('/')}/{name}"
        if not fileio.exists(path_there):
            return None
        with fileio.open(path_there, "rb") as file:
            content: bytes = file.read()
        return content

    def folders(self) -> list[str]:
        """Returns the names of what is in it, sorted."""
        if not self.is_remote:
            return sorted(path.name for path in Path(self.uri).iterdir()) if Path(self.uri).is_dir() else []
        from tfx.dsl.io import fileio

        return sorted(name.rstrip("/") for name in fileio.listdir(self.uri)) if fileio.isdir(self.uri) else []


def find(source: Any, wanted: Wanted) -> Folder:
    """Returns the folder of the artifact that is meant.

    Args:
        source: What somebody gave to a view.
        wanted: What the view shows.

    Raises:
        ConfigError: It means no such artifact.
    """
    uri = uri_of(source, wanted)
    if "://" not in uri and is_run(Path(uri)):
        return Folder(str(FinishedRun.at(uri).artifact(wanted.component, wanted.key)))
    folder = Folder(uri)
    if not folder.folders():
        raise wanted.refuse(f"{uri}, which is no folder or an empty one")
    return folder


def uri_of(source: Any, wanted: Wanted) -> str:
    """Returns the folder that something means: a path or a URI as it is, an artifact's, a channel's only one's.

    Raises:
        ConfigError: It means none, or an artifact of another type.
    """
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source).removeprefix("file://")
        return text if "://" in text else os.path.abspath(os.path.expanduser(text))
    artifacts = _artifacts(source)
    if len(artifacts) != 1 or not getattr(artifacts[0], "uri", ""):
        # A channel has an artifact without a URI until its component has run.
        many = len(artifacts) if len(artifacts) > 1 else "no"
        found = f" with {many} artifacts; run the component, and give one" if hasattr(source, "type_name") else ""
        raise wanted.refuse(f"{type(source).__name__}{found}")
    name = getattr(artifacts[0], "type_name", wanted.type_name)
    if name not in (wanted.type_name, wanted.other_type):
        raise wanted.refuse(f"an artifact of type {name}")
    return str(artifacts[0].uri).removeprefix("file://")


def _artifacts(source: Any) -> list[Any]:
    """Returns the artifacts of a list, or of a channel that an interactive context has filled; else the thing."""
    if isinstance(source, (list, tuple)):
        return list(source)
    if hasattr(source, "type_name") and callable(getattr(source, "get", None)):
        return list(source.get())
    return [source]
