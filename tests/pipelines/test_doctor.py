"""The doctor finds every known trap, says what mends it, and is quick."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.machine import usable_cores, usable_memory
from tfx_automl.pipelines import doctor as doctor_module
from tfx_automl.pipelines import surroundings as surroundings_module
from tfx_automl.pipelines.checks import CHECKS, Check
from tfx_automl.pipelines.doctor import describe, doctor, run_doctor
from tfx_automl.pipelines.surroundings import MODULES, Surroundings, look_around

STACK_A_VERSIONS = {
    "tfx-automl": "0.1.0",
    "tfx": "1.16.0",
    "tensorflow": "2.16.2",
    "keras": "3.12.4",
    "keras-tuner": "1.4.8",
    "tensorflow-model-analysis": "0.47.1",
    "apache-beam": "2.74.0",
    "pyarrow": "10.0.1",
}
STACK_A = Surroundings(
    python=(3, 10),
    glibc=(2, 36),
    versions=STACK_A_VERSIONS,
    requirements=("keras-tuner<2,>=1.4.7", 'nbformat; extra == "notebooks"'),
    modules=frozenset(MODULES),
    uncompiled=(),
    variables={},
    keras_backend="tensorflow",
    site_packages="/env/site-packages",
    cores=2,
    memory=8 * 1024**3,
    free={"/runs": 10 * 1024**3, "/temp": 10 * 1024**3},
)
STACK_B = replace(
    STACK_A,
    python=(3, 13),
    glibc=(2, 41),
    versions={**STACK_A_VERSIONS, "tfx": "1.21.0", "tensorflow-model-analysis": "0.52.0"},
)


def with_versions(base: Surroundings, **changes: str | None) -> Surroundings:
    versions: dict[str, str] = dict(base.versions)
    for name, version in changes.items():
        name = name.replace("_", "-")
        if version is None:
            del versions[name]
        else:
            versions[name] = version
    return replace(base, versions=versions)


def without_module(module: str) -> Surroundings:
    return replace(STACK_A, modules=frozenset(MODULES) - {module})


TRAPS: Mapping[str, tuple[Surroundings, str, str, str]] = {
    "TFX 1.17": (with_versions(STACK_A, tfx="1.17.1"), "TFX version", r"1\.17\.1", r"pip install 'tfx==1\.16\.0'"),
    "no TFX": (with_versions(STACK_B, tfx=None), "TFX version", "not installed", r"pip install 'tfx==1\.21\.0'"),
    "stack B on old glibc": (replace(STACK_B, glibc=(2, 36)), "glibc fits the stack", "needs 2.39", "STACK=a"),
    "musl": (replace(STACK_A, glibc=(0, 0)), "glibc fits the stack", "needs 2.17", "Debian"),
    "A on Python 3.12": (
        replace(STACK_A, python=(3, 12)),
        "Python fits the stack",
        "3.12, needs 3.10",
        "make env",
    ),
    "B on Python 3.9": (
        replace(STACK_B, python=(3, 9)),
        "Python fits the stack",
        "3.9, needs 3.10 or",
        "make env",
    ),
    "no dill": (without_module("dill"), "dill is importable", "Beam", r"pip install 'dill>=0\.3'"),
    "no pip": (without_module("pip"), "pip is importable", "user modules", "ensurepip"),
    "no tensorboard": (without_module("tensorboard"), "tensorboard is importable", "1.21", "install 'tensorboard'"),
    "no tf_keras": (without_module("tf_keras"), "tf_keras is importable", "TFMA", "install 'tf-keras'"),
    "no pkg_resources": (
        without_module("pkg_resources"),
        "pkg_resources is importable",
        "81",
        "install 'setuptools<81'",
    ),
    "TFMA 0.47.0": (
        with_versions(STACK_A, tensorflow_model_analysis="0.47.0"),
        "TFMA is whole",
        "skips half",
        r"tensorflow-model-analysis>=0\.47\.1",
    ),
    "fairness-indicators": (
        with_versions(STACK_A, fairness_indicators="0.46.0"),
        "fairness-indicators is absent",
        "tensorflow-hub",
        r"pip uninstall -y fairness-indicators && .*'tfx==1\.16\.0'",
    ),
    "no byte code": (
        replace(STACK_A, uncompiled=("tfx", "keras")),
        "byte-compiled packages",
        "tfx, keras",
        "compileall -q /env/site-packages",
    ),
    "Keras 2": (with_versions(STACK_A, keras="2.15.0"), "Keras 3", r"2\.15\.0", "keras>=3"),
    "legacy Keras": (
        replace(STACK_A, variables={"TF_USE_LEGACY_KERAS": "1"}),
        "tf.keras is Keras 3",
        "Keras 2",
        "unset TF_USE_LEGACY_KERAS",
    ),
    "Keras on JAX": (replace(STACK_A, keras_backend="jax"), "Keras backend", "jax", "KERAS_BACKEND=tensorflow"),
    "old keras-tuner": (
        with_versions(STACK_A, keras_tuner="1.4.1"),
        "requirements",
        r"1\.4\.1 is installed",
        "'keras-tuner<2,>=1.4.7'",
    ),
    "missing requirement": (
        with_versions(STACK_A, keras_tuner=None),
        "requirements",
        "nothing is installed",
        "'keras-tuner<2,>=1.4.7'",
    ),
    "not installed": (with_versions(STACK_A, tfx_automl=None), "requirements", "itself", "make env"),
    "full disk": (replace(STACK_A, free={"/runs": 1024**3}), "disk", r"/runs has 1\.0 GiB", "TMPDIR"),
    "no temporary folder": (replace(STACK_A, free={"/temp": None}), "disk", "/temp is not writable", "TMPDIR"),
}


@pytest.mark.parametrize("around", [STACK_A, STACK_B], ids=["A", "B"])
def test_a_sound_environment_passes_every_check(around: Surroundings) -> None:
    assert [check for check in run_doctor(around) if not check.ok] == []


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_found_with_what_mends_it(trap: str) -> None:
    around, name, detail, fix = TRAPS[trap]
    wrong = [check for check in run_doctor(around) if not check.ok]
    assert [check.name for check in wrong] == [name]
    assert re.search(detail, wrong[0].detail)
    assert re.search(fix, wrong[0].fix)


def test_every_check_has_a_trap() -> None:
    names = {check.name for check in run_doctor(STACK_A)}
    assert names == {name for _, name, _, _ in TRAPS.values()}
    assert len(names) == len(CHECKS)


def test_exit_status_and_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor_module, "look_around", lambda: STACK_A)
    assert doctor() == 0
    assert "all 16 checks are ok" in capsys.readouterr().out
    monkeypatch.setattr(doctor_module, "look_around", lambda: without_module("dill"))
    assert doctor() == 1
    out = capsys.readouterr().out
    assert re.search(r"WRONG  dill is importable: .*\n +mend it with: python -m pip install 'dill>=0\.3'", out)
    assert "1 of 16 checks are wrong" in out


@pytest.mark.parametrize(
    ("around", "words"),
    [
        (STACK_A, "A, because stack B needs glibc 2.39"),
        (STACK_B, "B, because glibc is 2.39 or newer"),
        (replace(STACK_A, glibc=(2, 39)), "A; stack B would run here as well"),
        (with_versions(STACK_A, tfx="1.15.1"), "neither A"),
    ],
)
def test_the_stack_is_explained(around: Surroundings, words: str) -> None:
    assert dict(describe(around))["stack"].startswith(words)


def test_description_holds_versions_and_the_machine() -> None:
    shown = dict(describe(STACK_A))
    assert shown["tensorflow-model-analysis"] == "0.47.1"
    assert (shown["cores"], shown["memory"], shown["free in /runs"]) == ("2", "8.0 GiB", "10.0 GiB")


def test_a_check_needs_a_fix_exactly_when_it_failed() -> None:
    with pytest.raises(ConfigError, match="exactly when it failed"):
        Check("x", False, "bad")
    with pytest.raises(ConfigError, match="exactly when it failed"):
        Check("x", True, "good", "fix")


def test_backend_comes_from_the_variable_then_from_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"backend": "torch"}', encoding="utf-8")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert look_around().keras_backend == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert look_around().keras_backend == "jax"
    monkeypatch.delenv("KERAS_BACKEND")
    (tmp_path / "keras.json").write_text("no JSON", encoding="utf-8")
    assert look_around().keras_backend == "tensorflow"


def test_missing_byte_code_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "uncompiled_module.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(surroundings_module, "COMPILED", ("uncompiled_module", "pytest", "no_such_module"))
    assert look_around().uncompiled == ("uncompiled_module",)


def test_an_unwritable_folder_is_seen(tmp_path: Path) -> None:
    assert surroundings_module.free_bytes(str(tmp_path / "missing")) is None
    assert (surroundings_module.free_bytes(str(tmp_path)) or 0) > 0


def test_own_surroundings_are_real() -> None:
    around = look_around()
    assert around.python == sys.version_info[:2]
    assert around.versions["pytest"] == pytest.__version__
    assert any(requirement.startswith("tfx") for requirement in around.requirements)
    assert around.glibc >= (2, 17)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({}, 8),
    ],
)
def test_cores_respect_the_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n", encoding="ascii")
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("limit", "gibibytes"), [("2147483648", 2), ("max", 4), ("99999999999999", 4)])
def test_memory_respects_the_container(tmp_path: Path, limit: str, gibibytes: int) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        4194304 kB\nMemFree:  1 kB\n", encoding="ascii")
    (tmp_path / "memory.max").write_text(limit + "\n", encoding="ascii")
    assert usable_memory(tmp_path, tmp_path / "meminfo") == gibibytes * 1024**3


def test_it_is_quick_and_imports_nothing_slow() -> None:
    code = """
import sys
from tfx_automl.pipelines.doctor import doctor
status = doctor()
print([name for name in ("tensorflow", "tfx", "keras", "apache_beam", "numpy") if name in sys.modules])
sys.exit(status)
"""
    start = time.monotonic()
    # TensorFlow Transform sets this variable when it is imported, which other tests of this process have done.
    env = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("[]\n")
    assert seconds < 4  # 0.3 s on an idle machine
