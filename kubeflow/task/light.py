"""Loads TFX without TensorFlow, for tasks that compute nothing: it takes most of the time that TFX takes to load."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TENSORFLOW = "tensorflow"


@contextmanager
def without_tensorflow() -> Iterator[None]:
    """Makes TensorFlow seem not installed, which TFX's core puts up with; afterwards it can be imported as always."""
    if _TENSORFLOW in sys.modules:
        yield
        return
    sys.modules[_TENSORFLOW] = None  # type: ignore[assignment]  # Python's own way to forbid an import
    try:
        yield
    finally:
        del sys.modules[_TENSORFLOW]
