"""The user's metrics in the Beam pipeline: TFMA as it comes, on the labels and predictions that the Evaluator has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants, extractors
from tensorflow_model_analysis.evaluators import metrics_plots_and_validations_evaluator as tfma_evaluator

from tfx_automl.components.evaluator.cells import OTHER_SCORES_KEY, RAW_LABELS_KEY, SCORES_KEY
from tfx_automl.components.evaluator.own.checked import OwnConfig
from tfx_automl.components.evaluator.own.completed import without_thresholds
from tfx_automl.components.sensitive import feature_values
from tfx_automl.errors import EvaluationError

FEATURES_KEY, WEIGHTS_KEY = "features_of_own", "weights_of_own"

_Extracts = dict[str, Any]


@dataclass(frozen=True)
class Measurements:
    """What TFMA measured for the user's configuration: by slice or pair of slices, and then by TFMA's keys.

    Attributes:
        metrics: Their values.
        plots: Messages.
    """

    metrics: Sequence[tuple[Any, Mapping[Any, Any]]] = field(default_factory=list)
    plots: Sequence[tuple[Any, Mapping[Any, Any]]] = field(default_factory=list)


def read_own(batch: _Extracts, own: OwnConfig) -> _Extracts:
    """Returns the features that metrics read, each [n, 1], and the weights of rows, [n], float64, if they have some.

    Args:
        batch: Extracts with an Arrow record batch.
        own: What the user asks for.

    Raises:
        EvaluationError: A row has several values of one, no value where metrics need one, or a weight is no number.
    """
    records = batch[constants.ARROW_RECORD_BATCH_KEY]
    names = [name for name in own.others if name != own.weight]
    features = {name: _one_value(records, name) for name in names}
    weight = {} if own.weight is None else {WEIGHTS_KEY: _numbers(records, own.weight)}
    return {FEATURES_KEY: features, **weight}


def _one_value(records: pa.RecordBatch, name: str) -> Any:
    return _all_there(records, name).to_numpy(zero_copy_only=False).reshape(-1, 1)


def _numbers(records: pa.RecordBatch, name: str) -> Any:
    values = _all_there(records, name)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise EvaluationError(f"eval_config: example_weight_key names {name!r}, which holds no numbers.")
    found = values.to_numpy(zero_copy_only=False).astype(np.float64)
    if not (np.isfinite(found) & (found >= 0)).all():
        raise EvaluationError(f"eval_config: example_weight_key names {name!r}, with weights below 0 or infinite.")
    return found


def _all_there(records: pa.RecordBatch, name: str) -> pa.Array:
    values = feature_values(records, name)
    if values.null_count:
        raise EvaluationError(
            f"eval_config needs a value of {name!r} in every row; {values.null_count} of {len(values)} rows of a batch"
            " have none. Fill them in, or use another feature."
        )
    return values


def as_stock(batch: _Extracts, own: OwnConfig, names: Sequence[str]) -> _Extracts:
    """Returns the extracts of a batch as TFMA's own extractors would make them.

    Args:
        batch: With the Evaluator's labels, [n], and scores, [n] or [n, outputs].
        own: What the user asks for.
        names: Of the models; one empty name if there is one.
    """
    rows = len(batch[RAW_LABELS_KEY])
    scores = [batch[key].reshape(rows, -1) for key in (SCORES_KEY, OTHER_SCORES_KEY)[: len(names)]]

    def by_model(values: Sequence[Any]) -> Any:
        return values[0] if len(names) == 1 else dict(zip(names, values, strict=True))

    weights = [batch[WEIGHTS_KEY]] * len(names) if own.weight else None
    return {
        constants.FEATURES_KEY: {**batch[constants.FEATURES_KEY], **batch[FEATURES_KEY]},
        constants.LABELS_KEY: by_model([batch[RAW_LABELS_KEY].reshape(rows, 1)] * len(names)),
        constants.PREDICTIONS_KEY: by_model(scores),
        **({} if weights is None else {constants.EXAMPLE_WEIGHTS_KEY: by_model(weights)}),
    }


@beam.ptransform_fn
def MeasureOwn(batches: Any, own: OwnConfig, config: Any) -> Any:
    """Computes the user's metrics; returns one `Measurements`.

    Args:
        batches: Extracts of batches, with labels, scores and features.
        own: What the user asks for.
        config: The same, completed.
    """
    plain = without_thresholds(config)
    names = [spec.name for spec in config.model_specs]
    slicer = extractors.SliceKeyExtractor(eval_config=plain, materialize=False)
    evaluator = tfma_evaluator.MetricsPlotsAndValidationsEvaluator(eval_config=plain)
    found = (
        batches
        | "AsStock" >> beam.Map(as_stock, own, names)
        | "Unbatch" >> extractors.UnbatchExtractor().ptransform
        | "Slice" >> slicer.ptransform
        | "Measure" >> evaluator.ptransform
    )
    metrics, plots = (
        found[key] | f"List[{key}]" >> beam.combiners.ToList() for key in (tfma.METRICS_KEY, tfma.PLOTS_KEY)
    )
    return metrics | "Join" >> beam.Map(
        lambda slices, drawn: Measurements(slices, drawn), beam.pvalue.AsSingleton(plots)
    )
