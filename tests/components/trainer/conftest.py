"""What the tests of Trainer share."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from trainer_for_tests import run_trainer


@pytest.fixture
def inputs(people: SimpleNamespace) -> dict[str, str]:
    """The folders of the inputs of Trainer, of the small pipeline."""
    return {
        "examples": str(people.Transform.uris["transformed_examples"]),
        "transform_graph": str(people.Transform.uris["transform_graph"]),
        "hyperparameters": str(people.Tuner.uris["best_hyperparameters"]),
        "base_model": str(people.Tuner.uris["best_model"]),
    }


@pytest.fixture
def execute(people: SimpleNamespace, inputs, tmp_path) -> Callable[..., SimpleNamespace]:
    """A function that calls `Do` on the artifacts of the small pipeline, with options and other inputs by name."""
    from tfx_automl.components.trainer.options import TrainOptions

    def run(name: str, others: dict[str, str] | None = None, **options: Any) -> SimpleNamespace:
        properties = {"task": people.task.to_json(), **TrainOptions(**options).to_properties()}
        return run_trainer(str(tmp_path), name, {**inputs, **(others or {})}, properties)

    return run
