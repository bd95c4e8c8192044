"""Docker, as its command line offers it, and clear words where it is missing."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from tfx_automl.errors import ImageError

_SECONDS_TO_ANSWER = 60
# Older ones have BuildKit built in; in newer ones it is a plug-in.
_WITH_PLUGIN = 23


def find_docker() -> str:
    """Returns the path of Docker's command, once the engine behind it has answered.

    Raises:
        ImageError: There is no Docker, or it does not run.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ImageError(
            "There is no `docker` on PATH. Install Docker Engine (Debian and Ubuntu: docker.io), or use a "
            "machine that has it."
        )
    command = [docker, "info", "--format", "{{.ServerVersion}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_ANSWER, check=False)
    except subprocess.TimeoutExpired:
        raise ImageError(
            f"Docker does not answer: `docker info` said nothing for {_SECONDS_TO_ANSWER} seconds. Restart Docker."
        ) from None
    if done.returncode or not done.stdout.strip():
        raise ImageError(
            f"Docker does not answer: {last_line(done)} Start it (as root: systemctl start docker, or dockerd), "
            "and make sure that you may use it."
        )
    return docker


def require_buildkit(docker: str) -> None:
    """Makes sure that images can be built with secrets, which never get into a layer.

    Args:
        docker: Path of Docker's command.

    Raises:
        ImageError: BuildKit is missing.
    """
    if subprocess.run([docker, "buildx", "version"], capture_output=True, check=False).returncode == 0:
        return
    version = subprocess.run([docker, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.\d+", version)
    if found is None or int(found[1]) >= _WITH_PLUGIN:
        raise ImageError(
            f"{docker} cannot build with BuildKit: its plug-in buildx is missing. Install it (docker-buildx or "
            "docker-buildx-plugin), then run the same command again."
        )


def build(docker: str, arguments: Sequence[str]) -> None:
    """Builds an image; Docker tells the user how far it is.

    Raises:
        ImageError: It failed; Docker has said why on standard error.
    """
    _run([docker, "build", *arguments], "built", {"DOCKER_BUILDKIT": "1"})


def push(docker: str, image: str) -> None:
    """Pushes an image.

    Raises:
        ImageError: It failed; Docker has said why on standard error.
    """
    _run([docker, "push", image], "pushed", {})


def _run(command: Sequence[str], what: str, variables: dict[str, str]) -> None:
    done = subprocess.run(command, env={**os.environ, **variables}, check=False)
    if done.returncode:
        raise ImageError(
            f"The image was not {what}: `docker {command[1]}` ended with exit status {done.returncode}; its "
            "words are above."
        )


def run_python(docker: str, image: str, code: str, *arguments: str) -> str:
    """Runs Python code in a fresh container without a network.

    Args:
        docker: Path of Docker's command.
        image: Whose Python runs it.
        code: A whole program.
        arguments: For the program.

    Returns:
        What it printed.

    Raises:
        ImageError: It could not be run.
    """
    command = [
        docker,
        "run",
        "--rm",
        "--interactive",
        "--network",
        "none",
        "--entrypoint",
        "python",
        image,
        "-",
        *arguments,
    ]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{image} cannot be checked: {last_line(done)}")
    return done.stdout


def last_line(done: "subprocess.CompletedProcess[str]") -> str:
    """Returns the last thing that a program said, as a sentence."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    said = lines[-1] if lines else f"it ended with exit status {done.returncode}"
    return said if said.endswith((".", "!", "?")) else f"{said}."
