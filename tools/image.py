"""Builds the image of the tasks with a Docker engine on this machine, and runs a command that tests it.

    python tools/image.py [--stack a|b] python -m pytest -m docker tests/kubeflow

An engine that runs is used; else one is started, which root may do, and stopped in the end. The base image is
Docker's own of Python where its registry answers, else a Debian that debootstrap makes under build/docker: for the
stack of this environment with its Python, for stack B elsewhere with Debian's own. The command finds the name of the
image in the variable TFX_AUTOML_IMAGE, and a command `docker` with BuildKit first on PATH.

Exit status: the command's own; 77 where there is no Docker, or nothing to build on; 1 where the image cannot be built.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/docker"
IMAGE = "tfx-automl-test:{stack}"
LOCAL_BASE = "tfx-automl-test-base:{stack}"
MODULES = ("tests/image_pipeline_for_tests.py",)
UNAVAILABLE = 77
SECONDS_TO_START, SECONDS_TO_PULL = 60, 60
# What the libraries of a copied Python need, by Debian; the compiler is for a package without wheels.
COMMON = "ca-certificates,g++,libbz2-1.0,libcrypt1,libexpat1,libffi8,liblzma5,libncursesw6,libsqlite3-0,libuuid1,zlib1g"
PACKAGES = {"bookworm": f"{COMMON},libreadline8,libssl3", "trixie": f"{COMMON},libreadline8t64,libssl3t64"}
DEBIANS = {"12": "bookworm", "13": "trixie"}
# The Debian whose own Python and C library are what a stack needs.
SUITES = {"b": ("trixie", "ca-certificates,g++,python3,python3-venv")}


class ObstacleError(Exception):
    """Why there can be no image here."""


def main(arguments: list[str]) -> int:
    """Builds the image, and runs the command; returns the exit status."""
    stack, command = ("", arguments) if arguments[:1] != ["--stack"] else ("".join(arguments[1:2]), arguments[2:])
    if not command or stack not in ("", "a", "b"):
        sys.stderr.write("usage: tools/image.py [--stack a|b] COMMAND...\n")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        path = f"{Path(find_docker()).parent}{os.pathsep}{os.environ['PATH']}"
        os.environ["PATH"] = path
        with engine():
            base = find_base(stack)
            status, image = build(base), IMAGE.format(stack=base.stack)
            if status == 0:
                status = subprocess.run(command, env={**os.environ, "TFX_AUTOML_IMAGE": image}, check=False).returncode
            return status
    except ObstacleError as obstacle:
        sys.stderr.write(f"The image cannot be tested here: {obstacle}.\n")
        return UNAVAILABLE


def find_docker() -> str:
    """Returns the first of Docker's commands on PATH that can build with BuildKit.

    Raises:
        ObstacleError: There is none.
    """
    folders = os.environ.get("PATH", "").split(os.pathsep)
    candidates = [path for folder in folders if os.access(path := os.path.join(folder, "docker"), os.X_OK)]
    for path in candidates:
        version = re.search(r"(\d+)\.", said(path, "--version"))
        if version and (int(version[1]) < 23 or said(path, "buildx", "version")):
            return path
    raise ObstacleError(
        "no docker on PATH has BuildKit (apt-get install docker.io)" if candidates else "there is no docker"
    )


def said(*command: str) -> str:
    """Returns what a command prints; nothing if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def answers() -> bool:
    """Whether an engine answers."""
    return bool(said("docker", "info", "--format", "{{.ServerVersion}}"))


@contextlib.contextmanager
def engine() -> Iterator[None]:
    """Starts an engine unless one runs, and stops it in the end.

    Raises:
        ObstacleError: None runs, and none can be started.
    """
    if answers():
        yield
        return
    if os.getuid() != 0 or not shutil.which("dockerd"):
        raise ObstacleError(
            "no Docker engine answers, and none can be started (that needs root, and apt-get install docker.io)"
        )
    log = FOLDER / "dockerd.log"
    with log.open("wb") as file:
        daemon = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        end = time.monotonic() + SECONDS_TO_START
        while daemon.poll() is None and time.monotonic() < end and not answers():
            time.sleep(0.5)
        if not answers():
            raise ObstacleError(
                f"dockerd does not start; its last words in {log} are: {log.read_text(errors='replace')[-300:]}"
            )
        yield
    finally:
        daemon.terminate()
        daemon.wait()


