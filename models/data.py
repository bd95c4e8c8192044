"""Training data: transformed examples, parsed once into memory-mapped arrays that all trial processes share."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import ModelError
from tfx_automl.files import write_in_one_step
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.growing import GrowingArray, new_digest, open_array
from tfx_automl.models.inputs import IMAGE_SIZES, InputSpec, has_image, inputs_from_schema
from tfx_automl.models.task import TaskSpec

META_FILE = "meta.json"
_ROWS_PER_PARSE = 4096


@dataclass(frozen=True)
class Arrays:
    """The rows of one split, in columns.

    Attributes:
        numeric: float32, shape [rows, numeric features].
        categorical: int32, shape [rows, categorical features].
        image: uint8, shape [rows, bytes of an image]; no columns without images.
        label: int32 class index or float32 target, shape [rows].
    """

    numeric: npt.NDArray[np.float32]
    categorical: npt.NDArray[np.int32]
    image: npt.NDArray[np.uint8]
    label: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[Any]) -> "Arrays":
        """Returns some of the rows, in memory, by their numbers or a mask."""
        return Arrays(self.numeric[rows], self.categorical[rows], self.image[rows], self.label[rows])


def joined(first: Arrays, second: Arrays) -> Arrays:
    """Returns the rows of two splits, in memory."""
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return Arrays(*(np.concatenate(pair) for pair in pairs))


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
        paths = (self.folder / name / f"{kind}.npy" for kind in ("numeric", "categorical", "image", "label"))
        return Arrays(*map(open_array, paths))


def open_data(folder: Path) -> TrainingData:
    """Opens what `prepare` wrote."""
    meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
    inputs, task = InputSpec.from_json(meta["inputs"]), TaskSpec.from_json(meta["task"])
    numbers = meta["target_mean"], meta["target_std"]
    groups = GroupSpec.from_json(meta["groups"])
    return TrainingData(folder, inputs, task, tuple(meta["splits"]), *numbers, meta["fingerprint"], groups)


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
    digest = new_digest()
    for name, files in splits.items():
        digest.update(name.encode())
        _write_split(_parse(files, spec), inputs, task, folder / name, digest)
    target = open_array(folder / "train" / "label.npy") if task.kind == "regression" else None
    _write_meta(folder, inputs, task, tuple(splits), target, digest.hexdigest())
    return open_data(folder)


def _write_meta(
    folder: Path,
    inputs: InputSpec,
    task: TaskSpec,
    splits: tuple[str, ...],
    target: npt.NDArray[Any] | None,
    fingerprint: str,
) -> None:
    """Written last, in one step: without it the folder counts as absent."""
    meta = {
        "inputs": inputs.to_json(),
        "task": task.to_json(),
        "splits": splits,
        "target_mean": 0.0 if target is None else float(np.mean(target)),
        "target_std": 1.0 if target is None else float(np.std(target)) or 1.0,
        "fingerprint": fingerprint,
        "groups": GroupSpec().to_json(),
    }
    write_in_one_step(folder / META_FILE, json.dumps(meta))


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

    fixed = {name: tf.io.FixedLenFeature([], feature.dtype) for name, feature in spec.items()}
    records = tf.data.TFRecordDataset(sorted(files), compression_type="GZIP").batch(_ROWS_PER_PARSE)
    parsed = records.map(lambda batch: tf.io.parse_example(batch, fixed)).prefetch(2)
    yield from parsed.as_numpy_iterator()


def _image_shape(files: Sequence[str], spec: Mapping[str, Any]) -> tuple[int, int, int]:
    first = next(_parse(files, spec))
    height, width, channels = (int(first[name][0]) for name in IMAGE_SIZES)
    return height, width, channels


def _write_split(
    batches: Iterator[dict[str, Any]], inputs: InputSpec, task: TaskSpec, folder: Path, digest: Any
) -> None:
    folder.mkdir(parents=True)
    kinds = {
        "numeric": (len(inputs.numeric), np.float32),
        "categorical": (len(inputs.categorical), np.int32),
        "image": (inputs.image.size if inputs.image else 0, np.uint8),
        "label": (None, np.float32 if task.kind == "regression" else np.int32),
    }
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(GrowingArray(folder / f"{kind}.npy", columns, dtype, digest))
            for kind, (columns, dtype) in kinds.items()
        ]
        for batch in batches:
            for file, part in zip(files, (*_columns(batch, inputs), batch[task.transformed_label]), strict=True):
                file.append(part)
    _check_labels(open_array(folder / "label.npy"), task, folder.name)


def _columns(
    batch: Mapping[str, Any], inputs: InputSpec
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    rows = len(next(iter(batch.values())))
    numeric = [batch[name].astype(np.float32) for name in inputs.numeric]
    categorical = [batch[name].astype(np.int32) for name, _ in inputs.categorical]
    return (
        np.stack(numeric, axis=1) if numeric else np.zeros((rows, 0), np.float32),
        np.stack(categorical, axis=1) if categorical else np.zeros((rows, 0), np.int32),
        _pixels(batch[inputs.image.name], inputs.image.size) if inputs.image else np.zeros((rows, 0), np.uint8),
    )


def _pixels(images: npt.NDArray[Any], size: int) -> npt.NDArray[np.uint8]:
    flat = np.frombuffer(b"".join(images), np.uint8)
    if flat.size != len(images) * size:
        raise ModelError(f"Images of {size} bytes were expected, all of one size; got {flat.size} for {len(images)}.")
    return flat.reshape(len(images), size)


def _check_labels(label: npt.NDArray[Any], task: TaskSpec, name: str) -> None:
    if not len(label):
        raise ModelError(f"The split {name!r} has no examples.")
    if task.kind == "regression":
        if not np.isfinite(label).all():
            raise ModelError(f"The split {name!r} has rows whose target is missing or infinite; drop them first.")
        return
    outside = int(((label < 0) | (label >= len(task.classes))).sum())
    if outside:
        raise ModelError(f"The split {name!r} has {outside} rows whose label is none of {', '.join(task.classes)}.")
