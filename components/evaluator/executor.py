"""The Evaluator's executor: unpacks artifacts and calls plain functions."""

import json
from collections.abc import Sequence
from typing import Any

from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from tfx_automl import console
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.plan import Sources
from tfx_automl.components.model_card import read_threshold
from tfx_automl.errors import EvaluationError
from tfx_automl.models.metrics import DECISION_THRESHOLD

_Artifacts = dict[str, list[Any]]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Evaluates with TFMA, computes gaps, judges, and writes evaluation, report and blessing."""

    def Do(self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the evaluation.

        Args:
            input_dict: `examples`, `model` and, optionally, `baseline` and `baseline_model`.
            output_dict: `evaluation`, `blessing` and `fairness_report`.
            exec_properties: See `EvaluatorOptions.to_properties`.

        Raises:
            EvaluationError: There is nothing to evaluate, a sensitive feature or a model output does not exist, labels
                or predictions are unusable, rows were lost, or the baseline was measured on another split.
        """
        # Imported here so that building a pipeline, which imports this class, does not load TFMA.
        from tfx_automl.components.evaluator import engine
        from tfx_automl.components.evaluator import examples as inputs
        from tfx_automl.components.evaluator.outcome import decide, write_blessing, write_reports

        self._log_startup(input_dict, output_dict, exec_properties)
        options = EvaluatorOptions.from_properties(exec_properties)
        model = artifact_utils.get_single_instance(input_dict["model"])
        output = artifact_utils.get_single_uri(output_dict["evaluation"])
        baseline = _read_baseline(input_dict.get("baseline"), options.example_splits)
        patterns = inputs.split_patterns(input_dict["examples"], options.example_splits)
        summary = inputs.summarise_examples(patterns, {name for group in options.sensitive for name in group})
        inputs.check_examples(summary, options.sensitive)
        other = _other(input_dict.get("baseline_model"), model)
        threshold = read_threshold(model.uri)
        plan = options.plan(threshold, DECISION_THRESHOLD if other is None else read_threshold(other.uri))
        sources = Sources(tuple(patterns), _saved_model(model), None if other is None else _saved_model(other))
        name = engine.choose(options.engine, summary.rows, self._beam_pipeline_args or ())
        compared = "" if other is None else ", compared with the last blessed model"
        console.line(f"  {summary.rows} rows, {1 + len(options.sensitive)} slicing specifications{compared} ({name})")
        if name == "columnar":
            engine.evaluate_columns(plan, sources, output)
        else:
            with self._make_beam_pipeline() as pipeline:
                engine.build_evaluation(pipeline, plan, input_dict["examples"], sources, output)
        evaluation = engine.load_evaluation(output, plan, summary.rows)
        outcome = decide(options, evaluation, baseline, threshold, None if other is None else other.uri)
        write_reports(outcome, artifact_utils.get_single_uri(output_dict["fairness_report"]))
        write_blessing(outcome.verdict, model, artifact_utils.get_single_instance(output_dict["blessing"]))
        console.line(f"  {'blessed' if outcome.verdict.blessed else 'NOT blessed'}: {outcome.verdict.reasons[0]}")


def _other(artifacts: list[Any] | None, model: Any) -> Any:
    """Returns the model to compare with; None if there is none, or it is the same one."""
    if not artifacts:
        return None
    (found,) = artifacts
    return None if found.uri == model.uri else found


def _saved_model(artifact: Any) -> str:
    path: str = path_utils.serving_model_path(artifact.uri, path_utils.is_old_model_artifact(artifact))
    return path


def _read_baseline(artifacts: list[Any] | None, splits: Sequence[str]) -> dict[str, Any] | None:
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
