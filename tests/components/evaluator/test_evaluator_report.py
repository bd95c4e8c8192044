"""The HTML report: what it says, that it escapes, and that it needs nothing else."""

import html.parser
import json
import re
from typing import Any

import pytest

from tfx_automl.components.evaluator.charts import Bar, bar_chart
from tfx_automl.components.evaluator.markup import Markup, element
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.outcome import decide, to_json
from tfx_automl.components.evaluator.report import MAX_ROWS, render_html
from tfx_automl.components.evaluator.slices import METRICS, Evaluation, SliceMetrics
from tfx_automl.components.evaluator.words import CHARTS, COLUMNS, WORDS
from tfx_automl.models.task import TaskSpec

EVIL = "<script>alert('x')</script>"


class Reader(html.parser.HTMLParser):
    """Collects the tags and texts of a page, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(values: tuple[str, ...] = (EVIL, "B"), kind: str = "binary", count: int = 50, **options: Any) -> dict:
    classes = {"binary": ("no", EVIL), "multiclass": ("a", "b", "c"), "regression": ()}[kind]
    task = TaskSpec(kind, f"{EVIL} label", classes)  # type: ignore[arg-type]

    def part(features: tuple[str, ...], names: tuple[str, ...], rows: int, level: float) -> SliceMetrics:
        return SliceMetrics(features, names, rows, dict.fromkeys(METRICS[kind], level))

    slices = tuple(part((EVIL,), (value,), count, 0.2 + 0.5 * (index % 2)) for index, value in enumerate(values))
    evaluation = Evaluation(part((), (), count * len(values), 0.5), {(EVIL,): slices})
    chosen = EvaluatorOptions(task, ((EVIL,),), **options)
    return to_json(decide(chosen, evaluation, {"majority": {"auc": 0.4, "accuracy": 0.4}}))


def test_values_from_the_data_are_escaped() -> None:
    page = render_html(report())
    reader = Reader(page)
    assert "script" not in reader.tags
    assert EVIL in reader.text  # shown as text
    assert "<script" not in page
    assert not reader.open


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_page_is_self_contained_and_says_everything(kind: str) -> None:
    page = render_html(report(("F", "M"), kind))
    assert not re.search(r"(src|href)=|url\(|@import|<link", page)
    reader = Reader(page)
    assert reader.tags.count("svg") == len(CHARTS[kind])
    assert page.count('role="img" aria-label="') >= len(CHARTS[kind])
    for metric in COLUMNS[kind]:
        assert WORDS[metric].title in reader.text
    assert len(page) < 100_000


def test_verdict_comes_first_with_its_reasons() -> None:
    content = report(("F", "M"), max_gaps={"demographic_parity_difference": 0.1})
    text = Reader(render_html(content)).text
    refusal = "demographic_parity_difference for " + EVIL + " is 0.5, but must be at most 0.1."
    assert text.index("Not blessed: this model will not be pushed") < text.index(refusal) < text.index("All rows")
    assert "✕ refused (bound 0.1)" in text


def test_small_slices_are_marked() -> None:
    content = report(("F", "M"), count=10)
    assert [entry["too_small"] for entry in content["slices"]] == [True, True]
    text = Reader(render_html(content)).text
    assert text.count("too few rows") >= 2
    assert "Left out because of too few rows: F; M." in text
    assert content["gaps"][EVIL]["demographic_parity_difference"] is None


def test_page_stays_small_with_thousands_of_slices() -> None:
    content = report(tuple(f"value number {index}" for index in range(2500)))
    page = render_html(content)
    assert len(page) < 500_000
    assert f"The {MAX_ROWS} largest groups are shown; {2500 - MAX_ROWS} more are in report.json." in page
    assert len(content["slices"]) == 2500


def test_json_has_no_nan() -> None:
    content = json.loads(json.dumps(report(), allow_nan=False))
    assert {"metrics", "baseline_metrics", "slices", "gaps", "blessed", "reasons", "checks"} <= set(content)


def test_element_escapes_text_and_attributes_but_not_markup() -> None:
    assert element("p", "a < b", Markup("<b>c</b>"), title='"', class_=None) == '<p title="&quot;">a &lt; b<b>c</b></p>'


def test_bars_grow_from_zero_in_both_directions() -> None:
    chart = bar_chart("Mean", [Bar("a", -2.0), Bar("b", 4.0), Bar("c", None)], None, share=False)
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', chart)]
    lefts = [float(left) for left in re.findall(r'<rect x="([\d.]+)"', chart)]
    assert widths == [80.0, 160.0]
    assert lefts == [0.0, 80.0]
    assert "c –" in chart
