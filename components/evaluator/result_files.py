"""The files of an evaluation: those that TFMA writes, for its functions and viewers, and one with what it has not."""

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.metrics import multi_class_confusion_matrix_metrics as matrices
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as tfma_writer
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from tfx_automl.components.evaluator.config import written_config
from tfx_automl.components.evaluator.details import write_details
from tfx_automl.components.evaluator.intervals import Interval, spread_samples
from tfx_automl.components.evaluator.measured import Measured, Model
from tfx_automl.components.evaluator.own.completed import joined, without_thresholds
from tfx_automl.components.evaluator.own.results import OwnResults, distinct
from tfx_automl.components.evaluator.own.together import plot_messages, with_own, write_own
from tfx_automl.components.evaluator.plan import EvaluationPlan, Sources
from tfx_automl.components.evaluator.slices import CONFUSION_MATRIX, EXAMPLE_COUNT
from tfx_automl.models.class_rates import rate_and_class

CANDIDATE, BASELINE = tfma.CANDIDATE_KEY, tfma.BASELINE_KEY


def write_results(
    folder: str, plan: EvaluationPlan, slices: Sequence[Measured], sources: Sources, own: OwnResults | None = None
) -> None:
    """Writes an evaluation.

    Args:
        folder: Where to, local or remote.
        plan: What was measured.
        slices: All of them.
        sources: Where the rows and the models came from, to be shown.
        own: What was measured for the user's own configuration.
    """
    fileio.makedirs(folder)
    config = written_config(plan, compared=sources.other is not None)
    if own is not None:
        config, slices = joined(config, own.config), distinct(slices)
        write_own(folder, own)
    slices = [_spread(part) for part in slices]
    _write_records(folder, "metrics", starmap(_metrics_message, with_own(slices, own)))
    histograms = {part.key: part.histogram for part in slices if part.histogram is not None}
    _write_records(folder, "plots", plot_messages(histograms, own))
    _write_records(folder, "attributions", ())
    with tf.io.TFRecordWriter(os.path.join(folder, "validations.tfrecord")) as writer:
        writer.write(validate(config, slices, own).SerializeToString())
    locations = {"": sources.model} if sources.other is None else {CANDIDATE: sources.model, BASELINE: sources.other}
    run = config_pb2.EvalRun(
        eval_config=config,
        version=tfma.VERSION_STRING,
        data_location=",".join(sources.patterns),
        file_format="tfrecords",
        model_locations=locations,
    )
    io_utils.write_string_file(os.path.join(folder, "eval_config.json"), json_format.MessageToJson(run))
    write_details(folder, slices)


def _spread(part: Measured) -> Measured:
    """Returns a slice whose replicates do not say that a rate of 0 or 1 is known exactly."""
    return part.with_models(lambda model: Model(model.metrics, spread_samples(model.samples, model.metrics, part.rows)))


def _write_records(folder: str, name: str, messages: Iterable[Any]) -> None:
    with tf.io.TFRecordWriter(os.path.join(folder, f"{name}-00000-of-00001.tfrecord")) as writer:
        for message in messages:
            writer.write(message.SerializeToString())


def _metrics_message(key: Any, part: Measured | None, own: Mapping[Any, Any]) -> Any:
    ours = {} if part is None else _values(part)
    numbers = {} if part is None else _numbers(part)
    bounded = {key: _bounded(value, interval) for key, (value, interval) in numbers.items() if interval}
    return tfma_writer.convert_slice_metrics_to_proto((key, {**ours, **bounded, **own}), None)


def _values(part: Measured) -> dict[Any, Any]:
    """Returns all metrics of a slice by TFMA's keys."""
    name = "" if part.other is None else CANDIDATE
    values: dict[Any, Any] = {key: value for key, (value, _) in _numbers(part).items()}
    values[_key(EXAMPLE_COUNT, name)] = float(part.rows)
    if part.confusion:
        entries = {matrices.MatrixEntryKey(*pair): count for pair, count in sorted(part.confusion.items())}
        values[_key(CONFUSION_MATRIX, name)] = matrices.Matrices({0.0: entries})
    return values


def _numbers(part: Measured) -> dict[Any, tuple[float, Interval | None]]:
    """Returns values and intervals of the model, of another one, and of how they differ."""
    model, other = part.model, part.other
    if other is None:
        return {_key(name, ""): (value, model.interval(name)) for name, value in model.metrics.items()}
    found = {}
    for name, value in model.metrics.items():
        found[_key(name, CANDIDATE)] = value, model.interval(name)
        found[_key(name, BASELINE)] = other.metrics[name], other.interval(name)
        found[_key(name, CANDIDATE).make_diff_key()] = model.minus(other, name)
    return found


def _key(name: str, model: str) -> Any:
    plain, number = rate_and_class(name)
    sub_key = None if number is None else metric_types.SubKey(class_id=number)
    return metric_types.MetricKey(name=plain, model_name=model, sub_key=sub_key, example_weighted=False)


def _bounded(value: float, interval: Interval) -> Any:
    bounds = {"value": value, "lower_bound": interval.lower, "upper_bound": interval.upper}
    return metrics_for_slice_pb2.BoundedValue(
        methodology=metrics_for_slice_pb2.BoundedValue.POISSON_BOOTSTRAP,
        **{name: {"value": number} for name, number in bounds.items()},
    )


def validate(config: Any, slices: Sequence[Measured], own: OwnResults | None = None) -> Any:
    """Returns TFMA's validation of the thresholds in a configuration."""
    combiner = tfma_writer.CombineValidations(config)
    found = validation_result_pb2.ValidationResult(validation_ok=True)
    for key, part, extra in with_own(slices, own):
        # Thresholds by the name of a metric do not say whether rows have weights.
        ours = {} if part is None else {k._replace(example_weighted=None): v for k, v in _values(part).items()}
        bounds = config if own is None else own.bounds_at(key, config)
        if own is not None and not extra:  # too few rows for the user's metrics, so that they are not judged
            bounds = without_thresholds(config)
        found = combiner.add_input(found, metrics_validator.validate_metrics((key, {**ours, **extra}), bounds))
    return combiner.extract_output(found)
