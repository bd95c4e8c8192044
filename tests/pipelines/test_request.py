"""The example request and the printed lines, for columns whose names a request cannot have."""

import contextlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest

from tfx_automl.components.example_gen.writer import TfRecordWriter
from tfx_automl.models.export import _from_columns, request_names
from tfx_automl.pipelines.request import write_request

pytestmark = pytest.mark.slow

TABLE = pa.table(
    {
        "1stFlrSF": [None, 856.0],
        "_c0": [None, 7],
        "marital-status": ["single", "wed"],
        "a b": ["left", "right"],
        "a$b": ["dropped", "dropped"],
        "label": ["n", "y"],
    }
)
READ = ("1stFlrSF", "_c0", "marital-status", "a b", "label")


def _save(folder: Path) -> None:
    """Saves a model that returns what it was asked."""
    import tensorflow as tf

    kinds = {"1stFlrSF": tf.float32, "_c0": tf.int64}
    raw = {name: tf.io.FixedLenFeature([], kinds.get(name, tf.string)) for name in READ}
    names = {name: short for name, short in request_names(READ).items() if name != "label"}

    def predict(features):
        return {"said": tf.strings.join([tf.strings.as_string(features[name]) for name in names], " ")}

    signature = _from_columns(predict, raw, names)
    tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_raw": signature})


def test_request_and_printed_lines_work_for_any_column(tmp_path):
    _save(tmp_path / "model")
    (tmp_path / "test").mkdir()
    with TfRecordWriter(tmp_path / "test" / "data_tfrecord-00000-of-00001.gz") as writer:
        writer.write(TABLE)
    lines = write_request(tmp_path / "model", tmp_path / "test", tmp_path / "request.json", READ)
    row = json.loads((tmp_path / "request.json").read_text(encoding="utf-8"))["instances"][0]
    assert row == {"x1stFlrSF": 856.0, "x_c0": 7, "marital_status": "wed", "a_b": "right"}
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        exec("\n".join(lines), {})
    assert "856.000000 7 wed right" in shown.getvalue()
