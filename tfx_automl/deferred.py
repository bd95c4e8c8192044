"""Defers packages that TFX's libraries import, but few tasks use, until something in them is asked for.

TFX imports every component with each one of them, and Beam the clients of all that it can read from; a large part of
the time in which a task starts goes there. As with `importlib.util.LazyLoader`, a package is loaded when something in
it is asked for, a submodule included; but of a few packages, submodules are loaded without the package itself.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

# Those whose submodules do without the package itself: it only gathers what is in them.
GATHERING = ("tensorflow_model_analysis", "tfx.components")
PACKAGES = (
    *("IPython", "docker", "google.cloud.bigquery", "google.cloud.pubsub", "ipywidgets", "joblib", "kubernetes"),
    *("matplotlib", "nltk", "sklearn", *GATHERING),
)


def defer(names: Iterable[str] = PACKAGES) -> None:
    """Defers packages that have not been imported yet; those that are not installed stay missing.

    Args:
        names: Full names of packages or modules.
    """
    wanted = frozenset(names)
    if not any(isinstance(finder, _Finder) and finder.names >= wanted for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(wanted))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the packages that are deferred, and no others."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """Makes a module whose own loader runs later."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

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
            vars(module).pop("__path__", None)  # where Python looks for submodules, and so what it asks for before one
        module.__getattr__ = first_use  # type: ignore[method-assign]


class _FirstUse:
    """What Python calls for an attribute that a module does not have: loads the module, and looks again."""

    def __init__(self, module: ModuleType, loader: Any) -> None:
        self._module, self._loader = module, loader
        self._path = vars(module).get("__path__")
        self._loading = False
        self._lock = threading.RLock()  # another thread waits, the same one sees a module in the making, as always

    def __call__(self, name: str) -> Any:
        with self._lock:
            if self._module.__dict__.get("__getattr__") is self:
                self._find(name)
        return getattr(self._module, name)

    def _find(self, name: str) -> None:
        """Makes the attribute be there if there is one: imports a submodule of that name, else loads the package."""
        if self._loading:
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r} while it is loaded")
        full_name = f"{self._module.__name__}.{name}"
        if self._module.__name__ in GATHERING and not name.startswith("__") and importlib.util.find_spec(full_name):
            importlib.import_module(full_name)
        else:
            self._load()

    def _load(self) -> None:
        self._loading = True
        try:
            if self._path is not None:
                self._module.__path__ = self._path
            self._loader.exec_module(self._module)
            if self._module.__dict__.get("__getattr__") is self:
                del self._module.__getattr__
        finally:
            self._loading = False
