"""What a model returns for a batch of rows, checked."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_automl.errors import EvaluationError
from tfx_automl.models.task import TaskSpec

THRESHOLD = "threshold"  # the output with the threshold of each row, of a model with thresholds by group

_Array = npt.NDArray[Any]


def output_name(task: TaskSpec) -> str:
    """Returns the output of `serving_default` that is evaluated."""
    return "predictions" if task.kind == "regression" else "probabilities"


def checked_scores(outputs: Any, key: str) -> npt.NDArray[np.float64]:
    """Returns predictions, shape [rows, outputs].

    Args:
        outputs: The outputs by name; or the array itself, as TFMA hands it over when a signature has one output.
        key: Name of the output to evaluate.

    Raises:
        EvaluationError: There is no such output, or a value is not finite.
    """
    if isinstance(outputs, Mapping):
        if key not in outputs:
            raise EvaluationError(f"The model's serving_default has no output {key!r}; it has {', '.join(outputs)}.")
        outputs = outputs[key]
    values = np.asarray(outputs, dtype=np.float64)
    values = values.reshape(len(values), -1)
    if not np.isfinite(values).all():
        rows = (~np.isfinite(values)).any(axis=1).sum()
        raise EvaluationError(f"The model predicts NaN or infinity for {rows} of {len(values)} rows of a batch.")
    return values


def checked_thresholds(outputs: Any) -> npt.NDArray[np.float32]:
    """Returns the threshold of each row, shape [rows].

    Args:
        outputs: Of the model, by name.

    Raises:
        EvaluationError: It does not tell them.
    """
    if not isinstance(outputs, Mapping) or THRESHOLD not in outputs:
        raise EvaluationError(
            f"The model card tells of thresholds by group, but the model's serving_default has no output {THRESHOLD!r}"
            " with those of the rows; export it with the Trainer that wrote the card."
        )
    return np.asarray(outputs[THRESHOLD], np.float32).reshape(-1)


def checked_label(transformed: Mapping[str, Any], task: TaskSpec) -> _Array:
    """Returns class indices (int64) or targets (float64), shape [rows].

    Args:
        transformed: What `transform_features` returns.
        task: What the model predicts.

    Raises:
        EvaluationError: The label is not there, or of a row is none of the task's classes.
    """
    if task.transformed_label not in transformed:
        raise EvaluationError(
            f"The model's transform_features returns no label {task.transformed_label!r}; it returns "
            f"{', '.join(sorted(transformed))}. Export it with the label, and evaluate examples that have one."
        )
    label = np.asarray(transformed[task.transformed_label]).reshape(-1)
    if task.kind == "regression":
        return label.astype(np.float64)
    unknown = (label < 0) | (label >= len(task.classes))
    if unknown.any():
        raise EvaluationError(
            f"{unknown.sum()} of {len(label)} rows of a batch have a value of {task.label!r} that is none of the "
            f"classes {', '.join(task.classes)}. Leave these rows out, or train with their class."
        )
    return label.astype(np.int64)
