"""Packages that are loaded when something in them is asked for."""

import gc
import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tfx_automl import deferred
from tfx_automl.kubeflow.image.build import installed_stack

# The newer TFX imports Beam for the Trainer in other places, too.
LOADED_IN_B_ONLY = ("apache_beam",) if installed_stack() == "a" else ()
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


def test_a_submodule_is_loaded_once(package, tmp_path):
    """It was loaded by its package, which Python had asked for the place of the submodule, and then once more."""
    (tmp_path / package / "part.py").write_text("class Part: pass\n")
    (tmp_path / package / "__init__.py").write_text(f"from {package}.part import Part\n")
    exec(f"from {package}.part import Part", found := {})
    module = sys.modules[package]
    assert found["Part"] is module.Part is module.part.Part
    assert module.part.__spec__.origin.endswith("part.py")
    assert importlib.reload(module.part).Part is not found["Part"]


@pytest.fixture
def family(package, tmp_path):
    """The package, of which the module `other` is deferred as well; each needs the other one."""
    (tmp_path / package / "__init__.py").write_text(f"first = 1\nfrom {package}.other import value\nloaded = True\n")
    (tmp_path / package / "other.py").write_text(f"from {package} import first\nvalue = first + 1\nloaded = True\n")
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, deferred._Finder)]
    deferred.defer([package, f"{package}.other"])
    return package


def test_a_module_that_is_deferred_too_does_not_load_its_package(family):
    exec(f"import {family}.other as other", found := {})
    assert not is_loaded(sys.modules[family]) and not is_loaded(found["other"])
    assert found["other"].value == 2
    assert is_loaded(sys.modules[family]) and is_loaded(found["other"])


@pytest.mark.parametrize(
    "statement", ["from {0}.other import value", "from {0} import other; value = other.value", "from {0} import value"]
)
def test_a_package_and_its_module_are_loaded_whichever_is_asked(family, statement):
    exec(statement.format(family), found := {})
    assert found["value"] == 2
    assert is_loaded(sys.modules[family]) and is_loaded(sys.modules[f"{family}.other"])


def test_of_a_package_that_gathers_one_module_is_loaded(package, tmp_path, monkeypatch):
    monkeypatch.setattr(deferred, "GATHERING", (package,))
    (tmp_path / package / "__init__.py").write_text(
        f"from {package}.part import value as renamed\nfrom {package} import other\nfrom json import loads\n"
        "loaded = True\nmade_here = 3\n"
    )
    module = importlib.import_module(package)
    assert module.renamed == 1 and module.other.value == 2 and module.loads("3") == 3
    assert not is_loaded(module)
    assert module.made_here == 3
    assert is_loaded(module)


def test_a_thread_does_not_wait_for_ever(package, tmp_path, monkeypatch):
    """Two threads of which each loads what the other one waits for."""
    monkeypatch.setattr(deferred, "_SECONDS_TO_WAIT", 0.1)
    (tmp_path / package / "__init__.py").write_text(
        "import threading\nasked, go_on = threading.Event(), threading.Event()\nasked.set()\ngo_on.wait(10)\nlate = 1\n"
    )
    module = importlib.import_module(package)
    thread = threading.Thread(target=lambda: module.late)
    thread.start()
    while "asked" not in vars(module):
        pass
    with pytest.raises(ImportError, match=f"{package} was not loaded in 0.1 s by another thread"):
        _ = module.late
    module.go_on.set()
    thread.join()
    assert module.late == 1


def test_the_garbage_collector_is_off_while_modules_are_loaded():
    with deferred.without_collections():
        assert not gc.isenabled()
        with deferred.without_collections():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), deferred.without_collections():
        raise KeyError
    assert gc.isenabled()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "unloaded"),
    [
        ("tfx_automl.components.trainer.executor", ("keras.src.layers", "sklearn.base", *LOADED_IN_B_ONLY)),
        ("tfx_automl.components.tuner.executor", ("keras_tuner.src", "keras.src.layers", "sklearn.base")),
        ("tfx.components.schema_gen.executor", ("IPython.core", "keras.src.layers", "sklearn.base")),
        ("tfx_automl.components.transform.executor", ("matplotlib.pyplot", "nltk.tokenize", "kubernetes.client")),
    ],
)
def test_tasks_load_what_they_need_only(executor, unloaded):
    said = failure(f"""
import sys
from tfx_automl.kubeflow.task.main import load_component
load_component({executor + ".Executor"!r})
loaded = [name for name in {unloaded!r} if name in sys.modules]
assert not loaded, loaded
""")
    assert said == ""


@pytest.mark.slow
def test_what_tasks_need_is_there_when_it_is_asked_for():
    said = failure("""
from tfx_automl.kubeflow.task.main import load_component
load_component("tfx_automl.components.trainer.executor.Executor")
import tensorflow as tf, pandas as pd, sklearn, sklearn.base, tensorflow_data_validation as tfdv
import tensorflow_model_analysis as tfma
from google.cloud import bigquery
from sklearn.linear_model import LogisticRegression
from tfx import v1 as tfx
assert sklearn.__version__ and tfma.load_eval_result and bigquery.Client
assert issubclass(LogisticRegression, sklearn.base.BaseEstimator)
assert tfx.components.Trainer and tfdv.StatsOptions() and pd.DataFrame({"x": [1]}).x.sum() == 1
assert tf.keras.Sequential([tf.keras.layers.Dense(1)])(tf.ones([2, 3])).shape == (2, 1)
assert tf.keras.optimizers.Adam is __import__("keras").optimizers.Adam
""")
    assert said == ""


@pytest.mark.slow
def test_what_is_deferred_can_be_found():
    """A name that no library has any more would do nothing."""
    said = failure("""
import importlib.util
from tfx_automl import deferred
deferred.defer()
missing = [name for name in deferred.PACKAGES if not importlib.util.find_spec(name)]
assert not missing, missing
""")
    assert said == ""


def failure(code: str) -> str:
    """Runs a program in a process of its own, and returns the last words of one that fails."""
    # TensorFlow Transform sets it in the process that imports it, and makes tf.keras Keras 2.
    env = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    return f"status {done.returncode}: {done.stderr[-2000:]}" if done.returncode else ""
