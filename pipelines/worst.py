"""The group that a model does worst by, for the summary."""

from collections.abc import Iterator, Mapping
from typing import Any

from tfx_automl.models.fairness import GapDefinition, gaps_of

_Slices = tuple[dict[str, str], list[dict[str, Any]]]  # what they are of, and the slices

# How a metric is better. What is not named here, such as the mean prediction, has no better side.
_BETTER = {
    "accuracy": max,
    "auc": max,
    "tpr": max,
    "selection_rate": max,
    "fpr": min,
    "rmse": min,
    "mae": min,
}
_SIDELESS = {"selection_rate"}  # of one of several classes: none of them is the favourable one


def worst_slice(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the slice with the largest gap to the best slice of its group.

    Of all metrics with a better side the one that is farthest from the best counts; where bounds on gaps are broken,
    only the metrics of those gaps. Of several classes only those count that have as many rows in a slice as a slice
    needs to be compared: with fewer, the worst would be one by chance.

    Args:
        report: The content of `report.json`.

    Returns:
        `feature`, `value`, `metric`, `score`, `best_value`, `best_score` and `difference`, and `class` where the metric
        is that of one class; None without two groups that are large enough.
    """
    found = list(_candidates(report))
    broken = {check["name"] for check in report["checks"] if check["passed"] is False}
    refused = [each for each in found if each.pop("gap") in broken]
    return max(refused or found, key=lambda each: each["difference"], default=None)


def _candidates(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for definition in gaps_of(report["task"]["kind"], report["task"]["classes"]):
        sideless = _SIDELESS if definition.by_class else set()
        for metric in definition.metrics if definition.kind == "difference" else ():
            if metric in _BETTER.keys() - sideless:
                yield from _of_gap(report, definition, metric)


def _of_gap(report: Mapping[str, Any], definition: GapDefinition, metric: str) -> Iterator[dict[str, Any]]:
    everything: _Slices = ({}, report["slices"])
    for name, slices in _by_class(report, metric) if definition.by_class else (everything,):
        for feature in report["gaps"]:
            found = _farthest(slices, feature, metric)
            if found is not None:
                yield {"gap": f"gap:{feature}:{definition.name}", **found, **name}


def _by_class(report: Mapping[str, Any], metric: str) -> Iterator[_Slices]:
    """Yields each class, and the slices with enough rows of it (for false positives, of others)."""
    for number, name in enumerate(report["task"]["classes"]):
        slices = []
        for part in report["slices"]:
            share = part["classes"]["mean_label"][number] or 0.0
            rows = part["count"] * (1 - share if metric == "fpr" else share)
            if round(rows) >= report["min_slice_size"]:
                slices.append({**part, "metrics": {metric: part["classes"][metric][number]}})
        yield {"class": name}, slices


def _farthest(slices: list[dict[str, Any]], feature: str, metric: str) -> dict[str, Any] | None:
    known = [
        part
        for part in slices
        if part["feature"] == feature and not part["too_small"] and part["metrics"].get(metric) is not None
    ]
    if len(known) < 2:
        return None
    ordered = sorted(known, key=lambda part: float(part["metrics"][metric]), reverse=_BETTER[metric] is max)
    best, worst = ordered[0], ordered[-1]
    return {
        "feature": feature,
        "value": worst["value"],
        "metric": metric,
        "score": worst["metrics"][metric],
        "best_value": best["value"],
        "best_score": best["metrics"][metric],
        "difference": abs(worst["metrics"][metric] - best["metrics"][metric]),
    }


_NAMES = {
    "accuracy": "accuracy",
    "auc": "AUC",
    "tpr": "true positive rate",
    "fpr": "false positive rate",
    "selection_rate": "selection rate",
    "rmse": "RMSE",
    "mae": "mean absolute error",
}


def worst_line(worst: Mapping[str, Any]) -> str:
    """Returns what `worst_slice` found, in one line for people."""
    metric, score, best = worst["metric"], worst["score"], worst["best_score"]
    of_class = f" of class {worst['class']}" if "class" in worst else ""
    side = "below" if score < best else "above"
    return (
        f"Worst group: {worst['feature']} = {worst['value']}: {_NAMES[metric]}{of_class} {_text(score, metric)}, "
        f"{_text(worst['difference'], metric)} {side} {worst['best_value']} ({_text(best, metric)})"
    )


def _text(value: float, metric: str) -> str:
    return f"{value:.4g}" if metric in ("rmse", "mae") else f"{value:.3f}"
