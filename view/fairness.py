"""How a model treats groups: our report, from a run, an artifact, TFMA's result, or predictions in a DataFrame."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.models.groups import DEFAULT_MIN_SLICE_SIZE
from tfx_automl.models.metrics import DECISION_THRESHOLD
from tfx_automl.view.shown import View, framed
from tfx_automl.view.sources import Folder, Wanted, find

_REPORT, _EVALUATION = "report.json", "eval_config.json"
_HEIGHT = 720
_WANTED = Wanted(
    "fairness",
    "FairnessReport",
    "Evaluator",
    "fairness_report",
    "ModelEvaluation",
    ", or a tfma.EvalResult, or a pandas DataFrame of predictions",
)


def fairness(
    source: Any,
    *,
    label: str = "label",
    prediction: str | Sequence[str] = "prediction",
    sensitive: Sequence[str | Sequence[str]] | None = None,
    task: str = "auto",
    positive: object = None,
    threshold: float = DECISION_THRESHOLD,
    max_gaps: Mapping[str, float] | None = None,
    min_slice_size: int = DEFAULT_MIN_SLICE_SIZE,
    cuts: Mapping[str, Sequence[float]] | None = None,
    height: int = _HEIGHT,
) -> View:
    """Shows the metrics of a model by group, the gaps between groups, and whether it keeps the bounds.

    From a run or its FairnessReport it is the report that the Evaluator wrote. Of TFMA's results, whoever made them and
    with whatever configuration, it shows every metric by slice. From predictions, everything is computed here.

    Args:
        source: The output folder of a run; an artifact of type FairnessReport or ModelEvaluation, or its URI; what
            `tfma.load_eval_result` returns; or a DataFrame with one row for each prediction. Whatever follows, except
            for `min_slice_size` and `height`, is for a DataFrame alone.
        label: The column with the truth.
        prediction: The column with the probability of the positive class, or with the predicted number; for several
            classes the columns with the probability of each, named like the classes.
        sensitive: The columns that make the groups; several names in one entry are a crossing. All other columns
            unless given.
        task: `binary`, `multiclass`, `regression`, or `auto`: as label and prediction look.
        positive: The label of a binary task that counts as positive; the last in order unless given.
        threshold: Of a binary task: rows with at least this probability are predicted positive.
        max_gaps: Bounds on gaps, such as `{"equalized_odds_difference": 0.1}`; the verdict goes by them.
        min_slice_size: Groups with fewer rows are not compared.
        cuts: Where columns of numbers are cut into groups: `{"age": [25, 45, 65]}`.
        height: Of the report in a notebook, in pixels.

    Raises:
        ConfigError: The source is none of these, or an argument does not fit.
        DataError: The predictions cannot be evaluated as they are.
    """
    given: dict[str, Any] = {
        "label": label,
        "prediction": prediction,
        "sensitive": sensitive,
        "task": task,
        "positive": positive,
    }
    given |= {"threshold": threshold, "max_gaps": max_gaps, "cuts": cuts}
    if _is_frame(source):
        from tfx_automl.view.columns import FrameColumns
        from tfx_automl.view.frames import report_of

        return _report_view(report_of(source, FrameColumns(**given, min_slice_size=min_slice_size)), height)
    unused = [name for name, value in given.items() if value != _DEFAULTS[name]]
    if unused:
        raise ConfigError(
            f"fairness: {', '.join(unused)} can be given for a pandas DataFrame only; got {type(source).__name__}. "
            "Leave these arguments out: it was evaluated already."
        )
    return _of_artifact(source, min_slice_size, height)


_DEFAULTS = dict(fairness.__kwdefaults__ or {})


def _is_frame(source: Any) -> bool:
    pandas = sys.modules.get("pandas")  # who has a DataFrame has imported it
    return pandas is not None and isinstance(source, pandas.DataFrame)


def _of_artifact(source: Any, min_slice_size: int, height: int) -> View:
    from tfx_automl.view.eval_results import load_result, result_view

    if hasattr(source, "slicing_metrics"):
        return result_view(source, min_slice_size)
    folder = find(source, _WANTED)
    content = folder.read(_REPORT)
    if content is not None:
        return _report_view(_parsed(folder, content), height)
    if folder.read(_EVALUATION) is None:
        raise _WANTED.refuse(f"{folder.uri}, which has neither {_REPORT} nor {_EVALUATION}")
    return result_view(load_result(folder.uri), min_slice_size)


def _parsed(folder: Folder, content: bytes) -> Mapping[str, Any]:
    try:
        report: Mapping[str, Any] = json.loads(content)
        if "slices" in report and "task" in report:
            return report
        raise ValueError("it has no slices")
    except ValueError as error:
        raise _WANTED.refuse(f"{folder.uri}, whose {_REPORT} is no report ({error})") from error


def _report_view(report: Mapping[str, Any], height: int) -> View:
    from tfx_automl.components.evaluator.report import render_html

    title = f"Fairness report: {report['task']['label']}"
    page = render_html(report)
    return View(title, framed(page, title, height), tuple(_rows(report)), page)


def _rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns all rows and every slice with its metrics."""
    overall = {**report, "feature": "", "value": "", "count": report["rows"], "too_small": False}
    named, classes = ("feature", "value", "count", "too_small"), report["task"]["classes"]
    return [
        {key: part[key] for key in named} | part["metrics"] | _of_classes(part, classes)
        for part in (overall, *report["slices"])
    ]


def _of_classes(part: Mapping[str, Any], classes: Sequence[str]) -> dict[str, float | None]:
    """Returns the rates of each class against the rest, such as `tpr of red`."""
    return {
        f"{rate} of {name}": value
        for rate, values in part.get("classes", {}).items()
        for name, value in zip(classes, values, strict=True)
    }
