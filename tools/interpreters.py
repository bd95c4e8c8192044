"""Finds a Python that fits a stack, by running every candidate: names and version numbers in paths are not believed.

Standard library only, and no syntax newer than Python 3.8, because `python3` may be anything.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence, Tuple  # noqa: UP035 - runs on Python 3.8 too

Version = Tuple[int, int]  # noqa: UP006

# Everything an interpreter needs: the modules that hand-built ones often lack, the headers (pyfarmhash, which
# TensorFlow Data Validation needs, has no wheels and is compiled), and a build that wheels exist for.
_PROBE = """
import bz2, ctypes, lzma, os, platform, sqlite3, ssl, sys, sysconfig, zlib
headers = os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
plain = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED") and sys.maxsize > 2**32
print("%d %d %d" % (sys.version_info[0], sys.version_info[1], headers and plain))
"""


class Stack(NamedTuple):
    """One of the two sets of versions that the project is pinned to.

    Attributes:
        name: `a` or `b`, as in `requirements/stack-a.txt`.
        pythons: Python versions it runs on, the preferred one first.
        glibc: Oldest glibc that all its wheels run on.
    """

    name: str
    pythons: Sequence[Version]
    glibc: Version


STACK_A = Stack("a", ((3, 10),), (2, 17))
STACK_B = Stack("b", ((3, 13), (3, 12), (3, 11), (3, 10)), (2, 39))


def choose_stack(glibc: Version) -> Stack | None:
    """Returns the newest stack that runs on this glibc, or None where neither does."""
    return next((stack for stack in (STACK_B, STACK_A) if glibc >= stack.glibc), None)


def probe(python: Path) -> Version | None:
    """Runs a candidate and returns its version, or None if it does not run or lacks something that is needed."""
    try:
        done = subprocess.run(
            [str(python), "-c", _PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = done.stdout.split()
    if done.returncode != 0 or len(answer) != 3 or answer[2] != b"1":
        return None
    return int(answer[0]), int(answer[1])


def find_python(stack: Stack, managed: Path) -> Path | None:
    """Finds an interpreter for a stack.

    Args:
        stack: Decides which versions will do, and which is preferred.
        managed: Folder of the project's own interpreters.

    Returns:
        The first candidate of the most preferred version, or None.
    """
    answers = {}
    for version in stack.pythons:
        for candidate in _candidates(version, managed):
            if candidate not in answers:
                answers[candidate] = probe(candidate)
            if answers[candidate] == version:
                return candidate
    return None


def _candidates(version: Version, managed: Path) -> Iterator[Path]:
    """Yields paths that may hold this version: on PATH, then those of pyenv and of uv."""
    dotted = f"{version[0]}.{version[1]}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in (f"python{dotted}", "python3", "python"):
            if folder and os.path.exists(os.path.join(folder, name)):
                yield Path(folder, name)
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    yield from sorted(managed.glob(f"cpython-{dotted}*/bin/python3"))
    yield from sorted(_pyenv_root().glob(f"versions/{dotted}*/bin/python"))
    yield from sorted((data / "uv/python").glob(f"cpython-{dotted}*/bin/python3"))


def _pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
