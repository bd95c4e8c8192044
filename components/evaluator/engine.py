"""The two engines: from examples and a model to the same files, by TFMA on Beam or vectorised in this process."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.util import tfxio_utils

from tfx_automl.components.evaluator.cells import DECIDED_ROWS_KEY, ROWS_KEY, per_cell
from tfx_automl.components.evaluator.columnar.engine import measure
from tfx_automl.components.evaluator.config import ROW_METRICS, make_eval_config
from tfx_automl.components.evaluator.details import read_details
from tfx_automl.components.evaluator.extracts import cell_extractors, make_extractors
from tfx_automl.components.evaluator.measured import Measured
from tfx_automl.components.evaluator.own.branch import Measurements, MeasureOwn
from tfx_automl.components.evaluator.own.checked import OwnConfig
from tfx_automl.components.evaluator.own.completed import complete, distinct_specs
from tfx_automl.components.evaluator.own.given import slices_of
from tfx_automl.components.evaluator.own.results import OwnResults
from tfx_automl.components.evaluator.plan import EvaluationPlan, Sources
from tfx_automl.components.evaluator.predict import predict_examples
from tfx_automl.components.evaluator.result_files import write_results
from tfx_automl.components.evaluator.row_metrics import NAME
from tfx_automl.components.evaluator.slices import (
    CONFUSION_MATRIX,
    DECISIONS,
    EXAMPLE_COUNT,
    Evaluation,
    read_evaluation,
)
from tfx_automl.errors import EvaluationError
from tfx_automl.machine import usable_memory

# Rows; Beam would begin with batches of one row. More than 1,000, so that TensorFlow does not write out every row of a
# batch: TFMA calls the model in a way that raises an error with the inputs in its text, and then in another.
_BATCH = 2048
_BYTES_PER_ROW = 400  # of the columnar engine, with its bootstrap


def choose(engine: str, rows: int, beam_arguments: Sequence[str]) -> str:
    """Returns `tfma` or `columnar`.

    Args:
        engine: What was asked for; `auto` takes `columnar` where the rows fit into half of the memory, and the runner
            is in this process.
        rows: How many there are.
        beam_arguments: Of the pipeline.
    """
    if engine != "auto":
        return engine
    runner = next((text.partition("=")[2] for text in beam_arguments if text.startswith("--runner=")), "")
    here = runner in ("", "DirectRunner", "FnApiRunner") or runner.endswith(".FnApiRunner")
    return "columnar" if here and rows * _BYTES_PER_ROW < usable_memory() / 2 else "tfma"


def evaluate_columns(plan: EvaluationPlan, sources: Sources, output: str) -> None:
    """Evaluates a model in this process: one pass over the examples, then everything from columns.

    Args:
        plan: What to measure.
        sources: Of what.
        output: Folder for the result, as `tfma.load_eval_result` reads it.
    """
    write_results(output, plan, measure(predict_examples(plan, sources), plan), sources)


def build_evaluation(
    pipeline: beam.Pipeline,
    plan: EvaluationPlan,
    examples: Sequence[Any],
    sources: Sources,
    output: str,
    own: OwnConfig | None = None,
) -> None:
    """Adds to a Beam pipeline what evaluates a model with TFMA.

    Args:
        pipeline: The pipeline; nothing runs here.
        plan: What to measure.
        examples: The `Examples` artifacts, for their file format.
        sources: Where they and the models are.
        output: Folder for the result, as `tfma.load_eval_result` reads it.
        own: What the user wants measured, too.
    """
    config = make_eval_config(plan)
    if own is not None:
        specs = distinct_specs([*config.slicing_specs, *(spec for _, spec in slices_of(own.given))])
        del config.slicing_specs[:]
        config.slicing_specs.extend(specs)
    models = [
        tfma.default_eval_shared_model(eval_saved_model_path=path, eval_config=config)
        for path in (sources.model, sources.other)
        if path is not None
    ]
    factory = tfxio_utils.get_tfxio_factory_from_artifact(
        examples=list(examples),
        telemetry_descriptors=["tfx_automl", "Evaluator"],
        raw_record_column_name=tfma.ARROW_INPUT_COLUMN,
    )
    batches = [
        pipeline | f"Read[{index}]" >> factory(pattern).BeamSource(_BATCH)
        for index, pattern in enumerate(sources.patterns)
    ]
    extracts = batches | "Flatten" >> beam.Flatten() | "AsExtracts" >> tfma.BatchedInputsToExtracts()
    rows = _extracted(extracts, make_extractors(config, models, plan, own))
    cells = _extracted(rows, cell_extractors(config, plan.features))
    (evaluator,) = tfma.default_evaluators(eval_shared_model=models[0], eval_config=_for_metrics(config, plan.by_row))
    evaluation = cells | "Evaluate" >> evaluator.ptransform
    results = _own_results(rows, plan, own, compared=sources.other is not None)
    _ = (
        evaluation[tfma.METRICS_KEY]
        | "List" >> beam.combiners.ToList()
        # All slices together.
        | "Write" >> beam.Map(lambda slices, own: write_results(output, plan, _measured(slices), sources, own), results)
    )


def _extracted(extracts: Any, extractors: Sequence[Any]) -> Any:
    for extractor in extractors:
        extracts = extracts | extractor.stage_name >> extractor.ptransform
    return extracts


def _own_results(batches: Any, plan: EvaluationPlan, own: OwnConfig | None, compared: bool) -> Any:
    """Returns the user's results as a side input, or as None if there are none."""
    if own is None:
        return None
    config = complete(own, make_eval_config(plan), compared)
    if config.metrics_specs:
        measured = batches | "Own" >> MeasureOwn(own, config)
    else:  # only more slices for the Evaluator's own metrics
        measured = batches.pipeline | "NoOwn" >> beam.Create([Measurements()])
    joined = measured | "JoinOwn" >> beam.Map(lambda found: OwnResults(config, own.given, found))
    return beam.pvalue.AsSingleton(joined)


