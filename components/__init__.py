"""TFX components, one folder each: `component.py` (spec and component), `executor.py` (a thin `Do`).

Every one also works alone in a hand-written TFX pipeline, and stock components accept its outputs:

    from tfx_automl.components import Tuner

Names are resolved on first use, so that importing one component does not import the libraries of the others.
"""

import importlib
from typing import Any

_FOLDERS = {
    "ExampleGen": "example_gen",
    "Transform": "transform",
    "Tuner": "tuner",
    "Trainer": "trainer",
    "Baseline": "baseline",
    "Evaluator": "evaluator",
}

__all__ = ["Baseline", "Evaluator", "ExampleGen", "Trainer", "Transform", "Tuner"]  # see __getattr__


def __getattr__(name: str) -> Any:
    if name not in _FOLDERS:
        raise AttributeError(f"module {__name__!r} has no component {name!r}; there are {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_FOLDERS[name]}.component"), name)
