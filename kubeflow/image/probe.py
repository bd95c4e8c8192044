"""Looks at the image from within: a whole program, which `image check` sends into a container.

It needs nothing but Python, since it also has to tell what images lack that somebody else built.
"""

import contextlib
import functools
import importlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MARK = "tfx-automl-probe:"
_TRIES = 3
# What a program does after its end, which a task only comes to when all is done, does not count.
_TELL = "\nimport time; print(time.time(), time.process_time())"


def look(request: dict[str, Any]) -> dict[str, Any]:
    """Returns what there is.

    Args:
        request: `packages` whose versions are wanted, programs that are `timed`, by name, paths of classes and modules
            to `imports`, and `folders` that must be writable.
    """
    return {
        "python": platform.python_version(),
        "user": os.getuid(),
        "packages": {name: _version(name) for name in request["packages"]},
        "folders": [name for name in request["folders"] if not os.access(os.path.expanduser(name), os.W_OK)],
        "seconds": {name: found for name, program in request["timed"].items() if (found := _seconds(program))},
        "imports": {path: error for path in request["imports"] if (error := _error(functools.partial(_find, path)))},
        "file_systems": {name: _error(action) for name, action in _FILE_SYSTEMS.items()},
        "byte_code": _byte_code(),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _seconds(program: str) -> list[float]:
    """Returns the seconds on the clock and of the processor that a program takes: of the best of a few processes."""
    tries = []
    for _ in range(_TRIES):
        started = time.time()
        done = subprocess.run([sys.executable, "-c", program + _TELL], capture_output=True, text=True, check=False)
        if done.returncode:
            return []
        ended, processor = map(float, done.stdout.splitlines()[-1].split())
        tries.append([ended - started, processor])
    return [min(seconds) for seconds in zip(*tries)]  # noqa: B905 - runs on any Python


def _find(path: str) -> None:
    """Imports a module, or what has this path in a module."""
    try:
        importlib.import_module(path)
    except ModuleNotFoundError as error:
        module, _, name = path.rpartition(".")
        if not module or not path.startswith(f"{error.name}"):
            raise
        getattr(importlib.import_module(module), name)


def _error(action: Callable[[], object]) -> str:
    """Returns why something does not work; empty if it does."""
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""


def _of_tensorflow() -> None:
    import tensorflow as tf

    if "gs" not in (schemes := tf.io.gfile.get_registered_schemes()):
        raise LookupError(f"TensorFlow only has {', '.join(sorted(schemes))}")


def _of_fsspec(scheme: str) -> Callable[[], object]:
    def find() -> object:
        import fsspec

        return fsspec.get_filesystem_class(scheme)

    return find


def _of_arrow(name: str) -> Callable[[], object]:
    return lambda: getattr(importlib.import_module("pyarrow.fs"), name)


_FILE_SYSTEMS: dict[str, Callable[[], object]] = {
    "gs:// with TensorFlow": _of_tensorflow,
    "gs:// with Beam": lambda: importlib.import_module("apache_beam.io.gcp.gcsfilesystem"),
    "gs:// with fsspec": _of_fsspec("gs"),
    "s3:// with fsspec": _of_fsspec("s3"),
    "gs:// with Arrow": _of_arrow("GcsFileSystem"),
    "s3:// with Arrow": _of_arrow("S3FileSystem"),
}


def _byte_code() -> dict[str, Any]:
    """Returns how many modules were imported here, and those without byte code, which Python compiles every time."""
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    cached = {spec.name: spec.cached for spec in specs if spec and spec.cached and (spec.origin or "").endswith(".py")}
    return {
        "modules": len(cached),
        "missing": sorted(name for name, path in cached.items() if not os.path.exists(path)),
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # libraries talk while they are imported
        found = look(json.loads(sys.argv[1]))
    sys.stdout.write(f"{MARK}{json.dumps(found)}\n")
