"""The Evaluator's executor: unpacks artifacts and calls plain functions."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from tfx_automl import console
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.others import other_model, read_baseline, saved_model
from tfx_automl.components.evaluator.own.outcome import read_outcome
from tfx_automl.components.evaluator.plan import EvaluationPlan, Sources
from tfx_automl.components.evaluator.schema import check_features, read_features
from tfx_automl.components.model_card import read_card, read_group_thresholds, read_threshold

if TYPE_CHECKING:
    from tfx_automl.components.evaluator.own.checked import OwnConfig
    from tfx_automl.components.evaluator.slices import Evaluation

_Artifacts = dict[str, list[Any]]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Evaluates with TFMA, computes gaps, judges, and writes evaluation, report and blessing."""

    def Do(self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the evaluation.

        Args:
            input_dict: `examples`, `model` and, optionally, `baseline`, `baseline_model` and `schema`.
            output_dict: `evaluation`, `blessing` and `fairness_report`.
            exec_properties: See `EvaluatorOptions.to_properties`.

        Raises:
            ConfigError: A feature to slice on is not in the schema, or has several values there.
            EvaluationError: There is nothing to evaluate, a sensitive feature or a model output does not exist, labels
                or predictions are unusable, rows were lost, or the baseline was measured on another split.
        """
        # Imported here so that building a pipeline, which imports this class, does not load TFMA.
        from tfx_automl.components.evaluator import examples as inputs
        from tfx_automl.components.evaluator.outcome import decide, write_blessing, write_reports

        self._log_startup(input_dict, output_dict, exec_properties)
        options = EvaluatorOptions.from_properties(exec_properties)
        own = check_features(read_features(input_dict.get("schema")), options)
        model = artifact_utils.get_single_instance(input_dict["model"])
        baseline = read_baseline(input_dict.get("baseline"), options.example_splits)
        patterns = inputs.split_patterns(input_dict["examples"], options.example_splits)
        needed = set() if own is None else {*own.sliced, *own.others}
        summary = inputs.summarise_examples(patterns, needed.union(*options.sensitive))
        inputs.check_examples(summary, options.sensitive, needed)
        other = other_model(input_dict.get("baseline_model"), model, options.task, patterns)
        threshold, by_group = read_threshold(model.uri), read_group_thresholds(model.uri)
        plan = options.plan(threshold, **_of_other(other), by_row=by_group is not None)
        sources = Sources(tuple(patterns), saved_model(model), None if other is None else saved_model(other))
        output = artifact_utils.get_single_uri(output_dict["evaluation"])
        evaluation = self._evaluate(options.engine, summary.rows, plan, input_dict["examples"], sources, output, own)
        compared = None if other is None else other.uri
        outcome = decide(options, evaluation, baseline, threshold, compared, read_outcome(output), by_group)
        outcome = replace(outcome, reweighing=read_card(model.uri).get("reweighing"))
        write_reports(outcome, artifact_utils.get_single_uri(output_dict["fairness_report"]))
        write_blessing(outcome.verdict, model, artifact_utils.get_single_instance(output_dict["blessing"]))
        console.line(f"  {'blessed' if outcome.verdict.blessed else 'NOT blessed'}: {outcome.verdict.reasons[0]}")

    def _evaluate(
        self,
        wanted: str,
        rows: int,
        plan: EvaluationPlan,
        examples: list[Any],
        sources: Sources,
        output: str,
        own: "OwnConfig | None",
    ) -> "Evaluation":
        from tfx_automl.components.evaluator import engine

        name = "tfma" if own else engine.choose(wanted, rows, self._beam_pipeline_args or ())
        compared = "" if sources.other is None else ", compared with the last blessed model"
        console.line(f"  {rows} rows, {1 + len(plan.sensitive)} slicing specifications{compared} ({name})")
        if name == "columnar":
            engine.evaluate_columns(plan, sources, output)
        else:
            with self._make_beam_pipeline() as pipeline:
                engine.build_evaluation(pipeline, plan, examples, sources, output, own)
        return engine.load_evaluation(output, plan, rows)


def _of_other(model: Any | None) -> dict[str, Any]:
    """Returns what the plan says of the thresholds of the model that this one is compared with."""
    if model is None:
        return {}
    return {
        "other_threshold": read_threshold(model.uri),
        "other_by_row": read_group_thresholds(model.uri) is not None,
    }
