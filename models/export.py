"""Exports a model as a SavedModel that takes raw columns: the Transform graph is inside.

Signatures:

- `serving_default`: serialized tf.Examples in, shape [rows].
- `serving_raw`: one tensor per raw column in (see `request_names`), each of shape [rows], so that TensorFlow Serving's
  REST interface takes plain JSON. A value is missing if it is the empty text, NaN, or the smallest int64. A column of
  lists has the shape [rows, values]; shorter lists are filled up with missing values, so any width will do.
- `transform_features`: serialized tf.Examples in, the transformed features out, the label too if it is there.

The first two return, for classification, `probabilities` (float32: of the positive class, shape [rows, 1], for a binary
task; else of every class, shape [rows, classes]) and `classes` (the most likely label value as text, shape [rows, 1];
for a binary task the positive one from the threshold on); for regression, `predictions` (float32, shape [rows, 1]).
Where thresholds are by group, the columns that tell a row's group are inputs, too, and `threshold` (float32, shape
[rows, 1]) is an output: that of the row.
"""

import math
import re
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tfx_automl.models.data import TrainingData
from tfx_automl.models.group_thresholds import GroupThresholds
from tfx_automl.models.inputs import raw_names
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.model import Graph
from tfx_automl.models.raw_tensors import MISSING_INTEGER
from tfx_automl.models.row_thresholds import raw_features, row_thresholds
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.tensor_columns import tensor_columns

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_GOOD_START = re.compile(r"[A-Za-z]")


def request_names(raw: Iterable[str]) -> dict[str, str]:
    """Returns what each raw column is called in `serving_raw`.

    A name is one that TensorFlow takes, and gives back unchanged when the model is loaded: a letter, then letters,
    digits and underscores. Anything else becomes an underscore (`Group Name` is `Group_Name`), and `x` comes in front
    where there is no letter (`1stFloor` is `x1stFloor`). TensorFlow does not tell capital letters from small ones.
    Where columns would meet, a checksum is put behind all of them but one whose name is good as it is.
    """
    plain = {name: _plain_name(name) for name in raw}
    counts = Counter(short.lower() for short in plain.values())
    good = Counter(name.lower() for name, short in plain.items() if name == short)

    def is_alone(name: str, short: str) -> bool:
        return counts[short.lower()] == 1 or (name == short and good[short.lower()] == 1)

    return {
        name: short if is_alone(name, short) else f"{short}_{zlib.crc32(name.encode()):08x}"
        for name, short in plain.items()
    }


def _plain_name(column: str) -> str:
    short = _NOT_IN_A_NAME.sub("_", column)
    # A loaded signature is a Python callable that takes its inputs by name, and has a `self` already.
    return short if _GOOD_START.match(short) and short != "self" else f"x{short}"


def export(
    graph: Graph,
    data: TrainingData,
    transform_graph: str,
    folder: Path,
    threshold: float = DECISION_THRESHOLD,
    by_group: GroupThresholds | None = None,
) -> None:
    """Writes the SavedModel; loading it needs TensorFlow and nothing of ours.

    Args:
        graph: The trained model.
        data: Inputs and task.
        transform_graph: Folder of the transform graph.
        folder: Where to; replaced if it is there.
        threshold: Of a binary task: the positive class is predicted from this probability on.
        by_group: Thresholds of groups of rows, instead.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    transform = tft.TFTransformOutput(transform_graph)
    everything = transform.raw_feature_spec()
    raw = {name: feature for name, feature in everything.items() if name != data.task.label}
    of_groups = raw_features(by_group, raw)
    # One plain module that tracks TensorFlow's own variables: Keras 3 objects lose theirs in a SavedModel of this kind.
    module = tf.Module()
    module.transform = transform.transform_features_layer()
    module.weights = list(graph.variables)
    predict = _predictor(graph, data, module.transform, raw, _decider(threshold, by_group))
    needed = {*raw_names(data.inputs, raw), *of_groups}
    names = {name: short for name, short in request_names({**everything, **of_groups}).items() if name in needed}
    signatures = {
        "serving_default": _from_examples(predict, {**raw, **of_groups}),
        "serving_raw": _from_columns(predict, {**raw, **of_groups}, names, _lists(transform.raw_metadata.schema)),
        "transform_features": _transformer(module.transform, everything),
    }
    shutil.rmtree(folder, ignore_errors=True)
    tf.saved_model.save(module, str(folder), signatures=signatures)


def _decider(threshold: float, by_group: GroupThresholds | None) -> Callable[[Mapping[str, Any]], Any]:
    """Returns a function from parsed raw features to a threshold, or one for each row."""
    return lambda parsed: threshold if by_group is None else row_thresholds(by_group, parsed)


def _predictor(
    graph: Graph,
    data: TrainingData,
    transform: Any,
    raw: Collection[str],
    threshold_of: Callable[[Mapping[str, Any]], Any],
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Returns a function from parsed raw features to the outputs of the serving signatures."""

    def predict(parsed: Mapping[str, Any]) -> dict[str, Any]:
        features = transform({name: value for name, value in parsed.items() if name in raw})
        return _outputs(data.task, graph.predict(tensor_columns(features, data.inputs)), threshold_of(parsed))

    return predict


