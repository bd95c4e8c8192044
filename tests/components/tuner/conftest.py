"""What the tests of Tuner share."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tuner_for_tests import run_tuner


@pytest.fixture
def artifacts(people: SimpleNamespace) -> dict[str, str]:
    """Where the inputs of Tuner are, of the small pipeline."""
    names = {"examples": "transformed_examples", "transform_graph": "transform_graph"}
    return {name: str(people.Transform.uris[output]) for name, output in names.items()}


@pytest.fixture
def execute(people: SimpleNamespace, artifacts, tmp_path) -> Callable[..., dict[str, Any]]:
    """A function that calls `Do` on the artifacts of the small pipeline, in a folder that outlives a failure."""

    def run(name: str, **properties) -> dict[str, Any]:
        others = {key: properties.pop(key) for key in ("splits", "state", "base_model") if key in properties}
        return run_tuner(
            str(tmp_path), name, **artifacts, properties={"task": people.task.to_json(), **properties}, **others
        )

    return run
