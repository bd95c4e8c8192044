"""Training data: transformed examples, parsed once into memory-mapped arrays that all trial processes share."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.growing import open_array
from tfx_automl.models.inputs import IMAGE_SIZES, InputSpec, has_image, inputs_from_schema
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.writing import KINDS, META_FILE, check_labels, write_meta, write_split

# The splits that a model may be trained on have the group of every row, where rows are weighed by it.
WEIGHED, WEIGHED_BY = ("train", "eval"), "weighed_by.npy"

_ROWS_PER_PARSE = 4096


@dataclass(frozen=True)
class Arrays:
    """The rows of one split, in columns.

    Attributes:
        numeric: float32, shape [rows, numeric features].
        categorical: int32, shape [rows, categorical features].
        image: uint8, shape [rows, bytes of an image]; no columns without images.
        label: int32 class index or float32 target, shape [rows].
        group: int32 number of the group that rows are weighed by, shape [rows]; None where all rows count the same.
    """

    numeric: npt.NDArray[np.float32]
    categorical: npt.NDArray[np.int32]
    image: npt.NDArray[np.uint8]
    label: npt.NDArray[Any]
    group: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[Any]) -> "Arrays":
        """Returns some of the rows, in memory, by their numbers or a mask."""
        return self.with_each(lambda values: values[rows])

    def with_each(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> "Arrays":
        """Returns the same columns, each of them changed."""
        return replace(self, **{name: change(values) for name, values in vars(self).items() if values is not None})

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(values.nbytes for values in vars(self).values() if values is not None)


def joined(first: Arrays, second: Arrays) -> Arrays:
    """Returns the rows of two splits, in memory."""
    pairs = {name: (values, getattr(second, name)) for name, values in vars(first).items() if values is not None}
    return Arrays(**{name: np.concatenate(pair) for name, pair in pairs.items()})


@dataclass(frozen=True)
class TrainingData:
    """Everything that a trial needs to know about the data.

    Attributes:
        folder: Where the arrays are.
        inputs: What the columns are.
        task: What is to be predicted.
        splits: Names of the splits.
        target_mean: Mean of the training target; 0 for classification.
        target_std: Standard deviation of the training target; 1 for classification.
        fingerprint: Differs between data of different content.
        groups: The groups of sensitive features whose slices can be compared on the eval split; see `slice_codes`.
        replaced: Splits whose rows are others than those in the folder.
        codes: Where the slices of all groups are; None is the folder of the arrays.
    """

    folder: Path
    inputs: InputSpec
    task: TaskSpec
    splits: tuple[str, ...]
    target_mean: float = 0.0
    target_std: float = 1.0
    fingerprint: str = ""
    groups: GroupSpec = field(default_factory=GroupSpec)
    replaced: Mapping[str, Arrays] = field(default_factory=dict)
    codes: Path | None = None

    @property
    def rows(self) -> int:
        """Number of training rows."""
        return len(self.split("train"))

    def with_splits(self, **splits: Arrays) -> "TrainingData":
        """Returns the same data with other rows in some splits, such as those of a fold."""
        return replace(self, replaced={**self.replaced, **splits})

    def split(self, name: str) -> Arrays:
        """Opens the arrays of a split, memory-mapped.

        Raises:
            ModelError: There is no such split.
        """
        if name in self.replaced:
            return self.replaced[name]
        if name not in self.splits:
            raise ModelError(f"There is no split {name!r}; the examples have {', '.join(self.splits)}.")
        paths = (self.folder / name / f"{kind}.npy" for kind in KINDS)
        group: tuple[npt.NDArray[np.int32], ...] = ()
        if self.groups.reweigh and name in WEIGHED:
            group = (open_array((self.codes or self.folder) / name / WEIGHED_BY),)
        return Arrays(*map(open_array, paths), *group)


def open_data(folder: Path) -> TrainingData:
    """Opens arrays that were written, or the slices of groups that lie apart from their arrays (see `slice_codes`)."""
    meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
    inputs, task = InputSpec.from_json(meta["inputs"]), TaskSpec.from_json(meta["task"])
    numbers = meta["target_mean"], meta["target_std"]
    groups = GroupSpec.from_json(meta["groups"])
    arrays = Path(meta.get("arrays", folder))
    codes = None if arrays == folder else folder
    return TrainingData(arrays, inputs, task, tuple(meta["splits"]), *numbers, meta["fingerprint"], groups, codes=codes)


def prepare(splits: Mapping[str, Sequence[str]], transform_graph: str, task: TaskSpec, folder: Path) -> TrainingData:
    """Parses transformed examples into arrays, once.

    Args:
        splits: For each split the gzip-compressed TFRecord files.
        transform_graph: Folder of the transform graph.
        task: What is to be predicted.
        folder: Where to; what is there is taken if it is whole and for the same task and splits, else replaced.

    Raises:
        ModelError: The data has no usable features, no rows, or rows whose label is not among the classes.
    """
    if (folder / META_FILE).exists():
        stored = open_data(folder)
        if (stored.task, stored.splits) == (task, tuple(splits)):
            return stored
    shutil.rmtree(folder, ignore_errors=True)
    schema, spec = _transformed(transform_graph)
    _check_label(spec, task)
    shape = _image_shape(next(iter(splits.values())), spec) if has_image(schema) else None
    inputs = inputs_from_schema(schema, task, shape)
    fingerprints = {}
    for name, files in splits.items():
        batches = ((*_columns(batch, inputs), batch[task.transformed_label]) for batch in _parse(files, spec))
        fingerprints[name] = write_split(batches, inputs, task, folder / name)
        check_labels(open_array(folder / name / "label.npy"), task, name)
    write_meta(folder, inputs, task, fingerprints)
    return open_data(folder)


def _transformed(transform_graph: str) -> tuple[Any, dict[str, Any]]:
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(transform_graph)
    return output.transformed_metadata.schema, output.transformed_feature_spec()


def _check_label(spec: Mapping[str, Any], task: TaskSpec) -> None:
    if task.transformed_label not in spec:
        known = ", ".join(sorted(spec))
        raise ModelError(f"The transformed data has no label {task.transformed_label!r}; its features are {known}.")


def _parse(files: Sequence[str], spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields batches of parsed features, as NumPy arrays."""
    import tensorflow as tf

    shapes = {name: list(feature.shape) for name, feature in spec.items() if _is_vector(feature)}
    fixed = {name: tf.io.FixedLenFeature(shapes.get(name, []), feature.dtype) for name, feature in spec.items()}
    records = tf.data.TFRecordDataset(sorted(files), compression_type="GZIP").batch(_ROWS_PER_PARSE)
    parsed = records.map(lambda batch: tf.io.parse_example(batch, fixed)).prefetch(2)
    yield from parsed.as_numpy_iterator()


