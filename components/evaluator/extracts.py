"""TFMA extractors of our own: what TFMA needs of a batch of rows, and nothing more.

Stock extractors would turn every raw and transformed feature of every row into Python objects. They also leave rows
without a sensitive value out of every slice, and pass on labels and probabilities that TFMA's cross entropies turn into
wrong numbers (class indices) or NaN (a probability of exactly 0 or 1).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tensorflow_model_analysis import constants, extractors

from tfx_automl.components.evaluator.cells import cells_of
from tfx_automl.components.evaluator.ranking import SCORES_KEY
from tfx_automl.components.sensitive import MISSING, feature_values
from tfx_automl.errors import EvaluationError
from tfx_automl.models.task import TaskSpec

_EPSILON = 1e-7  # as Keras clips probabilities before it takes their logarithm

_Extracts = dict[str, Any]
_Array = np.ndarray[Any, Any]


def make_extractors(eval_config: Any, eval_shared_model: Any, task: TaskSpec, sensitive: Sequence[str]) -> list[Any]:
    """Returns the extractors for `tfma.ExtractEvaluateAndWriteResults`, from Arrow batches to sliced cells of rows.

    Args:
        eval_config: The configuration with model and slicing specifications.
        eval_shared_model: The model.
        task: What the model predicts.
        sensitive: Names of all raw features to slice on.
    """
    spec = eval_config.model_specs[0]
    model = {"eval_config": eval_config, "eval_shared_model": eval_shared_model}
    return [
        _extractor("ExtractSensitive", read_batch, tuple(sensitive)),
        extractors.TransformedFeaturesExtractor(**model),
        extractors.PredictionsExtractor(**model),
        _extractor("ExtractLabelAndPrediction", keep_label_and_prediction, task, spec.prediction_key),
        extractors.Extractor(stage_name="DivideIntoCells", ptransform=beam.FlatMap(cells_of)),
        extractors.SliceKeyExtractor(eval_config=eval_config, materialize=False),
    ]


def _extractor(stage: str, function: Any, *arguments: Any) -> Any:
    return extractors.Extractor(stage_name=stage, ptransform=beam.Map(function, *arguments))


def read_batch(batch: _Extracts, sensitive: Sequence[str]) -> _Extracts:
    """Reads serialized examples and sensitive features from an Arrow batch.

    Args:
        batch: Extracts with a record batch that has a column of serialized examples.
        sensitive: Names of raw features.

    Returns:
        Extracts with the inputs, [n] bytes, and the features, [n, 1] objects: text, int or float, and `MISSING` where
        a row has no value.
    """
    records = batch[constants.ARROW_RECORD_BATCH_KEY]
    serialized = records.column(records.schema.get_field_index(constants.ARROW_INPUT_COLUMN)).flatten()
    return {
        constants.INPUT_KEY: np.asarray(serialized),
        constants.FEATURES_KEY: {name: sensitive_values(records, name) for name in sensitive},
    }


def sensitive_values(records: pa.RecordBatch, name: str) -> _Array:
    """Returns the values of one feature, [n, 1] objects, with `MISSING` where there is none.

    Raises:
        EvaluationError: A row has several values, or bytes that are not UTF-8.
    """
    found = feature_values(records, name)
    values = np.full([records.num_rows, 1], MISSING, dtype=object)
    values[found.is_valid().to_numpy(zero_copy_only=False), 0] = np.array(found.drop_null().to_pylist(), dtype=object)
    return values


def keep_label_and_prediction(batch: _Extracts, task: TaskSpec, prediction_key: str) -> _Extracts:
    """Keeps the sensitive features, labels and predictions, checked and in the form that TFMA's metrics compute with.

    Args:
        batch: Extracts with sensitive features, transformed features and predictions.
        task: What the model predicts.
        prediction_key: The model's output to evaluate.

    Returns:
        Extracts with labels, [n] or for multiclass one-hot [n, k], and predictions, [n, 1] or [n, k], float64;
        probabilities are kept 1e-7 away from 0 and 1. For binary, also the probabilities as they are, [n, 1].

    Raises:
        EvaluationError: The model has no such output or returns no label, an output is not finite, or a row's label is
            not one of the task's classes.
    """
    scores = predictions = _predictions(batch[constants.PREDICTIONS_KEY], prediction_key)
    label = _label(batch[constants.TRANSFORMED_FEATURES_KEY], task)
    if task.kind != "regression":
        label = _checked_classes(label, task)
        predictions = np.clip(predictions, _EPSILON, 1 - _EPSILON)
    return {
        constants.FEATURES_KEY: batch[constants.FEATURES_KEY],
        constants.LABELS_KEY: np.eye(len(task.classes))[label]
        if task.kind == "multiclass"
        else label.astype(np.float64),
        constants.PREDICTIONS_KEY: predictions,
        **({SCORES_KEY: scores} if task.kind == "binary" else {}),
    }


def _predictions(outputs: Any, key: str) -> _Array:
    if isinstance(outputs, Mapping):
        if key not in outputs:
            raise EvaluationError(f"The model's serving_default has no output {key!r}; it has {', '.join(outputs)}.")
        outputs = outputs[key]  # TFMA hands over the array itself when the signature has one output
    values = np.asarray(outputs, dtype=np.float64)
    if not np.isfinite(values).all():
        rows = (~np.isfinite(values.reshape(len(values), -1))).any(axis=1).sum()
        raise EvaluationError(f"The model predicts NaN or infinity for {rows} of {len(values)} rows of a batch.")
    return values.reshape(len(values), -1)


def _label(transformed: Mapping[str, Any], task: TaskSpec) -> _Array:
    if task.transformed_label not in transformed:
        raise EvaluationError(
            f"The model's transform_features returns no label {task.transformed_label!r}; it returns "
            f"{', '.join(sorted(transformed))}. Export it with the label, and evaluate examples that have one."
        )
    return np.asarray(transformed[task.transformed_label]).reshape(-1)


def _checked_classes(label: _Array, task: TaskSpec) -> _Array:
    unknown = (label < 0) | (label >= len(task.classes))
    if unknown.any():
        raise EvaluationError(
            f"{unknown.sum()} of {len(label)} rows of a batch have a value of {task.label!r} that is none of the "
            f"classes {', '.join(task.classes)}. Leave these rows out, or train with their class."
        )
    return label.astype(np.int64)
