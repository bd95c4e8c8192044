"""Sets the project up: `python3 tools/bootstrap.py env` builds `.venv`, `lock` renews the pinned requirements.

Standard library only, and no syntax newer than Python 3.8, because `python3` may be anything. Everything it installs
goes into the project: `.venv` (the environment) and `.tools` (uv, and a Python where the machine has none that fits).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Sequence  # noqa: UP035 - runs on Python 3.8 too

import interpreters
from interpreters import STACK_A, STACK_B, Stack

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
REQUIREMENTS = ROOT / "requirements"
STAMP = VENV / "tfx-automl.stamp"
OLDEST_UV = (0, 8)
# Younger releases are not locked: not every mirror has them yet, and bad ones are withdrawn in their first days.
QUARANTINE = "14 days"


class SetupError(Exception):
    """The machine lacks something; the message says what, and what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    parser = argparse.ArgumentParser(description="Sets up the environment of this project.")
    commands = parser.add_subparsers(dest="command", required=True)
    env = commands.add_parser("env", help="build or update .venv")
    env.add_argument("--stack", choices=("auto", "a", "b"), default="auto", help="the set of versions (default: auto)")
    lock = commands.add_parser("lock", help="renew requirements/*.txt")
    lock.add_argument("--upgrade", action="store_true", help="move to the newest versions that fit")
    uv = commands.add_parser("uv", help="run uv with the given arguments")
    uv.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    try:
        if options.command == "env":
            build_environment(pick_stack(options.stack))
        elif options.command == "lock":
            lock_requirements(options.upgrade)
        else:
            run_uv(find_uv(), *options.arguments)
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


