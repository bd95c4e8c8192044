"""The outcome of an evaluation: gaps, verdict, and what is written about them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from tfx_automl.components.evaluator.comparison import comparison_of, pair
from tfx_automl.components.evaluator.gaps import Gap, compute_gaps
from tfx_automl.components.evaluator.gate import Verdict, judge
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.own.outcome import NOTHING, OwnOutcome
from tfx_automl.components.evaluator.report import render_html
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics
from tfx_automl.models.class_rates import rate_and_class
from tfx_automl.models.metrics import DECISION_THRESHOLD

REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
WAIVERS_PROPERTY = "waivers"
_DIGITS = 6


@dataclass(frozen=True)
class Outcome:
    """Everything that the reports show.

    Attributes:
        options: What was asked.
        evaluation: What was measured.
        gaps: Of all groups, in the order of `options.sensitive`.
        verdict: What was decided.
        baseline: Metrics of trivial and linear predictors by name; empty if none were given.
        threshold: Of a binary task: what was predicted positive.
        other: Where the model is that it was compared with; None if there was none.
        own: What came of the user's own configuration.
        reweighing: What the model's card says of weights of its training rows; None if it had none.
        by_group: What the model card says of thresholds by group; None where all rows have the same.
    """

    options: EvaluatorOptions
    evaluation: Evaluation
    gaps: tuple[Gap, ...]
    verdict: Verdict
    baseline: Mapping[str, Mapping[str, float | None]]
    threshold: float = DECISION_THRESHOLD
    other: str | None = None
    own: OwnOutcome = NOTHING
    by_group: Mapping[str, Any] | None = None
    reweighing: Mapping[str, Any] | None = None


def decide(
    options: EvaluatorOptions,
    evaluation: Evaluation,
    baseline: Mapping[str, Mapping[str, float | None]] | None,
    threshold: float = DECISION_THRESHOLD,
    other: str | None = None,
    own: OwnOutcome | None = None,
    by_group: Mapping[str, Any] | None = None,
) -> Outcome:
    """Computes the gaps of every group and judges the model."""
    gaps = _gaps(options, evaluation)
    own = own or NOTHING
    verdict = judge(options.gate, evaluation, gaps, baseline, options.min_slice_size, further=own.checks)
    return Outcome(options, evaluation, gaps, verdict, baseline or {}, threshold, other, own, by_group)


def _gaps(options: EvaluatorOptions, evaluation: Evaluation) -> tuple[Gap, ...]:
    return tuple(
        gap
        for slices in evaluation.groups.values()
        for gap in compute_gaps(slices, options.task.kind, options.min_slice_size, options.task.classes)
    )


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Returns the content of `report.json`."""
    options, evaluation = outcome.options, outcome.evaluation
    return {
        "task": asdict(options.task),
        "splits": list(options.example_splits),
        "rows": evaluation.overall.count,
        "decision_threshold": outcome.threshold if options.task.kind == "binary" else None,
        "min_slice_size": options.min_slice_size,
        "blessed": outcome.verdict.blessed,
        "reasons": list(outcome.verdict.reasons),
        "evidence": options.evidence,
        "replicates": options.replicates,
        **_measured(evaluation.overall),
        "baseline_metrics": {name: dict(metrics) for name, metrics in outcome.baseline.items()},
        "slices": _slices(options, evaluation),
        **_gap_values(outcome.gaps),
        "checks": [{**asdict(check), "interval": pair(check.interval)} for check in outcome.verdict.checks],
        **({"own_metrics": list(outcome.own.slices)} if outcome.own.slices else {}),
        **({"reweighing": dict(outcome.reweighing)} if outcome.reweighing else {}),
        **({"comparison": comparison_of(evaluation, outcome.other, options.min_slice_size)} if outcome.other else {}),
        **({"group_thresholds": _by_group(outcome)} if outcome.by_group else {}),
    }


def _slices(options: EvaluatorOptions, evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "feature": part.feature,
            "value": part.value,
            "features": list(part.features),
            "values": list(part.values),
            "count": part.count,
            **_measured(part),
            "too_small": part.count < options.min_slice_size,
        }
        for slices in evaluation.groups.values()
        for part in slices
    ]


def _gap_values(gaps: Sequence[Gap]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {"gaps": {}, "gap_intervals": {}, "gap_classes": {}}
    for gap in gaps:
        found["gaps"].setdefault(gap.feature, {})[gap.name] = gap.value
        found["gap_intervals"].setdefault(gap.feature, {})[gap.name] = pair(gap.interval)
        if gap.definition.by_class:
            classes = {"worst": gap.worst, "values": list(gap.by_class), "rare": list(gap.rare)}
            found["gap_classes"].setdefault(gap.feature, {})[gap.name] = classes
    return found


def _by_group(outcome: Outcome) -> dict[str, Any]:
    """Returns the thresholds by group, and what the rows were like if all had the common one."""
    before = outcome.evaluation.at_common
    return {
        **(outcome.by_group or {}),
        "at_common": {
            **_without_histogram(_measured(before.overall)),
            "slices": [_without_histogram(part) for part in _slices(outcome.options, before)],
            **_gap_values(_gaps(outcome.options, before)),
        },
    }


def _without_histogram(measured: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in measured.items() if name != "histogram"}


def _measured(part: SliceMetrics) -> dict[str, Any]:
    histogram = part.details.histogram
    intervals = {name: pair(interval) for name, interval in part.intervals.items()}
    of_all = [name for name in part.metrics if rate_and_class(name)[1] is None]
    return {
        "metrics": {name: part.metrics[name] for name in of_all},
        "intervals": {name: intervals[name] for name in of_all},
        # Rates of each class against the rest, in the order of the task's classes.
        "classes": _by_rate(part.metrics),
        "class_intervals": _by_rate(intervals),
        # Positive rows, negative rows and the sum of the scores, in each hundredth of the scores.
        "histogram": None if histogram is None else histogram.T.round(_DIGITS).tolist(),
    }


def _by_rate(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, value in values.items():
        rate, number = rate_and_class(name)
        if number is not None:
            found.setdefault(rate, []).append(value)
    return found


def write_reports(outcome: Outcome, folder: str) -> None:
    """Writes `report.json` and `report.html` into a folder, local or remote."""
    fileio.makedirs(folder)
    content = to_json(outcome)
    io_utils.write_string_file(os.path.join(folder, REPORT_JSON), json.dumps(content, indent=2, allow_nan=False) + "\n")
    io_utils.write_string_file(os.path.join(folder, REPORT_HTML), render_html(content))


def write_blessing(verdict: Verdict, model: Any, blessing: Any) -> None:
    """Writes the blessing in the stock Evaluator's form: an empty file, and custom properties of the artifact.

    Args:
        verdict: The decision.
        model: The `Model` artifact that was judged.
        blessing: The `ModelBlessing` artifact; changed.
    """
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    waivers = [{"check": check.name, **check.waiver.to_dict()} for check in verdict.checks if check.waiver]
    if waivers:
        blessing.set_string_custom_property(WAIVERS_PROPERTY, json.dumps(waivers))
    name = constants.BLESSED_FILE_NAME if verdict.blessed else constants.NOT_BLESSED_FILE_NAME
    value = constants.BLESSED_VALUE if verdict.blessed else constants.NOT_BLESSED_VALUE
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
