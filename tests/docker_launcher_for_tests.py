"""Runs a compiled pipeline as a cluster's launcher does: each task in a fresh container, artifacts on an S3 server."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from launcher_for_tests import SCHEME, Launcher


def docker_run(image: str, command: Sequence[str], volumes: Sequence[str] = (), options: Sequence[str] = ()) -> Any:
    """Runs a command in a fresh container, as the platform does it: in place of the entry point."""
    mounts = [word for volume in volumes for word in ("--volume", volume)]
    words = ["docker", "run", "--rm", *options, *mounts, "--entrypoint", command[0], image, *command[1:]]
    return subprocess.run(words, capture_output=True, text=True, check=False)


class DockerLauncher(Launcher):
    """A run whose bucket is on an S3 server, and of which a container sees only what the launcher copies for it.

    Attributes:
        said: By task, what its container printed.
        times: By task, whether it ended well.
    """

    def __init__(self, spec: Mapping[str, Any], folder: Path, files: Any, volumes: Sequence[str], run: str) -> None:
        super().__init__(spec, folder, run)
        self.files, self.volumes = files, volumes
        self.said: list[str] = []

    def start(self) -> "DockerLauncher":
        """Runs all tasks."""
        self._dag(self.spec["root"]["dag"], {})
        return self

    def _input(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        source = entry["taskOutputArtifact"]
        inner = self.outputs[source["producerTask"]][source["outputArtifactKey"]]["uri"].removeprefix(SCHEME)
        self.files.download(inner, self.bucket / inner)
        return super()._input(entry)

    def _run(self, container: Any, message: Mapping[str, Any]) -> int:
        self.mount.mkdir(parents=True, exist_ok=True)
        work = Path(message["outputs"]["outputFile"]).parent
        work.mkdir(parents=True)
        for folder in (work, *self.mount.rglob("*"), self.mount):  # the user of the image is not that of this test
            folder.chmod(0o777)
        words = [*container["command"], *container["args"]]
        command = [word.replace("{{$}}", json.dumps(message)) for word in words]
        volumes = [f"{self.mount}:/minio", f"{work}:{work}", *self.volumes]
        done = docker_run(container["image"], command, volumes, ["--network", "none"])
        self.said.append(done.stdout + done.stderr)
        return int(done.returncode)

    def _upload(self, name: str, outputs: Any, files: Any, report: Path) -> None:
        super()._upload(name, outputs, files, report)
        for entry in outputs.values():
            inner = entry["uri"].removeprefix(SCHEME)
            self.files.upload(self.bucket / inner, inner)
        shutil.rmtree(self.bucket, ignore_errors=True)  # only the server has it now