def _measured(slices: Sequence[tuple[Any, Mapping[Any, Any]]]) -> list[Measured]:
    """Returns what TFMA measured, all rows first; its numbers are those that count."""
    found = []
    for key, values in sorted(slices, key=lambda pair: len(pair[0])):
        by_name = {metric.name: value for metric, value in values.items()}
        of_rows: Measured = by_name.pop(NAME)
        numbers = {name: float(v) for name, v in by_name.items() if isinstance(v, (int, float, np.number))}
        rows = round(numbers.pop(EXAMPLE_COUNT))
        confusion = _entries(by_name[CONFUSION_MATRIX]) if CONFUSION_MATRIX in by_name else {}
        metrics = {**of_rows.model.metrics, **numbers, **_derived(numbers, confusion)}
        model = replace(of_rows.model, metrics=metrics)
        found.append(replace(of_rows, key=key, rows=rows, model=model, confusion=confusion))
    return found


def _entries(matrices: Any) -> dict[tuple[int, int], float]:
    (matrix,) = matrices.values()
    return {(entry.actual_class_id, entry.predicted_class_id): float(count) for entry, count in matrix.items()}


def _derived(numbers: Mapping[str, float], confusion: Mapping[tuple[int, int], float]) -> dict[str, float]:
    """Returns the metrics that follow from TFMA's."""
    if "mse" in numbers:
        return {"rmse": math.sqrt(numbers["mse"])}
    if confusion:
        right = sum(count for (true, chosen), count in confusion.items() if true == chosen)
        return {"accuracy": right / sum(confusion.values())}
    return {}


def _for_metrics(config: Any, by_row: bool = False) -> Any:
    """Returns a copy for the metrics: they get cells of rows, with labels and predictions as plain arrays.

    So no key is looked up. With keys TFMA creates a Python class for every row and metric: a third of its time.

    Args:
        config: Of what is written.
        by_row: Whether metrics of decisions get these for predictions, because every row has its own threshold.
    """
    copy = config_pb2.EvalConfig()
    copy.CopyFrom(config)
    copy.model_specs[0].label_key = ""
    copy.model_specs[0].prediction_key = ""
    for spec in copy.metrics_specs:
        metrics = [_of_cells(metric, by_row) for metric in spec.metrics]
        del spec.metrics[:]
        spec.metrics.extend(metrics)
    return copy


def _of_cells(metric: Any, by_row: bool) -> Any:
    if metric.module == ROW_METRICS:
        return metric
    decided = by_row and json.loads(metric.config)["name"] in DECISIONS
    return per_cell(metric, DECIDED_ROWS_KEY if decided else ROWS_KEY)


def load_evaluation(output: str, plan: EvaluationPlan, rows: int) -> Evaluation:
    """Reads a written evaluation and checks that no row was lost.

    Raises:
        EvaluationError: The number of rows evaluated is not `rows`.
    """
    result = tfma.load_eval_result(output)
    if len(result.config.model_specs) > 1:
        result = tfma.load_eval_result(output, model_name=tfma.CANDIDATE_KEY)
    evaluation = read_evaluation(result, plan.task, plan.sensitive, read_details(output))
    if evaluation.overall.count != rows:
        raise EvaluationError(
            f"{evaluation.overall.count} rows were evaluated, but the examples hold {rows}: Beam lost or repeated "
            "rows. Run again with --direct_running_mode=in_memory."
        )
    return evaluation
