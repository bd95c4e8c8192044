"""The section on weights of training rows."""

import re
from dataclasses import replace
from typing import Any

import pytest
from reports_for_tests import make_report, make_rows

from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.outcome import decide, to_json
from tfx_automl.components.evaluator.report.page import render_html
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics
from tfx_automl.models.task import TaskSpec

EVIL = "<script>alert(1)</script>"


def reweighing(cells: int = 2) -> dict[str, Any]:
    """Returns what a card says."""
    names = ["Female", "Male", *(f"group {number}" for number in range(cells - 2))]
    rows = {"Female": (90, 10), "Male": (120, 80)}
    return {
        "group": ["sex"],
        "rows": ["train"],
        "cells": [
            {"values": [name], "label": label, "rows": rows.get(name, (40, 0))[place], "weight": 0.75 + place + number}
            for number, name in enumerate(names)
            for place, label in enumerate(("no", EVIL))
        ],
        "effective_rows": 251.5,
        "split": "eval",
        "epochs": 7,
        "without": {
            "threshold": 0.5,
            "metrics": {"auc": 0.9, "accuracy": 0.861, "precision": None},
            "gaps": {"sex": {"demographic_parity_difference": 0.19, "auc_difference": None}},
        },
        "with": {
            "threshold": 0.5,
            "metrics": {"auc": 0.89, "accuracy": 0.856, "precision": 0.5},
            "gaps": {"sex": {"demographic_parity_difference": 0.09, "auc_difference": 0.01}},
        },
    }


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return make_report(make_rows(rows=1000), (("sex",),), replicates=0)


def section(page: str) -> str:
    found = page[page.index('id="reweighing"') :]
    return re.sub(r"<[^>]+>", "|", found[: found.index("</section>")])


def test_no_section_without_weights(content: dict[str, Any]) -> None:
    assert "eweighing" not in render_html(content)
    assert "reweighing" not in content


def test_weights_by_group_and_label_with_counts(content: dict[str, Any]) -> None:
    shown = section(render_html({**content, "reweighing": reweighing()}))
    cells = [part for part in re.split(r"\|+", shown) if part.strip()]
    for row in (["Female", "no", "90", "0.750"], ["Male", "no", "120", "1.750"]):
        assert row in [cells[n : n + 4] for n in range(len(cells))]
    assert "few rows" in shown  # 10 of them, and 30 is the least that are judged
    assert "The largest weight is 2.750, of 80 rows (Male; " in shown
    assert "300 weighed rows say as much as 252 rows that all count the same" in shown
    assert EVIL not in render_html({**content, "reweighing": reweighing()})


def test_changes_are_on_the_eval_split_and_said_to_be(content: dict[str, Any]) -> None:
    shown = section(render_html({**content, "reweighing": reweighing()}))
    cells = [part.replace("\u00a0", " ") for part in re.split(r"\|+", shown) if part.strip()]
    rows = [cells[n : n + 4] for n in range(len(cells))]
    assert ["Accuracy", "86.1 %", "85.6 %", "-0.5 points"] in rows
    assert ["Demographic parity difference, sex", "0.190", "0.090", "-0.100"] in rows
    assert ["Precision", "–", "50.0 %", "–"] in rows
    assert ["AUC difference, sex", "–", "0.010", "–"] in rows
    assert "Without and with weights, on the eval split" in shown
    assert "was trained for 7 epochs" in shown


def test_combinations_without_rows_are_counted_and_many_are_cut(content: dict[str, Any]) -> None:
    shown = section(render_html({**content, "reweighing": reweighing(302)}))
    assert "300 of 604 combinations of group and label have no row" in shown
    assert "The 200 largest are shown; all 304 are in report.json." in shown


def test_report_json_has_what_the_card_says() -> None:
    task = TaskSpec("binary", "y", ("no", "yes"))
    overall = SliceMetrics((), (), 10, {"auc": 0.8})
    outcome = decide(EvaluatorOptions(task), Evaluation(overall, {}), None)
    assert "reweighing" not in to_json(outcome)
    assert to_json(replace(outcome, reweighing=reweighing()))["reweighing"] == reweighing()
