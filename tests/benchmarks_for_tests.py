"""Loads a benchmark, which is a program and no part of the package, as a module."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load_benchmark(name: str) -> ModuleType:
    """Returns a new module from the file of that name in `benchmarks`."""
    path = Path(__file__).parent.parent / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # data classes look their own module up
    spec.loader.exec_module(module)
    return module
