"""The files of an evaluation: those that TFMA writes, for its functions and viewers, and the bootstrap's replicates."""

import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Any

import numpy as np
import numpy.typing as npt
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

from tfx_automl.components.evaluator.config import make_eval_config
from tfx_automl.components.evaluator.intervals import Interval, metric_interval, spread_samples
from tfx_automl.components.evaluator.measured import Measured, SliceKey
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.plots import plots_of
from tfx_automl.components.evaluator.slices import CONFUSION_MATRIX, EXAMPLE_COUNT, Details

DETAILS_FILE = "details.npz"


def write_results(
    folder: str, plan: EvaluationPlan, slices: Sequence[Measured], patterns: Sequence[str], model_path: str
) -> None:
    """Writes an evaluation.

    Args:
        folder: Where to, local or remote.
        plan: What was measured.
        slices: All of them.
        patterns: The files that the rows came from, to be shown.
        model_path: The model, to be shown.
    """
    fileio.makedirs(folder)
    config = make_eval_config(plan)
    spread = [spread_samples(part.samples, part.metrics, part.rows) for part in slices]
    _write_records(folder, "metrics", map(_metrics_message, slices, spread))
    histograms = ((part.key, part.histogram) for part in slices if part.histogram is not None)
    _write_records(folder, "plots", starmap(plots_of, histograms))
    _write_records(folder, "attributions", ())
    with tf.io.TFRecordWriter(os.path.join(folder, "validations.tfrecord")) as writer:
        writer.write(validate(config, slices).SerializeToString())
    run = config_pb2.EvalRun(
        eval_config=config,
        version=tfma.VERSION_STRING,
        data_location=",".join(patterns),
        file_format="tfrecords",
        model_locations={"": model_path},
    )
    io_utils.write_string_file(os.path.join(folder, "eval_config.json"), json_format.MessageToJson(run))
    _write_details(folder, slices, spread)


def _write_records(folder: str, name: str, messages: Iterable[Any]) -> None:
    with tf.io.TFRecordWriter(os.path.join(folder, f"{name}-00000-of-00001.tfrecord")) as writer:
        for message in messages:
            writer.write(message.SerializeToString())


def _metrics_message(part: Measured, samples: Mapping[str, npt.NDArray[np.float64]]) -> Any:
    values = _values(part)
    for name, value in part.metrics.items():
        interval = metric_interval(name, value if np.isfinite(value) else None, samples.get(name))
        if interval is not None:
            values[_key(name)] = _bounded(value, interval)
    return tfma_writer.convert_slice_metrics_to_proto((part.key, values), None)


def _values(part: Measured) -> dict[Any, Any]:
    """Returns all metrics of a slice by TFMA's keys."""
    numbers = {EXAMPLE_COUNT: float(part.rows), **part.metrics}
    values: dict[Any, Any] = {_key(name): value for name, value in numbers.items()}
    if part.confusion:
        entries = {matrices.MatrixEntryKey(*pair): count for pair, count in sorted(part.confusion.items())}
        values[_key(CONFUSION_MATRIX)] = matrices.Matrices({0.0: entries})
    return values


def _key(name: str) -> Any:
    return metric_types.MetricKey(name=name, example_weighted=False)


def _bounded(value: float, interval: Interval) -> Any:
    bounds = {"value": value, "lower_bound": interval.lower, "upper_bound": interval.upper}
    return metrics_for_slice_pb2.BoundedValue(
        methodology=metrics_for_slice_pb2.BoundedValue.POISSON_BOOTSTRAP,
        **{name: {"value": number} for name, number in bounds.items()},
    )


def validate(config: Any, slices: Sequence[Measured]) -> Any:
    """Returns TFMA's validation of the thresholds in a configuration."""
    combiner = tfma_writer.CombineValidations(config)
    found = validation_result_pb2.ValidationResult(validation_ok=True)
    for part in slices:
        found = combiner.add_input(found, metrics_validator.validate_metrics((part.key, _values(part)), config))
    return combiner.extract_output(found)


def _write_details(
    folder: str, slices: Sequence[Measured], samples: Sequence[Mapping[str, npt.NDArray[np.float64]]]
) -> None:
    names = sorted(samples[0])
    arrays: dict[str, npt.NDArray[Any]] = {
        "keys": np.array(json.dumps([part.key for part in slices])),
        "names": np.array(names),
        "samples": np.array([[of_slice[name] for name in names] for of_slice in samples], np.float32),
        "histograms": np.array([part.histogram for part in slices if part.histogram is not None]),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    with fileio.open(os.path.join(folder, DETAILS_FILE), "wb") as file:
        file.write(buffer.getvalue())


def read_details(folder: str) -> dict[SliceKey, Details]:
    """Returns what TFMA's files have no place for, by slice."""
    with fileio.open(os.path.join(folder, DETAILS_FILE), "rb") as file, np.load(io.BytesIO(file.read())) as stored:
        keys, names = json.loads(str(stored["keys"])), stored["names"].tolist()
        samples, histograms = stored["samples"].astype(np.float64), stored["histograms"]
    found = {}
    for number, key in enumerate(keys):
        of_slice = dict(zip(names, samples[number], strict=True))
        histogram = histograms[number] if len(histograms) else None
        found[tuple((name, value) for name, value in key)] = Details(of_slice, histogram)
    return found