@dataclass(frozen=True)
class Base:
    """What to build on.

    Attributes:
        stack: Of the image.
        image: The base image.
        python: A Python to copy into it, if it has none.
    """

    stack: str
    image: str
    python: Path | None = None


def find_base(wanted: str) -> Base:
    """Returns what to build on.

    Args:
        wanted: The stack; empty for that of this environment.

    Raises:
        ObstacleError: There is nothing, and it cannot be made.
    """
    sys.path.insert(0, str(ROOT))
    from tfx_automl.kubeflow.image.build import BASES, installed_stack

    own = installed_stack()
    stack, python = wanted or own, Path(sys.base_prefix)
    foreign = SUITES.get(stack) if stack != own else None
    made = Base(stack, LOCAL_BASE.format(stack=stack), None if foreign else python)
    present = said("docker", "image", "inspect", "--format", "{{.Comment}}", made.image)
    makeable = foreign is not None or stack == own
    if present and makeable and present == comment(*(foreign or copied_python())):
        return made
    with contextlib.suppress(subprocess.TimeoutExpired):
        command = ["docker", "pull", "--quiet", BASES[stack]]
        if subprocess.run(command, capture_output=True, timeout=SECONDS_TO_PULL, check=False).returncode == 0:
            return Base(stack, BASES[stack])
    sys.stderr.write(f"docker: {BASES[stack]} cannot be pulled here; building on a Debian of debootstrap instead\n")
    if not makeable:
        raise ObstacleError(
            f"{BASES[stack]} cannot be pulled, and this environment, of stack {own}, has another Python"
        )
    if made.python == Path("/usr"):
        raise ObstacleError(f"{BASES[stack]} cannot be pulled, and the Python of Debian itself cannot be copied")
    make_base(*(foreign or copied_python()), made.image)
    return made


def comment(suite: str, packages: str) -> str:
    """Returns what tells a base image that fits from an older one."""
    return f"{suite}: {packages}"


def copied_python() -> tuple[str, str]:
    """Returns the Debian that runs here, whose libraries a copied Python needs, and the packages with them.

    Raises:
        ObstacleError: Something else runs here.
    """
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r'^VERSION_ID="(\d+)"$', release, re.MULTILINE)
    if not re.search(r"^ID=debian$", release, re.MULTILINE) or not found or found[1] not in DEBIANS:
        raise ObstacleError("no base image can be pulled, and this is neither Debian 12 nor 13, so none can be made")
    suite = DEBIANS[found[1]]
    return suite, PACKAGES[suite]


def make_base(suite: str, packages: str, image: str) -> None:
    """Makes an image of a small Debian."""
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        raise ObstacleError(
            "no base image can be pulled, and none can be made (that needs root, and apt-get install debootstrap)"
        )
    root = FOLDER / "base"
    shutil.rmtree(root, ignore_errors=True)
    mirror = re.findall(r"^\S+/debian/?$", said("apt-get", "indextargets", "--format", "$(REPO_URI)"), re.MULTILINE)
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(root), *mirror[:1]]
    with (FOLDER / "debootstrap.log").open("wb") as log:
        if subprocess.run(command, stdout=log, stderr=log, check=False).returncode:
            raise ObstacleError(f"debootstrap failed, as {FOLDER}/debootstrap.log tells")
    message = shlex.quote(comment(suite, packages))
    pack = f"tar -C {shlex.quote(str(root))} -c . | docker import --message {message} - {image}"
    if subprocess.run(["sh", "-c", pack], stdout=subprocess.DEVNULL, check=False).returncode:
        raise ObstacleError("docker import failed")
    shutil.rmtree(root)


def build(base: Base) -> int:
    """Builds the image as a user does; returns the exit status."""
    command = [str(Path(sys.executable).with_name("tfx-automl")), "image", "build", "--network", "host"]
    command += ["--tag", IMAGE.format(stack=base.stack), "--stack", base.stack, "--base", base.image]
    for name in MODULES:
        command += ["--include", str(ROOT / name)]
    command += ["--python", str(base.python)] if base.python else []
    return 1 if subprocess.run(command, check=False).returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
