"""What holds for all tests of ExampleGen."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def few_objects() -> Iterator[None]:
    """On Python 3.10 Arrow looks through all objects of the process after each file; frozen ones it leaves out."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
