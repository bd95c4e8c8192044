"""The set-up finds Pythons by running them, chooses the right stack, and says plainly what is missing."""

import importlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("bootstrap")


@pytest.fixture
def interpreters(bootstrap: ModuleType) -> ModuleType:
    return sys.modules["interpreters"]


def write_script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("glibc", "stack"),
    [((2, 41), "b"), ((2, 39), "b"), ((2, 38), "a"), ((2, 36), "a"), ((2, 17), "a"), ((2, 16), None)],
)
def test_glibc_chooses_the_stack(interpreters: ModuleType, glibc: tuple[int, int], stack: str | None) -> None:
    chosen = interpreters.choose_stack(glibc)
    assert (chosen.name if chosen else None) == stack


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("echo 'command not found' >&2; exit 127", None),
        ("echo 3 10 1", (3, 10)),
        ("echo 3 10 0", None),
        ("echo something else entirely", None),
    ],
)
def test_candidates_are_run_not_believed(
    interpreters: ModuleType, tmp_path: Path, body: str, answer: tuple[int, int] | None
) -> None:
    assert interpreters.probe(write_script(tmp_path / "python3.10", body)) == answer
    assert interpreters.probe(tmp_path / "missing") is None


def test_a_broken_shim_on_path_is_passed_over(
    interpreters: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_script(tmp_path / "shims/python3.10", "exit 127")
    good = write_script(tmp_path / "home/versions/3.10.13/bin/python", "echo 3 10 1")
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert interpreters.find_python(interpreters.STACK_A, tmp_path / "managed") == good


def test_the_newest_python_of_the_stack_is_preferred(
    interpreters: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_script(tmp_path / "bin/python3.10", "echo 3 10 1")
    newer = write_script(tmp_path / "bin/python3", "echo 3 12 1")
    write_script(tmp_path / "bin/python", "echo 3 14 1")
    for name in ("PATH", "PYENV_ROOT", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "bin"))
    assert interpreters.find_python(interpreters.STACK_B, tmp_path / "managed") == newer
    (tmp_path / "bin/python3.10").unlink()
    assert interpreters.find_python(interpreters.STACK_A, tmp_path / "managed") is None


@pytest.mark.parametrize(
    ("machine", "libc", "choice", "words"),
    [
        ("aarch64", ("glibc", "2.41"), "auto", "Linux on x86_64 only; this is linux on aarch64"),
        ("x86_64", ("", ""), "auto", "found no glibc"),
        ("x86_64", ("glibc", "2.12"), "auto", "found glibc 2.12"),
        ("x86_64", ("glibc", "2.36"), "b", "Stack B needs glibc 2.39 or newer; this machine has 2.36"),
    ],
)
def test_unfit_machines_are_told_why(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    libc: tuple[str, str],
    choice: str,
    words: str,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    with pytest.raises(bootstrap.SetupError, match=words):
        bootstrap.pick_stack(choice)


def test_stack_a_can_be_asked_for_where_b_runs(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.41"))
    assert bootstrap.pick_stack("auto").name == "b"
    assert bootstrap.pick_stack("a").name == "a"


def test_an_environment_that_is_up_to_date_is_left_alone(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv/stamp")
    monkeypatch.setattr(bootstrap, "find_uv", lambda: "uv")
    monkeypatch.setattr(bootstrap.interpreters, "probe", lambda python: (3, 10))
    monkeypatch.setattr(bootstrap, "run_uv", lambda uv, *arguments: calls.append(" ".join(arguments[:2])))
    monkeypatch.setattr(shutil, "which", lambda name: name)
    write_script(tmp_path / ".venv/bin/python", "")
    stack_a = bootstrap.interpreters.STACK_A
    bootstrap.build_environment(stack_a)
    assert calls == ["pip sync", "pip install"]
    bootstrap.build_environment(stack_a)
    assert len(calls) == 2
    (tmp_path / ".venv/pyvenv.cfg").write_text("version = 3.10.99", encoding="utf-8")  # another interpreter
    bootstrap.build_environment(stack_a)
    assert len(calls) == 4


def test_a_missing_compiler_is_named(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(bootstrap, "find_uv", lambda: "uv")
    monkeypatch.setattr(bootstrap.interpreters, "probe", lambda python: (3, 10))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(bootstrap.SetupError, match=r"pyfarmhash.*apt-get install g\+\+"):
        bootstrap.build_environment(bootstrap.interpreters.STACK_A)


def test_a_folder_that_is_no_environment_is_not_cleared(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keep.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(bootstrap, "find_uv", lambda: "uv")
    monkeypatch.setattr(bootstrap, "_python_for", lambda uv, stack: Path(sys.executable))
    with pytest.raises(bootstrap.SetupError, match="is no Python environment"):
        bootstrap.build_environment(bootstrap.interpreters.STACK_A)
    assert (tmp_path / "keep.txt").read_text(encoding="utf-8") == "mine"


def test_a_python_that_cannot_be_had_is_named(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str, **__: str) -> None:
        raise bootstrap.SetupError("no download")

    monkeypatch.setattr(bootstrap.interpreters, "find_python", lambda stack, managed: None)
    monkeypatch.setattr(bootstrap, "run_uv", fail)
    with pytest.raises(bootstrap.SetupError, match=r"Python 3\.10 with its headers.*python3\.10-dev"):
        bootstrap._python_for("uv", bootstrap.interpreters.STACK_A)


def test_only_the_last_resort_downloads_a_python_and_into_the_project(bootstrap: ModuleType) -> None:
    assert bootstrap._uv_environment({})["UV_PYTHON_DOWNLOADS"] == "never"
    env = bootstrap._uv_environment({"UV_PYTHON_DOWNLOADS": "manual"})
    assert env["UV_PYTHON_DOWNLOADS"] == "manual"
    assert Path(env["UV_PYTHON_INSTALL_DIR"]) == TOOLS.parent / ".tools/python"


def test_pips_index_is_passed_on_to_uv(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    assert bootstrap._uv_environment({})["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    monkeypatch.setenv("UV_INDEX_URL", "https://other.example/simple")
    assert "UV_DEFAULT_INDEX" not in bootstrap._uv_environment({})


def test_python_sh_takes_the_first_python_that_runs(tmp_path: Path) -> None:
    write_script(tmp_path / "python3", "exit 127")
    (tmp_path / "python3.12").symlink_to(sys.executable)
    for tool in ("sh", "dirname"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    command = ["sh", str(TOOLS / "python.sh"), "-c", "print('ran')"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.stdout == "ran\n", done.stderr
    (tmp_path / "python3.12").unlink()
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr


def test_stack_b_without_root_or_debootstrap_is_unavailable(tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "id"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    command = ["sh", str(TOOLS / "stack_b.sh"), "true"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 77
    assert "stack B cannot be built here: " + ("debootstrap" if os.getuid() == 0 else "it needs root") in done.stderr
