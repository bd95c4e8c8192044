"""TFMA extractors of our own: what TFMA needs of a batch of rows, and nothing more.

Stock extractors would turn every raw and transformed feature of every row into Python objects. They also leave rows
without a sensitive value out of every slice, and pass on labels and probabilities that TFMA's cross entropies turn into
wrong numbers (class indices) or NaN (a probability of exactly 0 or 1).
"""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tensorflow_model_analysis import constants, extractors

from tfx_automl.components.evaluator.cells import (
    DECIDED_KEY,
    OTHER_SCORES_KEY,
    OTHER_THRESHOLDS_KEY,
    RAW_LABELS_KEY,
    SCORES_KEY,
    THRESHOLDS_KEY,
    cells_of,
)
from tfx_automl.components.evaluator.columnar.sums import EPSILON
from tfx_automl.components.evaluator.outputs import checked_label, checked_scores, checked_thresholds
from tfx_automl.components.evaluator.own.branch import FEATURES_KEY, WEIGHTS_KEY, read_own
from tfx_automl.components.evaluator.own.checked import OwnConfig
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.sensitive import MISSING, feature_values
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.task import TaskSpec

_Extracts = dict[str, Any]
_Array = np.ndarray[Any, Any]


def make_extractors(
    eval_config: Any, models: Sequence[Any], plan: EvaluationPlan, own: OwnConfig | None = None
) -> list[Any]:
    """Returns the extractors from Arrow batches to features, labels and predictions of batches.

    Args:
        eval_config: The configuration with model specifications.
        models: The model, and perhaps another one that it is compared with.
        plan: What is measured.
        own: The user's configuration, whose metrics may read more features.
    """
    key = eval_config.model_specs[0].prediction_key
    model, *others = ({"eval_config": eval_config, "eval_shared_model": each} for each in models)
    sensitive = plan.features if own is None else tuple(sorted({*plan.features, *own.sliced}))
    return [
        _extractor("ExtractSensitive", read_batch, sensitive, dict(plan.cuts), own),
        *(_renamed(extractors.PredictionsExtractor(**other), "PredictOther") for other in others),
        _extractor("KeepOther", keep_other, key, plan.other_by_row),
        extractors.TransformedFeaturesExtractor(**model),
        extractors.PredictionsExtractor(**model),
        _extractor("ExtractLabelAndPrediction", keep_label_and_prediction, plan.task, key, plan.by_row),
    ]


def cell_extractors(eval_config: Any, sensitive: Sequence[str]) -> list[Any]:
    """Returns the extractors from these batches to sliced cells of rows.

    Args:
        eval_config: The configuration with slicing specifications.
        sensitive: Names of the features that the draws of the bootstrap depend on.
    """
    return [
        extractors.Extractor(stage_name="DivideIntoCells", ptransform=beam.FlatMap(cells_of, tuple(sensitive))),
        extractors.SliceKeyExtractor(eval_config=eval_config, materialize=False),
    ]


def _extractor(stage: str, function: Any, *arguments: Any) -> Any:
    return extractors.Extractor(stage_name=stage, ptransform=beam.Map(function, *arguments))


def _renamed(extractor: Any, stage: str) -> Any:
    return extractors.Extractor(stage_name=stage, ptransform=extractor.ptransform)


def keep_other(batch: _Extracts, prediction_key: str, by_row: bool = False) -> _Extracts:
    """Puts the predictions of the other model, [n, outputs], where the model's own do not replace them.

    Args:
        batch: Extracts with predictions, if there is another model.
        prediction_key: The model's output to evaluate.
        by_row: Whether the model tells a threshold for each row, too, which is then kept, [n, 1].

    Raises:
        EvaluationError: The model has no such output, or one is not finite.
    """
    kept = {key: value for key, value in batch.items() if key != constants.PREDICTIONS_KEY}
    predictions = batch.get(constants.PREDICTIONS_KEY)
    rows = len(batch[constants.INPUT_KEY])
    scores = np.zeros((rows, 0)) if predictions is None else checked_scores(predictions, prediction_key)
    return {**kept, OTHER_SCORES_KEY: scores, OTHER_THRESHOLDS_KEY: _thresholds(predictions, rows, by_row)}


