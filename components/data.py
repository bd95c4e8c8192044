"""From TFX artifacts to what `models.data` takes."""

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfx.types import Artifact, artifact_utils

from tfx_automl.errors import ModelError
from tfx_automl.models.data import TrainingData, open_data, prepare
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.writing import META_FILE, check_labels

Inputs = Mapping[str, list[Artifact]]


def source_problems(examples: object | None, training_data: object | None) -> list[str]:
    """Returns what is wrong with the inputs of a component that trains a model family or a hypermodel."""
    if (examples is None) != (training_data is None):
        return []
    got = "none" if examples is None else "both"
    return [
        "Give one of training_data (what our Transform has written for this) and examples (transformed by any"
        f" Transform, and parsed here); got {got}."
    ]


def data_folder(inputs: Inputs, own: Path, *, grouped: bool = False) -> Path:
    """Returns where `training_data` and `groups.with_groups` will find or make the data.

    Args:
        inputs: Of the component.
        own: A folder of the component, for what has to be made.
        grouped: Whether there are groups of sensitive features, which are never written into somebody else's artifact.
    """
    return own if grouped or not inputs.get("training_data") else _folder_of(inputs["training_data"])


def training_data(inputs: Inputs, task: TaskSpec, own: Path) -> TrainingData:
    """Opens the input `training_data` in place, or parses the splits of the input `examples` into arrays.

    Args:
        inputs: Of the component: `training_data`, or `examples` and `transform_graph`.
        task: What is to be predicted.
        own: Where arrays go that have to be made.

    Raises:
        ModelError: There is no transform graph, a split that training needs is absent, labels are missing, or the
            arrays were made for another task.
    """
    if given := inputs.get("training_data"):
        return _opened(_folder_of(given), task)
    if not (transform_graph := inputs.get("transform_graph")):
        raise ModelError("A model family needs the transform graph; give the component `transform_graph`.")
    examples = inputs["examples"]
    names = artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names)
    _check_splits(names, "examples have")
    splits = {name: split_files(examples, name) for name in names}
    return prepare(splits, artifact_utils.get_single_uri(transform_graph), task, own)


def _folder_of(artifacts: list[Artifact]) -> Path:
    # Workers, and the slices of groups, find it by this path whatever their folder is.
    return Path(artifact_utils.get_single_uri(artifacts)).absolute()


def _opened(folder: Path, task: TaskSpec) -> TrainingData:
    if not (folder / META_FILE).is_file():
        raise ModelError(
            f"training_data: {folder} is no output training_data of our Transform, it lacks {META_FILE}; give that"
            " output, or give transformed examples as `examples`."
        )
    data = open_data(folder)
    if data.task != task:
        raise ModelError(
            f"The training data was made for the task {data.task.to_json()}, but the task of this component is"
            f" {task.to_json()}; give Transform and this component the same task."
        )
    _check_splits(data.splits, "arrays of training_data have")
    for name in data.splits:
        check_labels(data.split(name).label, task, name)
    return data


def _check_splits(names: Sequence[str], what: str) -> None:
    absent = [name for name in ("train", "eval") if name not in names]
    if absent:
        raise ModelError(f"The {what} no split {' and '.join(absent)}; they have {', '.join(names)}.")


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