def _is_vector(feature: Any) -> bool:
    return len(getattr(feature, "shape", ())) == 1 and feature.shape[0] > 1


def _image_shape(files: Sequence[str], spec: Mapping[str, Any]) -> tuple[int, int, int]:
    first = next(_parse(files, spec))
    height, width, channels = (int(first[name][0]) for name in IMAGE_SIZES)
    return height, width, channels


def _columns(
    batch: Mapping[str, Any], inputs: InputSpec
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    rows = len(next(iter(batch.values())))
    numeric = [batch[name].astype(np.float32).reshape(rows, width) for name, width in inputs.numeric_features]
    categorical = [batch[name].astype(np.int32) for name, _ in inputs.categorical]
    return (
        np.concatenate(numeric, axis=1) if numeric else np.zeros((rows, 0), np.float32),
        np.stack(categorical, axis=1) if categorical else np.zeros((rows, 0), np.int32),
        _pixels(batch[inputs.image.name], inputs.image.size) if inputs.image else np.zeros((rows, 0), np.uint8),
    )


def _pixels(images: npt.NDArray[Any], size: int) -> npt.NDArray[np.uint8]:
    flat = np.frombuffer(b"".join(images), np.uint8)
    if flat.size != len(images) * size:
        raise ModelError(f"Images of {size} bytes were expected, all of one size; got {flat.size} for {len(images)}.")
    return flat.reshape(len(images), size)
