"""Builds the image of the tasks with a Docker engine on this machine, and runs a command that tests it.

    python tools/image.py python -m pytest -m docker tests/kubeflow

An engine that runs is used; else one is started, which root may do, and stopped in the end. The base image is
Docker's own of Python where its registry answers, else a Debian that debootstrap makes under build/docker, into which
the Python of this environment is copied. The command finds the name of the image in the variable TFX_AUTOML_IMAGE, and
a command `docker` with BuildKit first on PATH.

Exit status: the command's own; 77 where there is no Docker, or nothing to build on; 1 where the image cannot be built.
"""

import contextlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/docker"
IMAGE = "tfx-automl-test:latest"
LOCAL_BASE = "tfx-automl-test-base:latest"
MODULES = ("tests/image_pipeline_for_tests.py",)
UNAVAILABLE = 77
SECONDS_TO_START, SECONDS_TO_PULL = 60, 60
# What the libraries of Python need; the compiler is for a package without wheels.
PACKAGES = "ca-certificates,g++,libbz2-1.0,libcrypt1,libexpat1,libffi8,liblzma5,libncursesw6,libreadline8,libsqlite3-0"
PACKAGES += ",libssl3,libuuid1,zlib1g"
DEBIANS = {"12": "bookworm", "13": "trixie"}


class ObstacleError(Exception):
    """Why there can be no image here."""


def main(command: list[str]) -> int:
    """Builds the image, and runs the command; returns the exit status."""
    if not command:
        sys.stderr.write("usage: tools/image.py COMMAND...\n")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        path = f"{Path(find_docker()).parent}{os.pathsep}{os.environ['PATH']}"
        os.environ["PATH"] = path
        with engine():
            status = build(*find_base())
            if status == 0:
                status = subprocess.run(command, env={**os.environ, "TFX_AUTOML_IMAGE": IMAGE}, check=False).returncode
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


def find_base() -> tuple[str, str, Path | None]:
    """Returns the stack of this environment, an image to build on, and a Python to copy into it if it has none.

    Raises:
        ObstacleError: There is no such image, and none can be made.
    """
    sys.path.insert(0, str(ROOT))
    from tfx_automl.kubeflow.image.build import BASES, installed_stack

    stack = installed_stack()
    python = Path(sys.base_prefix)
    if said("docker", "image", "inspect", "--format", "{{.Comment}}", LOCAL_BASE) == comment():
        return stack, LOCAL_BASE, python
    with contextlib.suppress(subprocess.TimeoutExpired):
        command = ["docker", "pull", "--quiet", BASES[stack]]
        if subprocess.run(command, capture_output=True, timeout=SECONDS_TO_PULL, check=False).returncode == 0:
            return stack, BASES[stack], None
    sys.stderr.write(f"docker: {BASES[stack]} cannot be pulled here; building on a Debian of debootstrap instead\n")
    if python == Path("/usr"):
        raise ObstacleError(f"{BASES[stack]} cannot be pulled, and the Python of Debian itself cannot be copied")
    make_base(debian())
    return stack, LOCAL_BASE, python


def comment() -> str:
    """Returns what tells a base image that fits from an older one."""
    return f"for {' '.join(platform.libc_ver())}: {PACKAGES}"


def debian() -> str:
    """Returns the name of the Debian that runs here: the Python that is copied needs its libraries."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r'^VERSION_ID="(\d+)"$', release, re.MULTILINE)
    if not re.search(r"^ID=debian$", release, re.MULTILINE) or not found or found[1] not in DEBIANS:
        raise ObstacleError("no base image can be pulled, and this is neither Debian 12 nor 13, so none can be made")
    return DEBIANS[found[1]]


def make_base(suite: str) -> None:
    """Makes an image of a small Debian."""
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        raise ObstacleError(
            "no base image can be pulled, and none can be made (that needs root, and apt-get install debootstrap)"
        )
    root = FOLDER / "base"
    shutil.rmtree(root, ignore_errors=True)
    mirror = re.findall(r"^\S+/debian/?$", said("apt-get", "indextargets", "--format", "$(REPO_URI)"), re.MULTILINE)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(root), *mirror[:1]]
    with (FOLDER / "debootstrap.log").open("wb") as log:
        if subprocess.run(command, stdout=log, stderr=log, check=False).returncode:
            raise ObstacleError(f"debootstrap failed, as {FOLDER}/debootstrap.log tells")
    pack = f"tar -C {shlex.quote(str(root))} -c . | docker import --message {shlex.quote(comment())} - {LOCAL_BASE}"
    if subprocess.run(["sh", "-c", pack], stdout=subprocess.DEVNULL, check=False).returncode:
        raise ObstacleError("docker import failed")
    shutil.rmtree(root)


def build(stack: str, base: str, python: Path | None) -> int:
    """Builds the image as a user does; returns the exit status."""
    command = [
        str(Path(sys.executable).with_name("tfx-automl")),
        "image",
        "build",
        "--tag",
        IMAGE,
        "--stack",
        stack,
        "--base",
        base,
    ]
    for name in MODULES:
        command += ["--include", str(ROOT / name)]
    command += ["--python", str(python)] if python else []
    return 1 if subprocess.run([*command, "--network", "host"], check=False).returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
