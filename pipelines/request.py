"""How to call the pushed model: a request with one real row, and the lines of code that send it."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

_ROWS_LOOKED_AT = 200


def write_request(model: Path, examples: Path, path: Path, columns: Collection[str]) -> list[str]:
    """Writes a request for the signature `serving_raw` with a row of the test split.

    Args:
        model: The pushed SavedModel.
        examples: Folder of the test split.
        path: Where the request goes: JSON as TensorFlow Serving's REST interface takes it.
        columns: The raw columns that Transform reads, the label too, and those that tell groups with own thresholds:
            what a column is called depends on all of them.

    Returns:
        Lines of Python that load the model and predict that row.
    """
    import tensorflow as tf

    from tfx_automl.models.inputs import are_images

    if are_images(columns):  # raw bytes in JSON help nobody
        return _code_for_examples(model, examples)
    signature = tf.saved_model.load(str(model)).signatures["serving_raw"]
    inputs = signature.structured_input_signature[1]
    row = _fullest_row(examples, inputs, columns)
    request = {"signature_name": "serving_raw", "instances": [row]}
    path.write_text(json.dumps(request, indent=2) + "\n", encoding="utf-8")
    return [
        "import json, tensorflow as tf",
        f"model = tf.saved_model.load({str(model)!r}).signatures['serving_raw']",
        f"row = json.load(open({str(path)!r}))['instances'][0]",
        "inputs = model.structured_input_signature[1]",
        "print(model(**{name: tf.constant([row[name]], inputs[name].dtype) for name in inputs}))",
    ]


def _code_for_examples(model: Path, examples: Path) -> list[str]:
    file = sorted(examples.iterdir())[0]
    return [
        "import tensorflow as tf",
        f"model = tf.saved_model.load({str(model)!r}).signatures['serving_default']",
        f"rows = tf.data.TFRecordDataset({str(file)!r}, 'GZIP').batch(1)",
        "print(model(examples=next(iter(rows))))",
    ]


def _fullest_row(examples: Path, inputs: Mapping[str, Any], raw: Iterable[str]) -> dict[str, Any]:
    """Returns, of the first rows, the one with the fewest missing values."""
    import tensorflow as tf

    from tfx_automl.models.export import request_names
    from tfx_automl.models.raw_tensors import MISSING_INTEGER

    absent = {tf.string: "", tf.int64: MISSING_INTEGER, tf.float32: float("nan")}
    files = [str(file) for file in sorted(examples.iterdir())]
    records = next(iter(tf.data.TFRecordDataset(files, "GZIP").batch(_ROWS_LOOKED_AT)))
    names = {name: short for name, short in request_names(raw).items() if short in inputs}
    parsed = tf.io.parse_example(records, {name: _spec(inputs[short], absent) for name, short in names.items()})
    columns = {short: parsed[name].numpy() for name, short in names.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    best = min(rows, key=lambda row: sum(_is_missing(value, absent[inputs[name].dtype]) for name, value in row.items()))
    return {name: _plain(value, absent[inputs[name].dtype]) for name, value in best.items()}


def _spec(signature: Any, absent: Mapping[Any, object]) -> Any:
    """Returns how a column is parsed into the form that the signature takes: a value per row, or a padded list."""
    import tensorflow as tf

    kind = signature.dtype
    if signature.shape.rank == 2:
        return tf.io.FixedLenSequenceFeature([], kind, allow_missing=True, default_value=absent[kind])
    return tf.io.FixedLenFeature([], kind, absent[kind])


def _is_missing(value: Any, absent: object) -> bool:
    if isinstance(value, np.ndarray):
        return all(_is_missing(item, absent) for item in value)
    return bool(value != value or value == (absent.encode() if isinstance(absent, str) else absent))


def _plain(value: Any, absent: object) -> Any:
    """Returns what JSON can hold; of a list, the values without those that fill it up."""
    if isinstance(value, np.ndarray):
        return [_plain(item, absent) for item in value if not _is_missing(item, absent)]
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value.item()
