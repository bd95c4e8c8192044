"""The tool that runs a command beside Flink, where there is none; `make test-flink` tests the rest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def _run(repository: Path, *command: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"PATH": path} if path is not None else {})}
    return subprocess.run(
        [sys.executable, str(repository / "tools/flink.py"), *command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_nothing_to_run_is_refused(repository):
    done = _run(repository)
    assert (done.returncode, done.stderr) == (2, "usage: tools/flink.py COMMAND...\n")


def test_missing_java_and_maven_are_said(repository, tmp_path):
    for name in ("unshare", "setpriv", "ip"):
        (tmp_path / name).symlink_to(shutil.which(name) or "/bin/false")
    done = _run(repository, "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr == (
        "Flink cannot be started here: there is no java and no mvn (apt-get install default-jre-headless maven"
        " util-linux iproute2).\n"
    )


def test_forbidden_namespaces_are_said(repository, tmp_path):
    for name in ("java", "mvn", "unshare", "setpriv", "ip"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    done = _run(repository, "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr == "Flink cannot be started here: this machine allows no network and process namespaces.\n"
