"""Fixtures of the tests of models."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from training_data_for_tests import write_training_data

from tfx_automl.models.data import TrainingData


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[..., TrainingData]:
    """A function from the kind of a task to training data whose label follows from the features."""
    return functools.partial(write_training_data, tmp_path)
