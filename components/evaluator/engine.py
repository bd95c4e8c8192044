"""Runs TFMA on Beam: from examples and a model to a stock-readable evaluation."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.util import tfxio_utils

from tfx_automl.components.evaluator.cells import per_cell
from tfx_automl.components.evaluator.config import make_eval_config
from tfx_automl.components.evaluator.extracts import make_extractors
from tfx_automl.components.evaluator.slices import Evaluation, read_evaluation
from tfx_automl.errors import EvaluationError
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.models.task import TaskSpec

# Rows; Beam would begin with batches of one row. More than 1,000, so that TensorFlow does not write out every row of a
# batch: TFMA calls the model in a way that raises an error with the inputs in its text, and then in another.
_BATCH = 2048


def build_evaluation(
    pipeline: beam.Pipeline,
    examples: Sequence[Any],
    patterns: Sequence[str],
    model_path: str,
    task: TaskSpec,
    sensitive: Sequence[Sequence[str]],
    output: str,
    threshold: float = DECISION_THRESHOLD,
) -> None:
    """Adds to a Beam pipeline what evaluates a model and writes TFMA's result files.

    Args:
        pipeline: The pipeline; nothing runs here.
        examples: The `Examples` artifacts, for their file format.
        patterns: The files to read.
        model_path: Folder of a SavedModel with `serving_default` and `transform_features`.
        task: What the model predicts.
        sensitive: Groups of raw features to slice on.
        output: Folder for the result, as `tfma.load_eval_result` reads it.
        threshold: Of a binary task: rows with at least this probability are predicted positive.
    """
    config = make_eval_config(task, sensitive, threshold)
    model = tfma.default_eval_shared_model(eval_saved_model_path=model_path, eval_config=config)
    factory = tfxio_utils.get_tfxio_factory_from_artifact(
        examples=list(examples),
        telemetry_descriptors=["tfx_automl", "Evaluator"],
        raw_record_column_name=tfma.ARROW_INPUT_COLUMN,
    )
    batches = [
        pipeline | f"Read[{index}]" >> factory(pattern).BeamSource(_BATCH) for index, pattern in enumerate(patterns)
    ]
    columns = sorted({name for group in sensitive for name in group})
    _ = (
        batches
        | "Flatten" >> beam.Flatten()
        | "Evaluate"
        >> tfma.ExtractEvaluateAndWriteResults(
            eval_shared_model=model,
            eval_config=config,
            extractors=make_extractors(config, model, task, columns),
            evaluators=tfma.default_evaluators(eval_shared_model=model, eval_config=_for_metrics(config)),
            output_path=output,
        )
    )


def _for_metrics(config: Any) -> Any:
    """Returns a copy for the metrics: they get cells of rows, with labels and predictions as plain arrays.

    So no key is looked up. With keys TFMA creates a Python class for every row and metric: a third of its time.
    """
    copy = config_pb2.EvalConfig()
    copy.CopyFrom(config)
    copy.model_specs[0].label_key = ""
    copy.model_specs[0].prediction_key = ""
    for spec in copy.metrics_specs:
        metrics = [per_cell(metric) for metric in spec.metrics]
        del spec.metrics[:]
        spec.metrics.extend(metrics)
    return copy


def load_evaluation(output: str, task: TaskSpec, sensitive: Sequence[Sequence[str]], rows: int) -> Evaluation:
    """Reads a written evaluation and checks that no row was lost.

    Raises:
        EvaluationError: The number of rows evaluated is not `rows`.
    """
    evaluation = read_evaluation(tfma.load_eval_result(output), task, sensitive)
    if evaluation.overall.count != rows:
        raise EvaluationError(
            f"{evaluation.overall.count} rows were evaluated, but the examples hold {rows}: Beam lost or repeated "
            "rows. Run again with --direct_running_mode=in_memory."
        )
    return evaluation
