"""Defers packages that TFX's libraries import, but few tasks use, until something in them is asked for.

TFX imports every component with each one of them, Beam the clients of all that it can read from, TensorFlow the whole
of Keras; most of the time in which a task starts goes there. As with `importlib.util.LazyLoader`, a package is loaded
when something in it is asked for, a submodule included; but of packages that only gather what is in their modules,
just the one module is loaded that has what is asked for.
"""

import ast
import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

# Those that only gather what is in their modules, which do without the package itself.
GATHERING = ("tensorflow_data_validation", "tensorflow_model_analysis", "tfx.components", "tfx.v1.components")
# Not pandas: Arrow asks for it where an interrupt of its import is lost.
PACKAGES = (
    *GATHERING,
    *("IPython", "docker", "h5py", "ipywidgets", "joblib", "keras", "kubernetes", "matplotlib", "nltk"),
    *("requests", "scipy", "sklearn", "google.cloud.bigquery", "google.cloud.bigquery_storage_v1"),
    "google.cloud.pubsub",
    # Modules that others import as wholes: with Keras's, TensorFlow makes sure that Keras is loaded, though it does
    # nothing with it; behind the others are the clients of Google's services, and Beam behind the Trainer.
    *("keras.src", "keras.src.optimizers", "googleapiclient.discovery", "apache_beam.io.gcp.gcsio"),
    *("tfx.components.util.tfxio_utils", "tfx.v1.extensions"),
)
# Two threads that each load what the other one waits for would wait for ever.
_SECONDS_TO_WAIT = 300
# One for a package and all that is in it: a module and its package load each other.
_LOCKS: dict[str, Any] = {}


def defer(names: Iterable[str] = PACKAGES) -> None:
    """Defers packages that have not been imported yet; those that are not installed stay missing.

    Args:
        names: Full names of packages or modules. If a package and a module in it are named, both are deferred:
            `import package.module` does not load the package.
    """
    wanted = frozenset(names)
    if not any(isinstance(finder, _Finder) and finder.names >= wanted for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(wanted))


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Switches Python's garbage collector off while modules are loaded: they make a million objects that all stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the packages that are deferred, and no others."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        there = sys.modules.get(fullname)
        if (
            isinstance(there, ModuleType)
            and target is None
            and any(fullname.startswith(f"{name}.") for name in self.names)
        ):
            # To ask a package where its submodules are has loaded it, and it has loaded this one.
            return importlib.machinery.ModuleSpec(fullname, _There(there))
        if fullname not in self.names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._within(fullname))
        return spec

    def _within(self, package: str) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.names if name.rpartition(".")[0] == package))


class _There(importlib.abc.Loader):
    """Gives Python a module that is there, which it would otherwise load a second time."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class _Loader(importlib.abc.Loader):
    """Makes a module whose own loader runs later."""

    def __init__(self, loader: Any, within: tuple[str, ...]) -> None:
        self._loader, self._within = loader, within

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        # Files beside the module are read by its own loader, whether it has run or not.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        first_use = _FirstUse(module, self._loader)
        if module.__name__ not in GATHERING:
            for name in self._within:
                importlib.import_module(name)
            vars(module).pop("__path__", None)  # where Python looks for submodules, and so what it asks for before one
        module.__getattr__ = first_use  # type: ignore[method-assign]


class _FirstUse:
    """What Python calls for an attribute that a module does not have: loads the module, and looks again."""

    def __init__(self, module: ModuleType, loader: Any) -> None:
        self._module, self._loader = module, loader
        self._path = vars(module).get("__path__")
        self._loading = False
        self._gathered: dict[str, tuple[str, str]] | None = None
        # Another thread waits; the same one sees a module in the making, as always.
        self._lock = _LOCKS.setdefault(module.__name__.partition(".")[0], threading.RLock())

    def __call__(self, name: str) -> Any:
        if not self._lock.acquire(timeout=_SECONDS_TO_WAIT):
            raise ImportError(f"{self._module.__name__} was not loaded in {_SECONDS_TO_WAIT} s by another thread.")
        try:
            if _pending(self._module) is self:
                self._find(name)
        finally:
            self._lock.release()
        return getattr(self._module, name)

    def _find(self, name: str) -> None:
        """Makes the attribute be there if there is one: imports what has that name, else loads the package."""
        if self._loading:
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r} while it is loaded")
        if self._module.__name__ not in GATHERING or name.startswith("__") or not self._gather(name):
            self.load()

    def _gather(self, name: str) -> bool:
        """Imports a submodule of that name, or what the package imports by that name from some module."""
        package = self._module.__name__
        if importlib.util.find_spec(f"{package}.{name}"):
            importlib.import_module(f"{package}.{name}")
            return True
        if self._gathered is None:
            self._gathered = dict(_gathered(self._loader.get_source(package) or ""))
        if name not in self._gathered:
            return False
        module, there = self._gathered[name]
        setattr(self._module, name, getattr(__import__(module, fromlist=(there,)), there))
        return True

    def load(self) -> None:
        """Loads the module, unless that is being done; the package that it is in comes first, as always."""
        package = self._module.__name__.rpartition(".")[0]
        if not self._loading and package not in GATHERING and (first := _pending(sys.modules.get(package))):
            first.load()
        if self._loading or _pending(self._module) is not self:  # its package has loaded it, too
            return
        self._loading = True
        try:
            if self._path is not None:
                self._module.__path__ = self._path
            self._loader.exec_module(self._module)
            if _pending(self._module) is self:
                del self._module.__getattr__
        finally:
            self._loading = False


def _pending(module: ModuleType | None) -> _FirstUse | None:
    """Returns what loads a module that is deferred still."""
    first_use = vars(module).get("__getattr__") if module is not None else None
    return first_use if isinstance(first_use, _FirstUse) else None


def _gathered(source: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yields the names that the source of a package imports from modules, each with its module and its name there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)
