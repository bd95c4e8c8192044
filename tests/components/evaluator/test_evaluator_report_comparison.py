"""The comparison with the last blessed model."""

import re
from typing import Any

import pytest
from reports_for_tests import make_report, make_rows, with_comparison

from tfx_automl.components.evaluator.report.comparison import comparison_section
from tfx_automl.components.evaluator.report.differences import result_of
from tfx_automl.components.evaluator.report.limits import Limits
from tfx_automl.components.evaluator.report.page import render_html


def difference(lower: float, upper: float) -> dict[str, Any]:
    return {"value": (lower + upper) / 2, "interval": [lower, upper]}


@pytest.fixture
def content() -> dict[str, Any]:
    return with_comparison(make_report(make_rows(rows=1000), (("sex",), ("race",)), replicates=0))


@pytest.mark.parametrize(
    ("metric", "interval", "result"),
    [
        ("auc", (0.1, 0.2), "won"),
        ("auc", (-0.2, -0.1), "lost"),
        ("auc", (-0.1, 0.2), "unclear"),
        ("auc", (0.0, 0.2), "unclear"),
        ("rmse", (0.1, 0.2), "lost"),
        ("rmse", (-0.2, -0.1), "won"),
        ("selection_rate", (0.1, 0.2), "changed"),
    ],
)
def test_who_wins(metric: str, interval: tuple[float, float], result: str) -> None:
    assert result_of(metric, difference(*interval)) == result


def test_nobody_wins_without_an_interval() -> None:
    assert result_of("auc", {"value": 0.5, "interval": None}) == "unclear"


def test_no_section_without_a_comparison(content: dict[str, Any]) -> None:
    title = "Compared with the last blessed model"
    assert title in render_html(content)
    del content["comparison"]
    assert title not in render_html(content)


def test_slices_go_from_loss_to_win(content: dict[str, Any]) -> None:
    wanted = {"Black": (-0.2, -0.1), "White": (-0.05, 0.01), "Asian-Pac-Islander": (0.1, 0.3)}
    for part in content["comparison"]["slices"]:
        part["differences"]["auc"] = difference(*wanted.get(part["value"], (0.0, 0.01)))
    section = comparison_section(content, Limits())
    table = section[section.index("Winners and losers among groups of race") :]
    rows = re.findall(r'<th scope="row">([^<]*).*?<span class="chip (\w+)">', table[table.index("<tbody>") :])
    # Groups of which almost nothing is known stand where their values are.
    assert [row for row in rows if row[0] in wanted] == [
        ("Black", "bad"),
        ("White", "plain"),
        ("Asian-Pac-Islander", "good"),
    ]
    assert "Lose in AUC: Black. Win in AUC: Asian-Pac-Islander. No clear difference: 3 of 5 groups." in section


def test_of_a_loss_function_less_is_better() -> None:
    content = with_comparison(make_report(make_rows("regression", 500), (("sex",),), replicates=0))
    female, male = content["comparison"]["slices"]
    female["differences"]["rmse"], male["differences"]["rmse"] = difference(-3.0, -1.0), difference(1.0, 3.0)
    section = comparison_section(content, Limits())
    assert "Lose in RMSE: Male. Win in RMSE: Female." in section
    rows = section[section.rindex("<tbody>") :]
    assert rows.index("Male") < rows.index("Female")
    assert "decided by" not in section


def test_values_of_both_models_and_flips_are_shown(content: dict[str, Any]) -> None:
    content["comparison"] |= {"metrics": {"auc": 0.1234}, "differences": {"auc": difference(0.01, 0.02)}}
    section = comparison_section(content, Limits())
    assert "0.123" in section
    assert '+0.0150 <span class="range">+0.0100 to +0.0200</span>' in section
    assert "newly positive 2.0\u00a0%, newly negative 1.2\u00a0%." in section
    assert "<td>2.0\u00a0%</td><td>1.2\u00a0%</td></tr>" in section


def test_of_several_classes_decisions_change() -> None:
    section = comparison_section(with_comparison(make_report(make_rows("multiclass", 500), replicates=0)), Limits())
    assert "changed 3.0\u00a0%." in section


def test_shares_differ_by_points(content: dict[str, Any]) -> None:
    content["comparison"]["differences"] = {"accuracy": difference(0.01, 0.02)}
    section = comparison_section(content, Limits())
    assert '+1.5 points <span class="range">+1.0 to +2.0 points</span>' in section


def test_unknown_differences_are_dashes(content: dict[str, Any]) -> None:
    for part in content["comparison"]["slices"]:
        part["differences"], part["flips"] = {"auc": {"value": None, "interval": None}}, None
    section = comparison_section(content, Limits())
    assert "No clear difference: 2 of 2 groups." in section
    assert "<td>–</td>" in section


def test_both_ends_are_kept_of_many(content: dict[str, Any]) -> None:
    for number, part in enumerate(content["comparison"]["slices"]):
        part["differences"]["auc"] = {"value": number / 100, "interval": None}
    section = comparison_section(content, Limits(rows=2))
    table = section[section.rindex("<tbody>") :]
    assert re.findall(r'<th scope="row">([\w-]+)', table) == ["Amer-Indian-Eskimo", "White"]
    assert "The 2 that lose or win most are shown; 3 more are in report.json." in section
