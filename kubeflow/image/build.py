"""Builds the image: what is asked for, and the command line of Docker that follows from it."""

import importlib.metadata
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfx_automl import __version__
from tfx_automl.errors import ConfigError, require
from tfx_automl.kubeflow.image import context, engine

# By stack, the image that it is built on: Docker's own of Python, with a glibc that is new enough.
BASES = {"a": "python:3.10-slim-bookworm", "b": "python:3.13-slim-trixie"}
_NETWORKS = ("default", "host")
# The variables that pip and uv read, too.
_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT")


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """An image to be built.

    Attributes:
        tag: Its name.
        stack: `a` (TFX 1.16, Python 3.10) or `b` (TFX 1.21).
        base: The image that it is built on; by default the one that suits the stack.
        modules: The user's code: files, packages, or folders as on PYTHONPATH.
        python: An installation of Python that is copied into the image, for a base that has none.
        source: The source code of this project; by default the clone that this package runs from.
        network: Of the installation: `default` or `host`.
        push: Whether it is pushed afterwards.

    Raises:
        ConfigError: With one line for every mistake.
    """

    tag: str
    stack: str
    base: str = ""
    modules: tuple[Path, ...] = ()
    python: Path | None = None
    source: Path | None = None
    network: str = "default"
    push: bool = False

    def __post_init__(self) -> None:
        require(
            (self.stack in BASES, f"--stack: expected {' or '.join(BASES)}, got {self.stack!r}."),
            (is_image(self.tag), f"--tag: expected a name as registry/name:version, got {self.tag!r}."),
            (self.network in _NETWORKS, f"--network: expected default or host, got {self.network!r}."),
        )
        object.__setattr__(self, "base", self.base or BASES.get(self.stack, ""))


def is_image(name: str) -> bool:
    """Whether a text can be the name of an image; Docker judges the rest of it."""
    return bool(re.fullmatch(r"[A-Za-z0-9]\S*", name))


def installed_stack() -> str:
    """Returns the stack whose TFX is installed here: pipelines that are compiled here run with it."""
    return "a" if importlib.metadata.version("tfx").startswith("1.16.") else "b"


def build_image(wanted: ImageBuild) -> None:
    """Builds an image, and pushes it if that is asked for.

    Raises:
        ImageError: Docker is missing, does not run, or failed.
        ConfigError: Something that is to go into the image is not there.
    """
    docker = engine.find_docker()
    engine.require_buildkit(docker)
    source = wanted.source or context.find_source()
    lock = f"image-{wanted.stack}.txt"
    with tempfile.TemporaryDirectory(prefix="tfx-automl-image-") as name:
        folder = Path(name) / "context"
        folder.mkdir()
        context.stage(folder, source, ("uv.txt", lock), wanted.modules, wanted.python)
        tfx = _tfx_of(folder / "requirements" / lock)
        options = [*arguments(wanted, folder, tfx), *secrets(Path(name), os.environ)]
        engine.build(docker, [*options, str(folder)])
    if wanted.push:
        engine.push(docker, wanted.tag)


def arguments(wanted: ImageBuild, folder: Path, tfx: str) -> list[str]:
    """Returns what `docker build` is told, without the secrets and the folder.

    Args:
        wanted: The image.
        folder: What it is built from.
        tfx: Version of TFX in it, for its label.
    """
    values = {"BASE": wanted.base, "STACK": wanted.stack, "VERSION": __version__, "TFX": tfx}
    result = ["--file", str(folder / context.DOCKERFILE), "--tag", wanted.tag]
    for name, value in values.items():
        result += ["--build-arg", f"{name}={value}"]
    return [*result, "--network", wanted.network] if wanted.network != "default" else result


def _tfx_of(lock: Path) -> str:
    found = re.search(r"^tfx==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ConfigError(f"{lock.name} does not pin tfx: renew it with `make lock`.")
    return found[1]


def secrets(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Returns the options that pass secrets to the build: nothing of them gets into the image or its history.

    Args:
        folder: For a file; only this user can read in it, and it vanishes after the build.
        variables: Of the environment: the address of a package index may hold a password.
    """
    result = []
    if index := next((variables[name] for name in _INDEX if variables.get(name)), ""):
        file = folder / "index"
        file.write_text(index, encoding="utf-8")
        result += ["--secret", f"id=index,src={file}"]
    certificates = next((variables[name] for name in _CERTIFICATES if variables.get(name)), "")
    if Path(certificates).is_file():
        result += ["--secret", f"id=certificates,src={certificates}"]
    return result
