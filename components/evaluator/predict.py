"""One pass over the examples: labels, predictions and sensitive features of every row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tfx_bsl.coders import example_coder

from tfx_automl.components.evaluator.examples import read_batches
from tfx_automl.components.evaluator.outputs import (
    THRESHOLD,
    checked_label,
    checked_scores,
    checked_thresholds,
    output_name,
)
from tfx_automl.components.evaluator.plan import EvaluationPlan, Sources
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.components.sensitive import feature_values
from tfx_automl.errors import EvaluationError, one_line
from tfx_automl.models.task import TaskSpec

_TRIED = 100  # rows

_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Predicted:
    """What a model makes of a batch of rows.

    Attributes:
        label: See `Predictions`, as for the others.
        score: What it predicts.
        threshold: Of each row; None unless asked for.
    """

    label: _Array
    score: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float32] | None = None


def predict_examples(plan: EvaluationPlan, sources: Sources) -> Predictions:
    """Returns what a model, and perhaps another one, predict for all rows of some files.

    Args:
        plan: What the models predict, and which raw features to read.
        sources: The files and the models.

    Raises:
        EvaluationError: There are no rows; a model lacks a signature, an output or the label; a prediction, a label or
            a feature is unusable.
    """
    pairs = ((sources.model, plan.by_row), (sources.other, plan.other_by_row))
    models = [load_predictor(path, plan.task, by_row) for path, by_row in pairs if path is not None]
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    predicted: list[list[_Predicted]] = []
    columns = []
    for batch in read_batches(sources.patterns):
        predicted.append([model(batch) for model in models])
        records = decoder.DecodeBatch(batch.tolist()) if plan.features else None
        columns.append([feature_values(records, name, plan.cuts) for name in plan.features])
    if not predicted:
        raise EvaluationError("There are no rows to evaluate: the split is empty. Give it a larger share of the data.")
    by_name = dict(zip(plan.features, map(Column.of_batches, zip(*columns, strict=True)), strict=True))
    first, *others = (_joined(parts) for parts in zip(*predicted, strict=True))
    other = (others[0].score, first.threshold, others[0].threshold) if others else (None, first.threshold)
    return Predictions(first.label, first.score, by_name, *other)


def _joined(parts: Sequence[_Predicted]) -> _Predicted:
    thresholds = [part.threshold for part in parts if part.threshold is not None]
    return _Predicted(
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate(thresholds) if thresholds else None,
    )


def why_not(path: str, task: TaskSpec, patterns: Iterable[str]) -> str | None:
    """Returns why a model cannot predict the rows of some files, on one line; None if it can.

    Args:
        path: Folder of a SavedModel.
        task: What it is to predict.
        patterns: Of the files, the first rows of which are tried.
    """
    try:
        predict = load_predictor(path, task)
        for batch in read_batches(patterns):
            predict(batch[:_TRIED])
            break
    except (EvaluationError, tf.errors.OpError, OSError) as error:
        return one_line(error)
    return None


def load_predictor(path: str, task: TaskSpec, by_row: bool = False) -> Callable[[_Array], _Predicted]:
    """Returns a function from serialized examples, shape [rows], to their labels and predictions.

    Predictions have the shape that `Predictions` needs. Of both signatures only what these need is computed.

    Args:
        path: Folder of a SavedModel.
        task: What it predicts.
        by_row: Whether it tells a threshold for each row, too.

    Raises:
        EvaluationError: It cannot be loaded, or lacks a signature.
    """
    model = tf.saved_model.load(path)
    transform, serve = (_signature(model, name, path) for name in ("transform_features", "serving_default"))
    label, output = task.transformed_label, output_name(task)
    wanted = (output, THRESHOLD) if by_row else (output,)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def run(examples: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return _only(transform(examples), label), _only(serve(examples), *wanted)

    def predict(examples: _Array) -> _Predicted:
        transformed, outputs = run(examples)
        score = checked_scores(outputs, output)
        threshold = checked_thresholds(outputs) if by_row else None
        return _Predicted(
            checked_label(transformed, task), score if task.kind == "multiclass" else score[:, 0], threshold
        )

    predict.model = model  # type: ignore[attr-defined]  # which the signatures do not keep alive
    return predict


def _signature(model: Any, name: str, path: str) -> Callable[[Any], dict[str, Any]]:
    """Returns a signature as a function of serialized examples, whatever its argument is called."""
    if name not in model.signatures:
        known = ", ".join(model.signatures) or "none"
        raise EvaluationError(f"The model in {path} has no signature {name!r}; it has {known}. Export it with both.")
    function = model.signatures[name]
    (argument,) = function.structured_input_signature[1]
    return lambda examples: function(**{argument: examples})


def _only(outputs: dict[str, Any], *names: str) -> dict[str, Any]:
    """Returns some outputs; all of them, to be named, if one is not there."""
    return {name: outputs[name] for name in names} if set(names) <= outputs.keys() else outputs
