"""The report's section on thresholds by group: the numbers of both sides, and a slider that does not mislead."""

import html
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from reports_for_tests import make_report, make_rows

from tfx_automl.components.evaluator.report.group_thresholds import at_common, threshold_of
from tfx_automl.components.evaluator.report.page import render_html
from tfx_automl.models.group_thresholds import GroupThresholds

FEMALE, MALE = 0.25, 0.625


@pytest.fixture(scope="module")
def rows() -> Any:
    plain = make_rows()
    column = plain.features["sex"]
    thresholds = np.array([FEMALE if value == "Female" else MALE for value in column.values], np.float32)
    return replace(plain, threshold=thresholds[column.codes])


@pytest.fixture(scope="module")
def by_group() -> dict[str, Any]:
    own = GroupThresholds(("sex",), ("text",), 0.5, (("Female",), ("Male",)), (FEMALE, MALE)).to_dict()
    about = {"criterion": "demographic_parity", "rule": "accuracy", "rows": 1234, "min_slice_size": 30}
    pair = {"gap": {"before": 0.321, "after": 0.0091}, "accuracy": {"before": 0.8456, "after": 0.8123}}
    return {**own, **about, **pair}


@pytest.fixture(scope="module")
def report(rows: Any, by_group: dict[str, Any]) -> dict[str, Any]:
    return make_report(rows, by_group=by_group)


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return render_html(json.loads(json.dumps(report)))


def section(page: str, name: str) -> str:
    return re.findall(rf'<section id="{name}">.*?</section>', page, re.DOTALL)[0]


def text_of(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def test_rates_and_gaps_without_and_with_them_are_shown(report: dict[str, Any], rows: Any, page: str) -> None:
    text = text_of(section(page, "group-thresholds"))
    for slice_ in ("Female", "Male"):
        members = rows.features["sex"].codes == rows.features["sex"].values.index(slice_)
        own = FEMALE if slice_ == "Female" else MALE
        now, then = ((rows.score[members] >= each).mean() for each in (own, 0.5))
        assert f"{own:.4g} {100 * now:.1f} % was {100 * then:.1f} %" in text
    before, after = report["group_thresholds"]["at_common"]["gaps"]["sex"], report["gaps"]["sex"]
    name = "demographic_parity_difference"
    assert before[name] != pytest.approx(after[name])
    for gap in (before[name], after[name]):
        assert f"{gap:.3f}" in text
    assert "on the 1,234 rows that the thresholds were chosen on, the gap went from 0.321 to 0.009" in text.lower()
    assert "from 84.6" in text and "have the common threshold, 0.5." in text
    assert "Some laws forbid that" in text


def test_slider_begins_with_the_numbers_of_the_common_threshold(report: dict[str, Any], rows: Any, page: str) -> None:
    plain = make_report(replace(rows, threshold=None))
    slider = text_of(section(page, "threshold"))
    own = text_of(section(render_html(plain), "threshold"))
    assert "The slider moves one threshold that all rows have in common" in slider
    assert "Back to 0.5, the common threshold" in slider and "At the common threshold" in slider

    def numbers(text: str) -> list[str]:
        return re.findall(r"\d[\d.,]*", text)

    assert numbers(slider) == numbers(own)
    assert at_common(report)["metrics"] == plain["metrics"]
    assert at_common(plain) is plain


def test_page_is_whole_and_says_how_rows_are_decided(page: str) -> None:
    assert "at least 0.5, or the own threshold of the row's group of sex" in text_of(page)
    assert '<a href="#group-thresholds">' in page
    for tag in ("section", "table", "tr", "td", "th", "div", "p", "span"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_without_them_nothing_is_said(rows: Any) -> None:
    text = text_of(render_html(make_report(replace(rows, threshold=None))))
    assert "Per-group" not in text and "in common" not in text and "the row's group" not in text


def test_groups_that_are_not_sliced_are_listed(rows: Any, by_group: dict[str, Any]) -> None:
    text = text_of(section(render_html(make_report(rows, [("race",)], by_group=by_group)), "group-thresholds"))
    assert f"Female {FEMALE}" in text and f"Male {MALE}" in text


def test_slices_are_found_in_any_order_and_type() -> None:
    own = {"features": ["sex", "age"], "common": 0.5, "slices": [{"values": ["F", 1.5], "threshold": 0.25}]}
    assert threshold_of(own, {"features": ["age", "sex"], "values": ["1.5", "F"]}) == 0.25
    assert threshold_of(own, {"features": ["sex", "age"], "values": ["F", "2"]}) == 0.5
