"""What a model is compared with: an earlier model, and trivial predictors."""

import json
from collections.abc import Sequence
from typing import Any

from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from tfx_automl import console
from tfx_automl.components.model_card import read_card
from tfx_automl.errors import EvaluationError
from tfx_automl.models.task import TaskSpec


def other_model(artifacts: list[Any] | None, model: Any, task: TaskSpec, patterns: list[str]) -> Any:
    """Returns the model to compare with; None if there is none, or it is the same one, or cannot predict these rows.

    Args:
        artifacts: At most one `Model`, such as the last blessed one.
        model: The one that is evaluated.
        task: What it predicts.
        patterns: The files with the rows.
    """
    from tfx_automl.components.evaluator.predict import why_not

    if not artifacts or artifacts[0].uri == model.uri:
        return None
    (found,) = artifacts
    before = read_card(found.uri).get("task")
    problem = "it predicts something else" if before and TaskSpec(**before) != task else None
    problem = problem or why_not(saved_model(found), task, patterns)
    if problem:
        console.line(f"  not compared with the last blessed model: {problem}")
    return None if problem else found


def saved_model(artifact: Any) -> str:
    """Returns the folder of the SavedModel of a `Model` artifact."""
    path: str = path_utils.serving_model_path(artifact.uri, path_utils.is_old_model_artifact(artifact))
    return path


def read_baseline(artifacts: list[Any] | None, splits: Sequence[str]) -> dict[str, Any] | None:
    """Returns the metrics of trivial and linear predictors by name; None without such an artifact.

    Raises:
        EvaluationError: They were measured on other splits.
    """
    if not artifacts:
        return None
    uri = artifact_utils.get_single_uri(artifacts)
    with fileio.open(io_utils.get_only_uri_in_dir(uri), "r") as file:
        values: dict[str, Any] = json.load(file)
    measured = values.get("split")
    if measured is not None and tuple(splits) != (measured,):
        other = f", or Baseline split={splits[0]!r}" if len(splits) == 1 else ""
        raise EvaluationError(
            f"The baseline was measured on the split {measured}, but the model is evaluated on {', '.join(splits)}: "
            f"such metrics cannot be compared. Give Evaluator example_splits=({measured!r},){other}."
        )
    return {name: metrics for name, metrics in values.items() if isinstance(metrics, dict)}
