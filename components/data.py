"""From TFX artifacts to what `models.data` takes."""

import glob
import os
from pathlib import Path
from typing import Any

from tfx.types import Artifact, artifact_utils

from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData, prepare
from tfx_automl.models.task import TaskSpec


def training_data(
    examples: list[Artifact], transform_graph: list[Artifact] | None, task: TaskSpec, folder: Path
) -> TrainingData:
    """Parses the splits of a (transformed) Examples artifact into arrays.

    Args:
        examples: The `Examples` input of a component.
        transform_graph: The `TransformGraph` input.
        task: What is to be predicted.
        folder: Where the arrays go.

    Raises:
        ModelError: There is no transform graph, or a split that training needs is absent.
    """
    if not transform_graph:
        raise ModelError("A model family needs the transform graph; give the component `transform_graph`.")
    names = artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names)
    absent = [name for name in ("train", "eval") if name not in names]
    if absent:
        raise ModelError(f"The examples have no split {' and '.join(absent)}; they have {', '.join(names)}.")
    splits = {name: split_files(examples, name) for name in names}
    return prepare(splits, artifact_utils.get_single_uri(transform_graph), task, folder)


def split_files(examples: list[Artifact], split: str) -> list[str]:
    """Returns the files of a split: artifact by artifact, each one's in the order of their names.

    Raises:
        ModelError: There are none.
    """
    uris = artifact_utils.get_split_uris(examples, split)
    files = [path for uri in uris for path in sorted(glob.glob(os.path.join(glob.escape(uri), "*")))]
    if not files:
        raise ModelError(f"The split {split!r} has no files in {', '.join(uris)}.")
    return files


def without_nan(value: Any) -> Any:
    """Returns a JSON-able value in which NaN has become None: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and value != value else value
