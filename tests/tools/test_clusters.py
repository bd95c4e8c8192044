"""The tools that run a command beside Flink or Spark, where there is none; their `make` targets test the rest."""

import shutil

import pytest
from command_for_tests import run_tool

pytestmark = pytest.mark.parametrize("title", ["Flink", "Spark"])
PROGRAMS = ("unshare", "setpriv", "ip")


def test_nothing_to_run_is_refused(title):
    done = run_tool(f"{title.lower()}.py")
    assert (done.returncode, done.stderr) == (2, f"usage: tools/{title.lower()}.py COMMAND...\n")


def test_missing_java_and_maven_are_said(tmp_path, title):
    for name in PROGRAMS:
        (tmp_path / name).symlink_to(shutil.which(name) or "/bin/false")
    done = run_tool(f"{title.lower()}.py", "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr == (
        f"{title} cannot be started here: there is no java and no mvn (apt-get install default-jre-headless maven"
        " util-linux iproute2).\n"
    )


def test_forbidden_namespaces_are_said(tmp_path, title):
    for name in ("java", "mvn", *PROGRAMS):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    done = run_tool(f"{title.lower()}.py", "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr == f"{title} cannot be started here: this machine allows no network and process namespaces.\n"
