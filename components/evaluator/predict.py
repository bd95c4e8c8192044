"""One pass over the examples: labels, predictions and sensitive features of every row."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tfx_bsl.coders import example_coder

from tfx_automl.components.evaluator.examples import read_batches
from tfx_automl.components.evaluator.outputs import checked_label, checked_scores, output_name
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.components.sensitive import feature_values
from tfx_automl.errors import EvaluationError, one_line
from tfx_automl.models.cuts import Cuts
from tfx_automl.models.task import TaskSpec

_TRIED = 100  # rows

_Array = npt.NDArray[Any]


def predict_examples(
    patterns: Iterable[str],
    model_path: str,
    task: TaskSpec,
    features: Sequence[str],
    other: str | None = None,
    cuts: Cuts | None = None,
) -> Predictions:
    """Returns what a model predicts for all rows of some files.

    Args:
        patterns: Patterns of (gzip) TFRecord files with serialized `tf.Example`s.
        model_path: Folder of a SavedModel whose signatures `serving_default` and `transform_features` take these.
        task: What the model predicts.
        features: Names of raw features to read.
        other: Folder of another such model, which predicts the same.
        cuts: Where continuous features are cut into groups.

    Raises:
        EvaluationError: There are no rows; a model lacks a signature, an output or the label; a prediction, a label or
            a feature is unusable.
    """
    models = [load_predictor(path, task) for path in (model_path, other) if path is not None]
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    labels, scores, columns = [], [], []
    for batch in read_batches(patterns):
        label, score = models[0](batch)
        labels.append(label)
        scores.append([score, *(model(batch)[1] for model in models[1:])])
        records = decoder.DecodeBatch(batch.tolist()) if features else None
        columns.append([feature_values(records, name, cuts) for name in features])
    if not labels:
        raise EvaluationError("There are no rows to evaluate: the split is empty. Give it a larger share of the data.")
    first, *others = (np.concatenate(parts) for parts in zip(*scores, strict=True))
    by_name = dict(zip(features, map(Column.of_batches, zip(*columns, strict=True)), strict=True))
    return Predictions(np.concatenate(labels), first, by_name, others[0] if others else None)


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


def load_predictor(path: str, task: TaskSpec) -> Callable[[_Array], tuple[_Array, npt.NDArray[np.float64]]]:
    """Returns a function from serialized examples, shape [rows], to their labels and predictions.

    Predictions have the shape that `Predictions` needs. Of both signatures only what these need is computed.

    Args:
        path: Folder of a SavedModel.
        task: What it predicts.

    Raises:
        EvaluationError: It cannot be loaded, or lacks a signature.
    """
    model = tf.saved_model.load(path)
    transform, serve = (_signature(model, name, path) for name in ("transform_features", "serving_default"))
    label, output = task.transformed_label, output_name(task)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def run(examples: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return _only(transform(examples), label), _only(serve(examples), output)

    def predict(examples: _Array) -> tuple[_Array, npt.NDArray[np.float64]]:
        transformed, outputs = run(examples)
        score = checked_scores(outputs, output)
        return checked_label(transformed, task), score if task.kind == "multiclass" else score[:, 0]

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


def _only(outputs: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns one output; all of them, to be named, if it is not there."""
    return {name: outputs[name]} if name in outputs else outputs
