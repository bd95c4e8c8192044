"""Everything that `doctor` looks at, gathered once without importing TensorFlow, TFX or anything else that is slow."""

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfx_automl.machine import usable_cores, usable_memory

DISTRIBUTION = "tfx-automl"
# Modules that must be importable, although what once brought them no longer does.
MODULES = ("dill", "pip", "pkg_resources", "tensorboard", "tf_keras")
# Modules whose byte code is looked for.
COMPILED = ("tfx", "tensorflow", "keras", "apache_beam", "tensorflow_model_analysis")


@dataclass(frozen=True)
class Surroundings:
    """A machine and an environment.

    Attributes:
        python: Major and minor version of Python.
        glibc: Major and minor version of glibc; (0, 0) where the C library is another one.
        versions: Installed distributions, by normalised name (lower case, dashes).
        requirements: What this package requires, as in its metadata.
        modules: Those of `MODULES` that can be imported.
        uncompiled: Those of `COMPILED` that are installed without byte code.
        variables: Environment variables.
        keras_backend: Keras's backend as the variable or Keras's configuration file sets it.
        site_packages: Folder that packages are installed in.
        cores: Cores that this process may use.
        memory: Bytes of memory that this process may use.
        free: Free bytes by folder: the working folder and the temporary one; None where it cannot be written to.
    """

    python: tuple[int, int]
    glibc: tuple[int, int]
    versions: Mapping[str, str]
    requirements: tuple[str, ...]
    modules: frozenset[str]
    uncompiled: tuple[str, ...]
    variables: Mapping[str, str]
    keras_backend: str
    site_packages: str
    cores: int
    memory: int
    free: Mapping[str, int | None]


def look_around() -> Surroundings:
    """Gathers the surroundings of this process."""
    versions = installed_versions()
    return Surroundings(
        python=sys.version_info[:2],
        glibc=_glibc(),
        versions=versions,
        requirements=tuple(importlib.metadata.requires(DISTRIBUTION) or ()) if DISTRIBUTION in versions else (),
        modules=frozenset(name for name in MODULES if importlib.util.find_spec(name) is not None),
        uncompiled=tuple(name for name in COMPILED if _lacks_byte_code(name)),
        variables=dict(os.environ),
        keras_backend=_keras_backend(),
        site_packages=sysconfig.get_paths()["purelib"],
        cores=usable_cores(),
        memory=usable_memory(),
        free={folder: free_bytes(folder) for folder in (os.getcwd(), tempfile.gettempdir())},
    )


def installed_versions() -> dict[str, str]:
    """Returns the version of every installed distribution, by normalised name."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a half-removed package has metadata without a name
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution.version)
    return found


def _glibc() -> tuple[int, int]:
    library, version = platform.libc_ver()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return (int(numbers[1]), int(numbers[2])) if library == "glibc" and numbers else (0, 0)


def _lacks_byte_code(module: str) -> bool:
    """Says whether a top-level module is installed without byte code; finding a module does not import it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    return not Path(importlib.util.cache_from_source(spec.origin)).is_file()


def _keras_backend() -> str:
    """Returns the backend that Keras would take: the variable, else its configuration file, else its default."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    file = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(file.read_text(encoding="utf-8")).get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError):
        return "tensorflow"  # Keras, too, goes on with its default


def free_bytes(folder: str) -> int | None:
    """Returns the free bytes of a folder's disk, or None where the folder is missing or not writable."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return shutil.disk_usage(folder).free
    except OSError:
        return None
