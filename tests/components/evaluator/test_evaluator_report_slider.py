"""The threshold slider: its numbers at the start, and in a browser at other thresholds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_for_tests import Browser, find_browser, open_browser
from reports_for_tests import make_report, make_rows, with_comparison

from tfx_automl.components.evaluator.predictions import Predictions
from tfx_automl.components.evaluator.report.page import render_html
from tfx_automl.components.evaluator.report.slider import LIVE_GAPS, RATES, positions
from tfx_automl.components.evaluator.report.text import format_value, slices_of
from tfx_automl.models.fairness import gap_value

BETWEEN = 0.327  # two hundredths


@pytest.fixture(scope="module")
def rows() -> Predictions:
    return make_rows(rows=3000)


@pytest.fixture(scope="module")
def content(rows: Predictions) -> dict[str, Any]:
    return with_comparison(make_report(rows, threshold=BETWEEN, replicates=0))


@pytest.mark.parametrize(("start", "place"), [(0.0, 0), (0.5, 50), (float(np.float32(0.35)), 35), (1.0, 100)])
def test_a_hundredth_is_a_position(start: float, place: int) -> None:
    texts, steps, found = positions(start)
    assert found == place
    assert steps == list(range(101))
    assert texts[place] == f"{place / 100:g}"


@pytest.mark.parametrize(("start", "place"), [(BETWEEN, 33), (0.001, 1), (0.9999, 100), (1.5, 101), (-0.5, 0)])
def test_another_start_lies_between(start: float, place: int) -> None:
    texts, steps, found = positions(start)
    assert found == place
    assert steps[place] is None
    assert len(steps) == len(texts) == 102
    assert [step for step in steps if step is not None] == list(range(101))
    assert texts[place] == f"{start:g}"


def test_gaps_that_are_recomputed_are_those_of_rates() -> None:
    names = {gap.name for gap in LIVE_GAPS}
    wanted = {"demographic_parity_difference", "equalized_odds_difference", "equal_opportunity_difference"}
    assert wanted <= names
    assert "auc_difference" not in names


def test_numbers_at_the_start_are_the_reports(content: dict[str, Any]) -> None:
    page = render_html(content)
    overall = re.findall(r'<td data-rate="(\w+)" data-slice="all">([^<]*)<', page)
    assert set(overall) == {(rate, format_value(content["metrics"][rate], share=True)) for rate in RATES}
    for number, feature in enumerate(content["gaps"]):
        judged = [part for part in slices_of(content, feature) if not part["too_small"]]
        cells = re.findall(rf'data-rate="(\w+)" data-group="{number}" data-slice="(\d+)">([^<]*)<', page)
        assert len(cells) == len(judged) * len(RATES)
        for rate, place, text in cells:
            assert text == format_value(judged[int(place)]["metrics"][rate], share=True)
        gaps = re.findall(rf'<td data-gap="(\w+)" data-group="{number}">([^<]*)<', page)
        assert dict(gaps) == {gap.name: format_value(content["gaps"][feature][gap.name]) for gap in LIVE_GAPS}


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_other_tasks_have_no_slider_and_no_script(kind: str) -> None:
    page = render_html(make_report(make_rows(kind, rows=300), replicates=0))
    assert "<script" not in page
    assert "Other decision thresholds" not in page


def test_groups_without_enough_rows_say_so(rows: Predictions) -> None:
    page = render_html(make_report(rows, (("sex",),), min_slice_size=10_000, replicates=0))
    assert "No group of sex has enough rows." in page


# In a browser


def expected(rows: Predictions, hundredth: int, feature: str, value: str | None = None) -> dict[str, float | None]:
    """The rates of a slice, from its rows."""
    column = rows.features[feature]
    within = np.array(column.values)[column.codes] == value if value else np.ones(len(rows), bool)
    positive = rows.label[within] == 1
    chosen = rows.score[within].astype(np.float32) >= np.float32(hundredth / 100)

    def share(part: np.ndarray) -> float | None:
        return float(part.mean()) if len(part) else None

    return {
        "selection_rate": share(chosen),
        "tpr": share(chosen[positive]),
        "fpr": share(chosen[~positive]),
        "precision": share(positive[chosen]),
        "accuracy": share(chosen == positive),
    }


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not find_browser():
        pytest.skip("there is no Chromium here; apt-get install chromium")
    with open_browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, content: dict[str, Any], tmp_path: Path) -> Browser:
    path = tmp_path / "report.html"
    path.write_text(render_html(content), encoding="utf-8")
    browser.open(path)
    assert browser.complaints() == []
    assert browser.requested() == [path.as_uri()]
    return browser


def focus_slider(page: Browser) -> None:
    for _ in range(100):
        page.press("Tab")
        if page.evaluate("document.activeElement.id") == "threshold-slider":
            return
    raise AssertionError("Tab does not reach the slider")


def shown(page: Browser, selector: str) -> list[str]:
    return page.evaluate(f"[...document.querySelectorAll({selector!r})].map((each) => each.textContent)")


def rates_shown(page: Browser, place: str) -> dict[str, str]:
    return {rate: shown(page, f"td[data-rate={rate}]{place}")[0] for rate in RATES}


def as_text(rates: dict[str, float | None]) -> dict[str, str]:
    return {rate: format_value(value, share=True) for rate, value in rates.items()}


def check_numbers(page: Browser, rows: Predictions, hundredth: int) -> None:
    """Everything about `sex` on the page, compared with the rows."""
    assert rates_shown(page, "[data-slice=all]") == as_text(expected(rows, hundredth, "sex"))
    slices = [expected(rows, hundredth, "sex", value) for value in ("Female", "Male")]
    for number, rates in enumerate(slices):
        assert rates_shown(page, f"[data-group='0'][data-slice='{number}']") == as_text(rates)
    for gap in LIVE_GAPS:
        columns = [[rates[metric] for rates in slices if rates[metric] is not None] for metric in gap.metrics]
        (text,) = shown(page, f"td[data-gap={gap.name}][data-group='0']")
        assert text == format_value(gap_value(gap, columns)), gap.name  # type: ignore[arg-type]
    threshold = f"{hundredth / 100:g}"
    assert shown(page, "output") == [threshold]
    assert f"At the threshold {threshold}, " in shown(page, "[role=status]")[0]
    assert page.evaluate("document.getElementById('threshold-slider').getAttribute('aria-valuetext')") == threshold


def check_start(page: Browser, content: dict[str, Any]) -> None:
    """The numbers on the page are the report's own."""
    assert shown(page, "output") == [f"{BETWEEN:g}"]
    assert rates_shown(page, "[data-slice=all]") == as_text({rate: content["metrics"][rate] for rate in RATES})
    for number, part in enumerate(slices_of(content, "sex")):
        wanted = as_text({rate: part["metrics"][rate] for rate in RATES})
        assert rates_shown(page, f"[data-group='0'][data-slice='{number}']") == wanted
    for gap in LIVE_GAPS:
        wanted = [format_value(content["gaps"][feature][gap.name]) for feature in content["gaps"]]
        assert shown(page, f"td[data-gap={gap.name}]") == wanted


