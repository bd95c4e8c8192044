"""The summary names the group that a model does worst by."""

from typing import Any

import pytest

from tfx_automl.pipelines.worst import worst_line, worst_slice


def report(kind: str, slices: dict[str, dict[str, float | None]], broken: str = "", small: str = "") -> dict[str, Any]:
    parts = [
        {"feature": "sex", "value": value, "too_small": value == small, "metrics": metrics}
        for value, metrics in slices.items()
    ]
    checks = [{"name": f"gap:sex:{broken}", "passed": False}, {"name": "gap:sex:other", "passed": None}]
    return {"task": {"kind": kind, "classes": []}, "slices": parts, "gaps": {"sex": {}}, "checks": checks}


BINARY = {
    "f": {"accuracy": 0.9, "tpr": 0.5, "fpr": 0.1, "selection_rate": 0.3, "auc": 0.8},
    "m": {"accuracy": 0.8, "tpr": 0.7, "fpr": 0.4, "selection_rate": 0.4, "auc": 0.8},
    "x": {"accuracy": 0.0, "tpr": None, "fpr": 0.9, "selection_rate": 0.0, "auc": None},
}


def test_largest_gap_is_named():
    worst = worst_slice(report("binary", BINARY, small="x"))
    assert worst == {
        "feature": "sex",
        "value": "m",
        "metric": "fpr",
        "score": 0.4,
        "best_value": "f",
        "best_score": 0.1,
        "difference": pytest.approx(0.3),
    }
    assert worst_line(worst) == "Worst group: sex = m: false positive rate 0.400, 0.300 above f (0.100)"


def test_gaps_beyond_their_bounds_come_first():
    worst = worst_slice(report("binary", BINARY, "equal_opportunity_difference", small="x"))
    assert worst_line(worst) == "Worst group: sex = f: true positive rate 0.500, 0.200 below m (0.700)"


def test_groups_count_as_soon_as_they_are_large_enough():
    worst = worst_slice(report("binary", BINARY))
    assert (worst["value"], worst["metric"]) == ("x", "accuracy")


@pytest.mark.parametrize("slices", [{}, {"f": BINARY["f"]}, {"f": {"accuracy": None}, "m": {"accuracy": 0.5}}])
def test_nothing_to_compare(slices):
    assert worst_slice(report("multiclass", slices)) is None


def classes(tpr: tuple[float, ...], red: float, count: int = 400) -> dict[str, Any]:
    """A slice with the true positive rates of three classes, and the share of the first."""
    rates = {"tpr": list(tpr), "fpr": [0.1] * 3, "selection_rate": [0.0, 0.5, 0.5], "precision": [0.5] * 3}
    return {"count": count, "classes": {"mean_label": [red, 0.5, 0.5 - red], **rates}}


def test_class_that_a_group_does_worst_by_is_named():
    found = report("multiclass", {"f": {"accuracy": 0.8}, "m": {"accuracy": 0.9}})
    found["task"]["classes"], found["min_slice_size"] = ["red", "green", "blue"], 30
    slices = [classes((0.1, 0.4, 0.5), 0.07), classes((0.9, 0.8, 0.5), 0.2)]
    found["slices"] = [part | more for part, more in zip(found["slices"], slices, strict=True)]
    worst = worst_slice(found)  # of red there are 28 rows in the group f, too few
    assert worst["class"] == "green"
    line = "Worst group: sex = f: true positive rate of class green 0.400, 0.400 below m (0.800)"
    assert worst_line(worst) == line
    found["checks"] = [{"name": "gap:sex:accuracy_difference", "passed": False}]
    assert worst_line(worst_slice(found)) == "Worst group: sex = f: accuracy 0.800, 0.100 below m (0.900)"


def test_errors_in_units_of_the_label():
    slices = {"f": {"rmse": 1234.5, "mae": 900.0, "mean_prediction": 9.0}, "m": {"rmse": 1000.0, "mae": 890.0}}
    worst = worst_slice(report("regression", slices))
    assert worst_line(worst) == "Worst group: sex = f: RMSE 1234, 234.5 above m (1000)"