def pick_stack(choice: str) -> Stack:
    """Returns the stack to build.

    Args:
        choice: `a`, `b`, or `auto`: the newest one that this machine's glibc can run.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise SetupError(
            f"TFX has packages for Linux on x86_64 only; this is {sys.platform} on {platform.machine()}. "
            "Use a container or a virtual machine with Debian 13 or Ubuntu 24.04."
        )
    library, version = platform.libc_ver()
    glibc = tuple(int(part) for part in re.findall(r"\d+", version)[:2]) if library == "glibc" else ()
    found = interpreters.choose_stack((glibc[0], glibc[1])) if len(glibc) == 2 else None
    if found is None:
        raise SetupError(
            f"TFX needs glibc 2.17 or newer; found {library or 'no glibc'} {version}. Use Debian or Ubuntu."
        )
    if choice == "b" and found is STACK_A:
        raise SetupError(
            f"Stack B needs glibc 2.39 or newer; this machine has {version}. Leave the stack to be chosen."
        )
    return {"auto": found, "a": STACK_A, "b": STACK_B}[choice]


def build_environment(stack: Stack) -> None:
    """Builds `.venv` for a stack, or does nothing if it is up to date (then it takes well under a second)."""
    if STAMP.is_file() and (VENV / "bin/python").exists() and STAMP.read_text(encoding="utf-8") == _digest(stack):
        return
    start = time.monotonic()
    uv = find_uv()
    if interpreters.probe(VENV / "bin/python") not in stack.pythons:
        _create(uv, _python_for(uv, stack))
    if STAMP.exists():
        STAMP.unlink()
    if shutil.which("c++") is None and shutil.which("g++") is None:
        raise SetupError(
            "One package (pyfarmhash, needed by TensorFlow Data Validation) is compiled, and there is no C++ compiler. "
            "Install one (Debian and Ubuntu: apt-get install g++), then run the same command again."
        )
    print(f"set-up: installing stack {stack.name.upper()} (TensorFlow and TFX: about 1 GB) into .venv", flush=True)
    python = str(VENV / "bin/python")
    lock = str(REQUIREMENTS / f"stack-{stack.name}.txt")
    run_uv(uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", lock)
    project = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    run_uv(uv, "pip", "install", "--quiet", "--python", python, *project)
    STAMP.write_text(_digest(stack), encoding="utf-8")
    print(f"set-up: done in {time.monotonic() - start:.0f} s", flush=True)


def _digest(stack: Stack) -> str:
    """Returns a hash of everything that the environment is made from, the interpreter included."""
    files = [REQUIREMENTS / f"stack-{stack.name}.txt", ROOT / "setup.py", ROOT / "tfx_automl/__init__.py"]
    digest = hashlib.sha256(f"{stack.name} {ROOT}".encode())
    for path in [*files, VENV / "pyvenv.cfg"]:
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def _create(uv: str, python: Path) -> None:
    if VENV.exists() and not (VENV / "pyvenv.cfg").is_file():
        raise SetupError(f"{VENV} exists, but is no Python environment: move it away, then run the same command again.")
    print(f"set-up: creating .venv with {python}", flush=True)
    run_uv(uv, "venv", "--quiet", "--clear", "--python", str(python), str(VENV))


def _python_for(uv: str, stack: Stack) -> Path:
    """Finds an interpreter for a stack, or lets uv download one into the project."""
    python = interpreters.find_python(stack, TOOLS / "python")
    if python is not None:
        return python
    version = ".".join(str(number) for number in stack.pythons[0])
    print(f"set-up: no complete Python {version} on this machine, so uv downloads one into .tools", flush=True)
    try:
        run_uv(uv, "python", "install", "--no-bin", version, UV_PYTHON_DOWNLOADS="manual")
    except SetupError as error:
        raise SetupError(
            f"Stack {stack.name.upper()} needs Python {version} with its headers, which is not on this machine and "
            f"could not be downloaded. Install it (pyenv install {version}, or apt-get install python{version}-dev), "
            "then run the same command again."
        ) from error
    python = interpreters.find_python(stack, TOOLS / "python")
    if python is None:
        raise SetupError(f"The Python {version} that uv downloaded does not run on this machine; install one by hand.")
    return python


def find_uv() -> str:
    """Returns the path of uv: the project's own, or one on PATH that is new enough; else installs the project's own."""
    own = TOOLS / "uv/bin/uv"
    for candidate in (str(own), shutil.which("uv")):
        if candidate and _uv_version(candidate) >= OLDEST_UV:
            return candidate
    print("set-up: installing uv into .tools", flush=True)
    install = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        str(REQUIREMENTS / "uv.txt"),
    ]
    venv = [sys.executable, "-m", "venv", "--clear", str(TOOLS / "uv")]
    if _succeeds(venv) and _succeeds([str(TOOLS / "uv/bin/python"), "-m", "pip", *install]):
        return str(own)
    shutil.rmtree(TOOLS / "uv", ignore_errors=True)
    if _succeeds([sys.executable, "-m", "pip", *install, "--target", str(TOOLS / "uv")]):
        return str(own)
    raise SetupError(
        f"uv could not be installed with {sys.executable}, which needs venv or pip, and a package index that answers. "
        "Install venv (Debian and Ubuntu: apt-get install python3-venv) or uv itself, then run the same command again."
    )


def _uv_version(uv: str) -> tuple[int, ...]:
    try:
        done = subprocess.run([uv, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return ()
    return tuple(int(part) for part in re.findall(rb"\d+", done.stdout)[:2])


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0


def run_uv(uv: str, *arguments: str, **variables: str) -> None:
    """Runs uv in the project.

    Raises:
        SetupError: It failed; it has said why on standard error.
    """
    done = subprocess.run([uv, *arguments], cwd=str(ROOT), env=_uv_environment(variables), check=False)
    if done.returncode != 0:
        raise SetupError(f"`uv {' '.join(arguments)}` failed with exit status {done.returncode}; its words are above.")


def _uv_environment(variables: Dict[str, str]) -> Dict[str, str]:  # noqa: UP006
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    # Interpreters are found by `interpreters`, and downloaded only when nothing else is left.
    env.update({"UV_PYTHON_INSTALL_DIR": str(TOOLS / "python"), "UV_PYTHON_DOWNLOADS": "never", **variables})
    if "PIP_INDEX_URL" in env and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(env):
        env["UV_DEFAULT_INDEX"] = env["PIP_INDEX_URL"]  # uv does not read pip's settings
    return env


def lock_requirements(upgrade: bool) -> None:
    """Writes `requirements/*.txt` from `setup.py` and `requirements/*.in`: pinned, hashed, free of machine names."""
    common = ["--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    common += ["--no-emit-find-links", "--exclude-newer", QUARANTINE] + (["--upgrade"] if upgrade else [])
    project = ["setup.py", "requirements/dev.in"]
    bucket = ["setup.py", "--extra", "buckets"]
    a = ["--python-version", "3.10", "--python-platform", "x86_64-manylinux_2_17"]
    b = ["--universal", "--python-version", "3.10"]
    targets = {
        "uv": ["--universal", "--python-version", "3.8"],
        "stack-a": [*project, *a],
        "stack-b": [*project, *b],
        # The container image: what the package needs, at the versions that the tests run with.
        "image-a": [*bucket, "--constraint", "requirements/stack-a.txt", *a],
        "image-b": [*bucket, "--constraint", "requirements/stack-b.txt", *b],
        "flaml": ["--universal", "--python-version", "3.10"],
        "jupyter": ["--universal", "--python-version", "3.10"],
        "kfp": ["--universal", "--python-version", "3.10"],
    }
    uv = find_uv()
    for name, options in targets.items():
        print(f"set-up: locking requirements/{name}.txt", flush=True)
        sources = [f"requirements/{name.replace('image', 'stack')}.in", "--output-file", f"requirements/{name}.txt"]
        run_uv(uv, "pip", "compile", *common, *options, *sources)


if __name__ == "__main__":
    sys.exit(main())