@pytest.mark.slow
def test_keys_move_the_threshold_and_numbers_follow(page: Browser, rows: Predictions, content: dict[str, Any]) -> None:
    check_start(page, content)
    focus_slider(page)
    page.press("ArrowRight")
    check_numbers(page, rows, 33)
    page.press("ArrowLeft")
    check_start(page, content)
    page.press("ArrowLeft")
    check_numbers(page, rows, 32)
    page.press("End")
    check_numbers(page, rows, 100)
    page.press("Home")
    check_numbers(page, rows, 0)
    page.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    page.press("Enter")
    check_start(page, content)
    assert page.evaluate("document.activeElement.id") == "threshold-slider"


@pytest.mark.slow
def test_pointer_moves_the_threshold(page: Browser, rows: Predictions) -> None:
    box = page.evaluate(
        "(() => { const slider = document.getElementById('threshold-slider'); slider.scrollIntoView();"
        " const { x, y, width, height } = slider.getBoundingClientRect(); return [x, y, width, height]; })()"
    )
    x, y = box[0] + 0.8 * box[2], box[1] + box[3] / 2
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    (text,) = shown(page, "output")
    assert 0.75 < float(text) < 0.85
    check_numbers(page, rows, round(100 * float(text)))


@pytest.mark.slow
def test_page_stands_without_scripts(browser: Browser, content: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_html(content), encoding="utf-8")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        text = browser.evaluate("document.getElementById('threshold').innerText")
        assert "The slider needs JavaScript, which is switched off here." in text
        assert "Back to" not in text
        assert format_value(content["metrics"]["tpr"], share=True) in text
        assert not browser.evaluate("document.querySelector('.control').checkVisibility()")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_page_fits_the_window_and_prints(page: Browser, width: int) -> None:
    page.resize(width)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.print_page().startswith(b"%PDF")


@pytest.mark.slow
def test_screen_readers_get_names(page: Browser) -> None:
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named: dict[str, list[str]] = {}
    for node in nodes:
        if not node["ignored"]:
            named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert named["slider"] == ["Decision threshold"]
    assert named["button"] == [f"Back to {BETWEEN:g}, the report's threshold"]
    assert named["navigation"] == ["Contents"]
    pictures = [name for role in ("image", "img") for name in named.get(role, [])]
    assert len(pictures) > 10
    assert all(pictures)
    assert all(named["table"])