def _outputs(task: TaskSpec, prediction: Any, threshold: Any) -> dict[str, Any]:
    """Returns the outputs by name.

    Args:
        task: What is predicted.
        prediction: By the model.
        threshold: Of a binary task: a number for all rows, which is no output, or a tensor, shape [rows].
    """
    import tensorflow as tf

    if task.kind == "regression":
        return {"predictions": prediction}
    if task.kind == "binary":
        chosen = tf.cast(prediction[:, 0] >= threshold, tf.int32)
    else:
        chosen = tf.argmax(prediction, axis=1)
    # A column: the stock BulkInferrer cannot take text with one value per row.
    classes = tf.gather(tf.constant(task.classes), chosen)[:, tf.newaxis]
    shown = {"threshold": threshold[:, tf.newaxis]} if tf.is_tensor(threshold) else {}
    return {"probabilities": prediction, "classes": classes, **shown}


# Nothing below has Python control flow on tensors; AutoGraph would spend seconds on the Transform graph for nothing.
def _from_examples(predict: Callable[..., Any], raw: Mapping[str, Any]) -> Any:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False)
    def serving_default(examples: Any) -> Any:
        return predict(tf.io.parse_example(examples, dict(raw)))

    return serving_default


def _transformer(transform: Any, raw: Mapping[str, Any]) -> Any:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False)
    def transform_features(examples: Any) -> Any:
        return dict(transform(tf.io.parse_example(examples, dict(raw))))

    return transform_features


def _from_columns(
    predict: Callable[..., Any],
    raw: Mapping[str, Any],
    names: Mapping[str, str],
    lists: Collection[str] = (),
) -> Any:
    """Takes the raw columns that are needed, by their names in a request."""
    import tensorflow as tf

    specs = {
        short: tf.TensorSpec([None, None] if name in lists else [None], raw[name].dtype, name=short)
        for name, short in names.items()
    }

    @tf.function(input_signature=[specs], autograph=False)
    def serving_raw(columns: Any) -> Any:
        return predict({name: _as_parsed(columns[short], raw[name]) for name, short in names.items()})

    return serving_raw


def _lists(schema: Any) -> frozenset[str]:
    """Returns the raw columns that hold several values in a row."""
    return frozenset(
        feature.name
        for feature in schema.feature
        if feature.value_count.max > 1 or math.prod(dim.size for dim in feature.shape.dim) > 1
    )


def _as_parsed(values: Any, feature: Any) -> Any:
    """Gives a column the form that parsing an example would: a sparse tensor without the missing values, or dense."""
    import tensorflow as tf

    if isinstance(feature, tf.io.FixedLenFeature):
        return tf.reshape(values, [-1, *feature.shape])
    table = values if values.shape.rank == 2 else values[:, tf.newaxis]
    there = _present(table)
    row = tf.where(there)[:, 0]
    # Those that are there move to the front of their row, as a parsed example has them.
    place = tf.boolean_mask(tf.cumsum(tf.cast(there, tf.int64), axis=1) - 1, there)
    return tf.SparseTensor(tf.stack([row, place], axis=1), tf.boolean_mask(table, there), tf.shape(table, tf.int64))


def _present(values: Any) -> Any:
    import tensorflow as tf

    if values.dtype == tf.string:
        return tf.not_equal(values, "")
    return ~tf.math.is_nan(values) if values.dtype.is_floating else tf.not_equal(values, MISSING_INTEGER)
