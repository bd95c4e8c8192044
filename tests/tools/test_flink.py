"""The tool that runs a command beside Flink, where there is none; `make test-flink` tests the rest."""

import shutil

from command_for_tests import run_tool


def test_nothing_to_run_is_refused():
    done = run_tool("flink.py")
    assert (done.returncode, done.stderr) == (2, "usage: tools/flink.py COMMAND...\n")


def test_missing_java_and_maven_are_said(tmp_path):
    for name in ("unshare", "setpriv", "ip"):
        (tmp_path / name).symlink_to(shutil.which(name) or "/bin/false")
    done = run_tool("flink.py", "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr == (
        "Flink cannot be started here: there is no java and no mvn (apt-get install default-jre-headless maven"
        " util-linux iproute2).\n"
    )


def test_forbidden_namespaces_are_said(tmp_path):
    for name in ("java", "mvn", "unshare", "setpriv", "ip"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    done = run_tool("flink.py", "true", path=str(tmp_path))
    assert done.returncode == 77
    assert done.stderr == "Flink cannot be started here: this machine allows no network and process namespaces.\n"
