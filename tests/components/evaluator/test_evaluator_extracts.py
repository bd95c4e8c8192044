"""What TFMA gets of a batch: sensitive values, labels and predictions."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_model_analysis import constants

from tfx_automl.components.evaluator.cells import (
    DECIDED_KEY,
    OTHER_SCORES_KEY,
    OTHER_THRESHOLDS_KEY,
    THRESHOLDS_KEY,
)
from tfx_automl.components.evaluator.extracts import keep_label_and_prediction, sensitive_values
from tfx_automl.components.sensitive import MISSING
from tfx_automl.errors import EvaluationError
from tfx_automl.models.task import TaskSpec

BINARY = TaskSpec("binary", "y", ("no", "yes"))
MULTICLASS = TaskSpec("multiclass", "y", ("a", "b", "c"))


def records(values: Any, type_: pa.DataType) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, pa.list_(type_))], ["a"])


def batch(label: Any, predictions: Any) -> dict[str, Any]:
    return {
        constants.FEATURES_KEY: {},
        constants.TRANSFORMED_FEATURES_KEY: {"y_xf": np.array(label)},
        constants.PREDICTIONS_KEY: predictions,
        **dict.fromkeys((OTHER_SCORES_KEY, OTHER_THRESHOLDS_KEY), np.zeros((np.size(label), 0))),
    }


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([[b"F"], None, ["Å".encode()], []], pa.binary(), ["F", MISSING, "Å", MISSING]),
        ([[b"F"], [b"M"]], pa.large_binary(), ["F", "M"]),
        ([[3], None], pa.int64(), [3, MISSING]),
        ([[0.5], [1.0]], pa.float32(), [0.5, 1.0]),
        ([None, None], pa.null(), [MISSING, MISSING]),
        ([], pa.int64(), []),
    ],
)
def test_sensitive_values(values: Any, type_: pa.DataType, expected: list[Any]) -> None:
    found = sensitive_values(records(values, type_), "a")
    assert found.shape == (len(expected), 1)
    assert found[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([[24], [25], None, [70]], pa.int64(), ["under 25", "25 to under 65.5", MISSING, "65.5 and over"]),
        ([[24.9], [65.5], [float("nan")]], pa.float32(), ["under 25", "65.5 and over", MISSING]),
        ([None], pa.null(), [MISSING]),
    ],
)
def test_values_that_are_cut(values: Any, type_: pa.DataType, expected: list[Any]) -> None:
    assert sensitive_values(records(values, type_), "a", {"a": (25, 65.5)})[:, 0].tolist() == expected


def test_feature_that_no_row_of_the_batch_has() -> None:
    assert sensitive_values(records([[1], [2]], pa.int64()), "b")[:, 0].tolist() == [MISSING, MISSING]


def test_several_values_in_a_row_and_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(EvaluationError, match="'a' has 2 values in one row"):
        sensitive_values(records([[1], [2, 3]], pa.int64()), "a")
    with pytest.raises(EvaluationError, match="'a' holds bytes that are not UTF-8"):
        sensitive_values(records([[b"\xff\xfe"]], pa.binary()), "a")


def test_saturated_probabilities_keep_their_side_and_a_finite_logarithm() -> None:
    kept = keep_label_and_prediction(batch([0, 1], {"probabilities": np.float32([[0], [1]])}), BINARY, "probabilities")
    assert kept[constants.PREDICTIONS_KEY].tolist() == [[1e-7], [1 - 1e-7]]
    assert kept[constants.LABELS_KEY].tolist() == [0.0, 1.0]


def test_multiclass_labels_become_one_hot() -> None:
    kept = keep_label_and_prediction(batch([2, 0], np.full([2, 3], 1 / 3)), MULTICLASS, "probabilities")
    assert kept[constants.LABELS_KEY].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_missing_outputs_are_named() -> None:
    with pytest.raises(EvaluationError, match="no output 'probabilities'; it has scores, other"):
        keep_label_and_prediction(batch([0], {"scores": [[0.1]], "other": [[0.1]]}), BINARY, "probabilities")
    task = TaskSpec("binary", "z", ("no", "yes"))
    with pytest.raises(EvaluationError, match="returns no label 'z_xf'; it returns y_xf"):
        keep_label_and_prediction(batch([0], np.array([[0.1]])), task, "probabilities")


def test_thresholds_of_rows_decide() -> None:
    outputs = {"probabilities": np.float32([[0.3], [0.3], [0.7]]), "threshold": np.float32([[0.3], [0.5], [0.7]])}
    kept = keep_label_and_prediction(batch([0, 1, 1], outputs), BINARY, "probabilities", by_row=True)
    assert kept[THRESHOLDS_KEY].tolist() == outputs["threshold"].tolist()
    assert kept[DECIDED_KEY].tolist() == [[1.0], [0.0], [1.0]]  # a probability that is the threshold is enough
    assert DECIDED_KEY not in keep_label_and_prediction(batch([0, 1, 1], outputs), BINARY, "probabilities")
    with pytest.raises(EvaluationError, match="no output 'threshold'"):
        keep_label_and_prediction(
            batch([0], {"probabilities": np.float32([[0.3]])}), BINARY, "probabilities", by_row=True
        )
