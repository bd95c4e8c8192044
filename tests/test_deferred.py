"""Packages that are loaded when something in them is asked for."""

import importlib
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tfx_automl import deferred

PACKAGE = """
import {name}.part
loaded = True
__version__ = "1"
__all__ = ["loaded"]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: Any, request: Any) -> str:
    """The name of a package on Python's path, which is deferred; it has a submodule `part`, and one `other`."""
    name = f"deferred_{abs(hash(request.node.name))}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE.format(name=name))
    (folder / "part.py").write_text("value = 1\n")
    (folder / "other.py").write_text("value = 2\n")
    (folder / "notes.txt").write_text("a note")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    deferred.defer([name, "no_such_package_at_all"])
    return name


def is_loaded(module: ModuleType) -> bool:
    return "loaded" in vars(module)


def test_import_does_not_load(package):
    module = importlib.import_module(package)
    assert not is_loaded(module)
    assert f"{package}.part" not in sys.modules
    assert module.__file__ and module.__spec__


def test_first_attribute_loads_and_later_ones_are_ordinary(package):
    module = importlib.import_module(package)
    assert module.loaded and module.part.value == 1
    assert "__getattr__" not in vars(module)
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = module.missing


@pytest.mark.parametrize("statement", ["from {} import loaded", "from {} import *", "import {0}; {0}.__version__"])
def test_every_way_to_ask_for_something(package, statement):
    found: dict[str, Any] = {}
    exec(statement.format(package), found)
    assert is_loaded(sys.modules[package])
    assert "loaded" in found or package in found


@pytest.mark.parametrize("statement", ["import {}.other", "from {} import other", "from {}.other import value"])
@pytest.mark.parametrize("gathering", [False, True])
def test_a_submodule_loads_its_package_first_unless_that_only_gathers(package, statement, gathering, monkeypatch):
    monkeypatch.setattr(deferred, "GATHERING", (package,) if gathering else ())
    exec(statement.format(package), {})
    assert sys.modules[f"{package}.other"].value == 2
    assert is_loaded(sys.modules[package]) is not gathering


def test_a_submodule_that_needs_its_package(package, tmp_path):
    """As those of scikit-learn, which import its version."""
    (tmp_path / package / "__init__.py").write_text("late = loaded = 1\nfrom .part import value\n")
    (tmp_path / package / "part.py").write_text("from . import late\nvalue = late + 1\n")
    exec(f"import {package}.part", found := {})
    assert found[package].part.value == 2


def test_missing_names_and_packages_stay_missing(package):
    module = importlib.import_module(package)
    assert not hasattr(module, "missing")
    assert is_loaded(module)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_package_at_all")


def test_files_of_a_package_are_read_without_loading_it(package):
    from importlib import resources

    assert resources.files(package).joinpath("notes.txt").read_text() == "a note"
    assert not is_loaded(sys.modules[package])


def test_a_package_that_fails_says_so_each_time(package, tmp_path):
    (tmp_path / package / "__init__.py").write_text("raise RuntimeError('broken')\n")
    module = importlib.import_module(package)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            _ = module.anything


def test_an_attribute_that_is_asked_for_during_loading_is_not_there_yet(package, tmp_path):
    (tmp_path / package / "__init__.py").write_text(
        f"import {package}\nearly = hasattr({package}, 'late')\nlate = loaded = True\n"
    )
    module = importlib.import_module(package)
    assert module.late and not module.early


def test_other_threads_wait_until_it_is_loaded(package, tmp_path):
    (tmp_path / package / "__init__.py").write_text("import time\ntime.sleep(0.2)\nlate = 1\n")
    module = importlib.import_module(package)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(module.late)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 4


def test_a_package_with_a_getattr_of_its_own(package, tmp_path):
    (tmp_path / package / "__init__.py").write_text("def __getattr__(name): return name.upper()\n")
    assert importlib.import_module(package).word == "WORD"


@pytest.mark.slow
@pytest.mark.parametrize(
    "executor",
    [
        *("tfx_automl.components.example_gen.executor", "tfx_automl.components.evaluator.executor"),
        *("tfx_automl.components.trainer.executor", "tfx_automl.components.tuner.executor"),
        *("tfx.components.statistics_gen.executor", "tfx.components.evaluator.executor"),
    ],
)
def test_tasks_load_what_they_need_only(executor):
    """And what they need works: the packages are all there as soon as they are asked for."""
    code = f"""
import importlib, sys
from tfx_automl import deferred
deferred.defer()
import tfx_automl.kubeflow.task.component
importlib.import_module({executor!r})
loaded = [name for name in ("ipywidgets.widgets", "nltk.tokenize", "google.cloud.bigquery.client",
    "sklearn.linear_model", "kubernetes.client") if name in sys.modules]
assert not loaded, loaded
import sklearn, tensorflow_model_analysis as tfma
from tfx import v1 as tfx
from google.cloud import bigquery
assert sklearn.__version__ and tfma.EvalConfig() is not None and bigquery.Client
assert tfx.components.Trainer
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
