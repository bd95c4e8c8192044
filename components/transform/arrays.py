"""Transforms raw examples straight into the arrays that models are trained on: in batches, in one pass, in order.

Nothing is encoded on the way: TensorFlow parses, transforms and sorts the values into columns in one graph, and what
comes out is written as it is.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from tfx_automl.components.transform.materialise import rows_per_batch
from tfx_automl.errors import DataError
from tfx_automl.models.inputs import IMAGE_SIZES, InputSpec, has_image, inputs_from_schema
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.tensor_columns import tensor_columns
from tfx_automl.models.writing import KINDS, write_meta, write_split


def write_arrays(
    splits: Mapping[str, Sequence[str]],
    transform_graph: str,
    task: TaskSpec,
    folder: Path,
    amend: Callable[[InputSpec], None] = lambda inputs: None,
) -> None:
    """Writes what `models.data.open_data` opens, equal to what `prepare` makes of materialised examples.

    Args:
        splits: For each split the gzip-compressed TFRecord files of raw examples; rows keep their order.
        transform_graph: Folder of the transform graph.
        task: What is to be predicted.
        folder: Where to.
        amend: Changes arrays that are written already, before they count as there.

    Raises:
        DataError: Rows were lost, images have several sizes, or there is an image column, but no row to tell its size.
        ModelError: The transformed data has no usable features.
    """
    output = tft.TFTransformOutput(transform_graph)
    layer, schema = output.transform_features_layer(), output.transformed_metadata.schema
    specs = output.raw_feature_spec()
    files = [file for names in splits.values() for file in names]
    inputs = inputs_from_schema(schema, task, _image_shape(files, layer, specs) if has_image(schema) else None)
    transform = _transform(layer, specs, inputs, task)

    def write(split: str) -> str:
        shutil.rmtree(folder / split, ignore_errors=True)  # of an attempt that was cut off
        return write_split(_batches(splits[split], transform, inputs), inputs, task, folder / split)

    # The larger splits overlap with the reading of the smaller ones, which keeps all cores busy.
    with ThreadPoolExecutor(len(splits) or 1) as threads:
        fingerprints = list(threads.map(write, splits))
    amend(inputs)
    write_meta(folder, inputs, task, dict(zip(splits, fingerprints, strict=True)))


def _image_shape(files: Sequence[str], layer: Any, specs: Mapping[str, Any]) -> tuple[int, int, int]:
    """Returns height, width and channels as the first row has them."""
    for record in tf.data.TFRecordDataset(list(files), "GZIP").take(1):
        features = layer(tf.io.parse_example([record], specs))
        height, width, channels = (int(np.ravel(features[name])[0]) for name in IMAGE_SIZES)
        return height, width, channels
    raise DataError("There is no example in any split, so the size of the images is not known; give some data.")


def _transform(layer: Any, specs: Mapping[str, Any], inputs: InputSpec, task: TaskSpec) -> Any:
    """Returns a function from serialized examples, shape [rows].

    It returns parts of the arrays by kind, the sizes of the images (shape [rows], or [0] without images), and the
    number of examples that it got.
    """
    number = tf.float32 if task.kind == "regression" else tf.int32

    # Without autograph: rewriting the source of the layer, of TensorFlow Transform itself, takes seconds.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def transform(serialized: Any) -> tuple[dict[str, Any], Any, Any]:
        features = layer(tf.io.parse_example(serialized, specs))
        columns = tensor_columns(features, inputs)
        columns["label"] = tf.cast(tf.reshape(features[task.transformed_label], [-1]), number)
        images = features[inputs.image.name] if inputs.image else tf.constant([], tf.string)
        return columns, tf.strings.length(tf.reshape(images, [-1])), tf.size(serialized)

    return transform.get_concrete_function()


def _batches(files: Sequence[str], transform: Any, inputs: InputSpec) -> Iterator[list[npt.NDArray[Any]]]:
    """Yields the parts of the arrays that `KINDS` names, in the order of files and rows."""
    records = tf.data.TFRecordDataset(list(files), "GZIP")
    serialized = records.batch(rows_per_batch(records))
    # Batches are transformed side by side, but come in order: sensitive columns are read from the raw rows beside them.
    call = tf.autograph.experimental.do_not_convert(lambda batch: transform(batch))
    transformed = serialized.map(call, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(1)
    for columns, sizes, count in transformed.as_numpy_iterator():
        _check_sizes(sizes, inputs)
        parts = [columns[kind] if kind in columns else np.zeros((count, 0)) for kind in KINDS]
        _check_rows(parts, count)
        yield parts


def _check_rows(parts: Sequence[npt.NDArray[Any]], count: int) -> None:
    different = {kind: len(part) for kind, part in zip(KINDS, parts, strict=True) if len(part) != count}
    if different:
        raise DataError(f"Of {count} examples, the transform graph made rows of another number: {different}.")


def _check_sizes(sizes: npt.NDArray[np.int32], inputs: InputSpec) -> None:
    if inputs.image and (sizes != inputs.image.size).any():
        other = int(sizes[sizes != inputs.image.size][0])
        raise DataError(
            f"Images of {inputs.image.size} bytes were expected, all of the size of the first one; got one of {other}."
            " Bring them to one size before."
        )