def _thresholds(outputs: Any, rows: int, by_row: bool) -> _Array:
    """Returns the threshold of each row, [n, 1], or none, [n, 0]."""
    return checked_thresholds(outputs)[:, np.newaxis] if by_row else np.zeros((rows, 0), np.float32)


def read_batch(
    batch: _Extracts, sensitive: Sequence[str], cuts: Cuts | None = None, own: OwnConfig | None = None
) -> _Extracts:
    """Reads serialized examples and sensitive features from an Arrow batch.

    Args:
        batch: Extracts with a record batch that has a column of serialized examples.
        sensitive: Names of raw features.
        cuts: Where continuous features are cut into groups.
        own: The user's configuration, whose metrics may read more features.

    Returns:
        Extracts with the inputs, [n] bytes, and the features, [n, 1] objects: text, int or float, and `MISSING` where
        a row has no value; and those of `read_own`.
    """
    records = batch[constants.ARROW_RECORD_BATCH_KEY]
    serialized = records.column(records.schema.get_field_index(constants.ARROW_INPUT_COLUMN)).flatten()
    return {
        constants.INPUT_KEY: np.asarray(serialized),
        constants.FEATURES_KEY: {name: sensitive_values(records, name, cuts) for name in sensitive},
        **({} if own is None else read_own(batch, own)),
    }


def sensitive_values(records: pa.RecordBatch, name: str, cuts: Cuts | None = None) -> _Array:
    """Returns the values of one feature, [n, 1] objects, with `MISSING` where there is none.

    Raises:
        EvaluationError: As `feature_values`.
    """
    found = feature_values(records, name, cuts)
    values = np.full([records.num_rows, 1], MISSING, dtype=object)
    values[found.is_valid().to_numpy(zero_copy_only=False), 0] = np.array(found.drop_null().to_pylist(), dtype=object)
    return values


def keep_label_and_prediction(batch: _Extracts, task: TaskSpec, prediction_key: str, by_row: bool = False) -> _Extracts:
    """Keeps the sensitive features, labels and predictions, checked and in the form that TFMA's metrics compute with.

    Args:
        batch: Extracts with sensitive features, transformed features and predictions.
        task: What the model predicts.
        prediction_key: The model's output to evaluate.
        by_row: Whether the model tells a threshold for each row, too.

    Returns:
        Extracts with labels, [n] or for multiclass one-hot [n, k], and predictions, [n, 1] or [n, k], float64;
        probabilities are kept 1e-7 away from 0 and 1. For binary, also the probabilities as they are, [n, 1]; and where
        rows have thresholds of their own, these and the decisions, 1 or 0, [n, 1].

    Raises:
        EvaluationError: The model has no such output or returns no label, an output is not finite, or a row's label is
            not one of the task's classes.
    """
    outputs = batch[constants.PREDICTIONS_KEY]
    scores = predictions = checked_scores(outputs, prediction_key)
    thresholds = _thresholds(outputs, len(scores), by_row)
    label = checked_label(batch[constants.TRANSFORMED_FEATURES_KEY], task)
    if task.kind != "regression":
        predictions = np.clip(predictions, EPSILON, 1 - EPSILON)
    return {
        constants.FEATURES_KEY: batch[constants.FEATURES_KEY],
        constants.LABELS_KEY: np.eye(len(task.classes))[label]
        if task.kind == "multiclass"
        else label.astype(np.float64),
        constants.PREDICTIONS_KEY: predictions,
        RAW_LABELS_KEY: label,
        SCORES_KEY: scores,
        OTHER_SCORES_KEY: batch[OTHER_SCORES_KEY],
        **{key: batch[key] for key in (FEATURES_KEY, WEIGHTS_KEY) if key in batch},
        THRESHOLDS_KEY: thresholds,
        OTHER_THRESHOLDS_KEY: batch[OTHER_THRESHOLDS_KEY],
        **({DECIDED_KEY: (scores >= thresholds).astype(np.float64)} if by_row else {}),
    }
