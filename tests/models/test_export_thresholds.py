"""Thresholds by group in an exported model: both signatures, on columns of which the model reads only some."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfx_automl.models import export
from tfx_automl.models.group_thresholds import GroupThresholds
from tfx_automl.models.raw_tensors import MISSING_INTEGER
from tfx_automl.models.row_thresholds import raw_features
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "y", ("no", "yes"))
OWN = GroupThresholds(
    ("sex", "age"),
    ("text", "int"),
    0.5,
    (("F", "under 25"), ("F", "25 and over"), ("M", "25 and over")),
    (0.25, 0.375, 0.75),
    {"age": (25,)},
)
# Score, sex, age, and the threshold that the row has; None is a missing value.
ROWS: list[tuple[float, str | None, int | None, float]] = [
    (0.3, "F", 20, 0.25),
    (0.3, "F", 25, 0.375),
    (0.8, "M", 30, 0.75),
    (0.7, "M", 30, 0.75),
    (0.6, "M", 20, 0.5),
    (0.6, None, 30, 0.5),
    (0.4, "F", None, 0.5),
    (0.6, "x", 30, 0.5),
]


@pytest.fixture(scope="module")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of a model that predicts the column `x`; `age` is a raw column of Transform, `sex` is excluded from it."""
    import tensorflow as tf

    raw = {"x": tf.io.VarLenFeature(tf.float32), "age": tf.io.VarLenFeature(tf.int64)}

    def transform(parsed: Mapping[str, Any]) -> dict[str, Any]:
        assert set(parsed) == set(raw), "Transform must get what it knows, and nothing else"
        return {"x_xf": tf.sparse.to_dense(parsed["x"])}

    graph: Any = SimpleNamespace(predict=lambda columns: columns)
    data: Any = SimpleNamespace(task=TASK, inputs=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "tensor_columns", lambda features, inputs: features["x_xf"])
        predict = export._predictor(graph, data, transform, raw, export._decider(OWN.common, OWN))
        columns = {**raw, **raw_features(OWN, raw)}
        made = {
            "serving_default": export._from_examples(predict, columns),
            "serving_raw": export._from_columns(predict, columns, {name: name for name in columns}),
        }
        folder = str(tmp_path_factory.mktemp("model"))
        tf.saved_model.save(tf.Module(), folder, signatures=made)
    return tf.saved_model.load(folder).signatures


def served_from_examples(signatures: Any) -> Any:
    import tensorflow as tf

    def feature(value: Any) -> Any:
        if isinstance(value, str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    def example(score: float, sex: str | None, age: int | None) -> bytes:
        values = {"x": score, "sex": sex, "age": age}
        features = {name: feature(value) for name, value in values.items() if value is not None}
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

    return signatures["serving_default"](examples=tf.constant([example(*row[:3]) for row in ROWS]))


def served_from_columns(signatures: Any) -> Any:
    import tensorflow as tf

    score, sex, age, _ = zip(*ROWS, strict=True)
    return signatures["serving_raw"](
        x=tf.constant(score),
        sex=tf.constant([value or "" for value in sex]),
        age=tf.constant([MISSING_INTEGER if value is None else value for value in age], tf.int64),
    )


@pytest.mark.parametrize("serve", [served_from_examples, served_from_columns])
def test_every_row_has_the_threshold_of_its_group(signatures: Any, serve: Any) -> None:
    found = {name: values.numpy() for name, values in serve(signatures).items()}
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(
        ("probabilities", "classes", "threshold"), (len(ROWS), 1)
    )
    assert found["threshold"][:, 0].tolist() == [own for *_, own in ROWS]
    assert found["probabilities"][:, 0].tolist() == np.float32([score for score, *_ in ROWS]).tolist()
    assert found["classes"][:, 0].tolist() == [b"yes" if score >= own else b"no" for score, _, _, own in ROWS]


def test_without_them_there_is_one_threshold_and_no_further_output() -> None:
    import tensorflow as tf

    found = export._outputs(TASK, tf.constant([[0.3], [0.4]]), export._decider(0.4, None)({}))
    assert set(found) == {"probabilities", "classes"}
    assert found["classes"].numpy().tolist() == [[b"no"], [b"yes"]]
