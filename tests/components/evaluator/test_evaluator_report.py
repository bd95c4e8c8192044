"""The report's page: what it says, that it escapes, that it needs nothing else, and that everybody can use it."""

import base64
import hashlib
import html.parser
import itertools
import json
import re
from typing import Any

import numpy as np
import pytest
import reports_for_tests
from reports_for_tests import make_report, make_rows, with_comparison

from tfx_automl.components.evaluator.measured import Details
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.outcome import decide, to_json
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.components.evaluator.report.class_section import classes_of
from tfx_automl.components.evaluator.report.limits import Limits
from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.components.evaluator.report.page import render_html
from tfx_automl.components.evaluator.report.words import CHARTS, columns_of, wording
from tfx_automl.components.evaluator.slices import METRICS, Evaluation, SliceMetrics, metric_names
from tfx_automl.models.task import TaskSpec

EVIL = "</script><script>alert('x')</script><!--\u2028&amp;"
KINDS = ("binary", "multiclass", "regression")
MEGABYTES = 5
GROUPS = (("sex",), ("race",))


class Reader(html.parser.HTMLParser):
    """Collects the tags and texts of a page, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        else:
            self.text += data

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


def report(values: tuple[str, ...] = (EVIL, "B"), kind: str = "binary", count: int = 50, **options: Any) -> dict:
    classes = {"binary": ("no", EVIL), "multiclass": ("a", "b", EVIL), "regression": ()}[kind]
    task = TaskSpec(kind, f"{EVIL} label", classes)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)

    def part(features: tuple[str, ...], names: tuple[str, ...], rows: int, level: float) -> SliceMetrics:
        histogram = rng.integers(0, 3, (101, 3)).astype(float) if kind == "binary" else None
        return SliceMetrics(features, names, rows, dict.fromkeys(metric_names(task), level), Details({}, histogram))

    slices = tuple(part((EVIL,), (value,), count, 0.2 + 0.5 * (index % 2)) for index, value in enumerate(values))
    evaluation = Evaluation(part((), (), count * len(values), 0.5), {(EVIL,): slices})
    chosen = EvaluatorOptions(task, ((EVIL,),), **options)
    return to_json(decide(chosen, evaluation, {EVIL: {"auc": 0.4, "accuracy": 0.4}}))


def with_intervals(content: dict[str, Any]) -> dict[str, Any]:
    """Every value of the report gets an interval."""

    def around(values: dict[str, float | None]) -> dict[str, Any]:
        return {name: None if value is None else [value - 0.0123, value + 0.0123] for name, value in values.items()}

    slices = [{**part, "intervals": around(part["metrics"])} for part in content["slices"]]
    gaps = {feature: around(values) for feature, values in content["gaps"].items()}
    return {**content, "intervals": around(content["metrics"]), "slices": slices, "gap_intervals": gaps}


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    bounds = {"equalized_odds_difference": 0.1, "demographic_parity_ratio": 0.2}
    return make_report(make_rows(), GROUPS, max_gaps=bounds, evidence="confident")


@pytest.mark.parametrize("kind", KINDS)
def test_values_from_the_data_are_escaped(kind: str) -> None:
    content = with_comparison(with_intervals(report(kind=kind)))
    content["comparison"]["model"] = EVIL
    page = render_html(content)
    reader = Reader(page)
    own = 2 if kind == "binary" else 0  # the slider's data and code
    assert len(reader.of("script")) == page.count("<script") == page.count("</script") == own
    assert "<!--" not in page
    assert "alert('x')" not in page
    assert reader.text.count(EVIL) > 10  # shown as text
    assert not reader.open


def test_data_of_the_slider_cannot_end_its_element() -> None:
    page = render_html(with_comparison(report()))
    data, _ = Reader(page).scripts
    assert not re.search("[<>&\u2028\u2029]", data)
    assert set(json.loads(data)) == {"texts", "steps", "start", "gaps", "all", "groups"}


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_self_contained_and_says_everything(kind: str) -> None:
    page = render_html(with_comparison(make_report(make_rows(kind), GROUPS)))
    reader = Reader(page)
    assert not re.search(r"src=|url\(|@import|<link|<img|<iframe|://", page)
    assert all((attributes["href"] or "").startswith("#") for attributes in reader.of("a"))
    for metric in columns_of(kind, dict.fromkeys(METRICS[kind])):  # type: ignore[arg-type]
        assert wording(metric).title in reader.text
        assert wording(metric).meaning in reader.text
    assert len(page.encode()) < 300_000


def test_policy_allows_the_pages_own_style_and_script_only() -> None:
    page = render_html(report())
    (policy,) = (attributes["content"] for attributes in Reader(page).of("meta") if "http-equiv" in attributes)
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in (policy or "")
    assert "default-src 'none'" in (policy or "")


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_finds_their_way(kind: str) -> None:
    reader = Reader(render_html(with_comparison(make_report(make_rows(kind), GROUPS))))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {(attributes["href"] or "")[1:] for attributes in reader.of("a")} <= set(ids)
    pictures = reader.of("svg")
    assert len(pictures) >= len(CHARTS[kind])  # type: ignore[index]
    assert all("aria-label" in picture or picture.get("aria-hidden") == "true" for picture in pictures)
    assert all(attributes["scope"] in ("col", "row") for attributes in reader.of("th"))
    assert len(reader.of("caption")) == len(reader.of("table"))
    labelled = {attributes["for"] for attributes in reader.of("label")}
    assert {attributes["id"] for attributes in reader.of("input")} == labelled


def test_verdict_comes_first_with_its_reasons() -> None:
    content = report(("F", "M"), max_gaps={"demographic_parity_difference": 0.1})
    text = Reader(render_html(content)).text
    refusal = "demographic_parity_difference for " + EVIL + " is 0.5, but must be at most 0.1."
    assert text.index("Not blessed: this model will not be pushed") < text.index(refusal) < text.index("All rows")
    assert "✕ refused (bound 0.1)" in text
    assert "The gate compares values with bounds" in text


def test_intervals_are_shown(real: dict[str, Any]) -> None:
    page = render_html(real)
    text = Reader(page).text.replace("\u00a0", " ")
    lower, upper = real["slices"][0]["intervals"]["tpr"]
    assert f"{100 * lower:.1f} to {100 * upper:.1f} %" in text
    lower, upper = real["gap_intervals"]["sex"]["equalized_odds_difference"]
    assert f"{lower:.3f} to {upper:.3f}" in text
    assert "from 50 bootstrap replicates" in text
    assert "only if its whole interval is beyond it" in text
    bars = len(CHARTS["binary"]) * len(real["slices"])
    assert bars / 2 < page.count('class="whisker"') <= bars


def test_page_without_intervals_says_so() -> None:
    content = make_report(make_rows(rows=500), replicates=0)
    page = render_html(content)
    assert "none were asked for (replicates is 0)" in page
    assert 'class="whisker"' not in page
    assert "Whiskers" not in page


def test_worst_groups_are_named(real: dict[str, Any]) -> None:
    text = Reader(render_html(real)).text.replace("\u00a0", " ")
    rates = {part["value"]: part["metrics"]["tpr"] for part in real["slices"] if part["feature"] == "sex"}
    assert rates["Female"] < rates["Male"]
    assert f"Worst true positive rate: Female, {100 * rates['Female']:.1f} %" in text
    assert f"Best true positive rate: Male, {100 * rates['Male']:.1f} %" in text
    assert "Worst false positive rate: Male" in text or "Worst true positive rate: Male" not in text
    assert "Lowest selection rate: Female" in text


def test_gate_of_a_gap_that_is_not_certain() -> None:
    content = report(("F", "M"), max_gaps={"accuracy_difference": 0.45}, evidence="confident")
    check = next(check for check in content["checks"] if check["name"].endswith("accuracy_difference"))
    check |= {"passed": True, "interval": [0.4, 0.6]}
    assert "✓ not certainly beyond (bound 0.45)" in render_html(content)


def test_waived_refusals_are_marked() -> None:
    content = report(("F", "M"), max_gaps={"accuracy_difference": 0.1})
    check = next(check for check in content["checks"] if check["name"].endswith("accuracy_difference"))
    check["waiver"] = {"name": "Ada", "reason": "known", "expires": "2030-01-01"}
    page = render_html(content)
    assert "! waived (bound 0.1)" in page
    assert 'aria-label="waived"' in page


def test_counts_are_those_of_the_rows(real: dict[str, Any]) -> None:
    rows = make_rows()
    female = np.array(rows.features["sex"].values)[rows.features["sex"].codes] == "Female"
    chosen, positive = rows.score[female] >= 0.5, rows.label[female] == 1
    pairs = [positive & chosen, ~positive & chosen, positive & ~chosen, ~positive & ~chosen]
    counts = [female.sum(), positive.sum(), *(pair.sum() for pair in pairs)]
    cells = "".join(f"<td>{count:,}</td>" for count in counts)
    assert f'<th scope="row">Female</th>{cells}</tr>' in render_html(real)


def test_small_slices_are_marked() -> None:
    content = report(("F", "M"), count=10)
    assert [part["too_small"] for part in content["slices"]] == [True, True]
    text = Reader(render_html(content)).text
    assert text.count("too few rows") >= 2
    assert "Left out because of too few rows: F; M." in text
    assert "Fewer than two groups can be compared." in text
    assert content["gaps"][EVIL]["demographic_parity_difference"] is None


def test_empty_and_long_values_have_names() -> None:
    page = render_html(report(("", "x" * 5000)))
    assert "(empty)" in page
    assert "x" * 79 + "…" in page
    assert "x" * 81 not in page


def test_page_stays_small_with_thousands_of_slices() -> None:
    names = tuple(f"{EVIL} number {index} of a crossing of two columns with 50 values each" for index in range(2500))
    content = with_comparison(with_intervals(report(names, max_gaps={"accuracy_difference": 0.01})))
    page = render_html(content)
    assert len(page.encode()) < MEGABYTES * 2**20
    assert "The 200 largest groups are shown; 2300 more are in report.json." in page
    assert "The 40 largest groups are shown; 2460 more are in report.json." in page
    assert len(content["slices"]) == 2500
    data = json.loads(Reader(page).scripts[0])
    assert [len(slices) for slices in data["groups"]] == [2500]  # so that gaps at other thresholds are those of all


def test_many_groups_share_the_page(real: dict[str, Any]) -> None:
    few, many = Limits.of(real), Limits.of({"gaps": dict.fromkeys(range(30))})
    assert few.rows == 200
    assert (many.bars, many.rows, many.curves, many.histograms) == (5, 20, 5, 83)


def test_reasons_that_name_everybody_are_cut() -> None:
    content = report(("F", "M"))
    content["reasons"] = ["accuracy " * 1000]
    assert len(render_html(content)) < 200_000


def test_metrics_without_words_of_their_own_are_shown() -> None:
    content = report(("F", "M"), "multiclass")
    for part in (content, *content["slices"]):
        part["metrics"]["users_own"] = 0.87654
    text = Reader(render_html(content)).text
    assert "Users own" in text
    assert text.count("0.877") == 4  # all rows, also in the table of groups, and two groups


@pytest.fixture
def fifty(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A report with as many classes as have rates, and as many groups as fill a table."""
    monkeypatch.setitem(reports_for_tests.CLASSES, "multiclass", tuple(f"{EVIL} {number}" for number in range(50)))
    rng = np.random.default_rng(0)
    label, group = rng.integers(0, 50, 3000), rng.integers(0, 20, 3000)
    score = rng.dirichlet(np.ones(50), 3000) + 0.05 * np.eye(50)[label]
    score /= score.sum(axis=1, keepdims=True)
    return make_report(Predictions(label, score, {"city": Column.of(group)}), (("city",),))


def test_classes_are_shown_by_group_with_the_worst() -> None:
    content = make_report(make_rows("multiclass"), GROUPS)
    text = Reader(render_html(content)).text.replace("\u00a0", " ")
    for feature in ("sex", "race"):
        assert f"Each class against the rest, by groups of {feature}" in text
        worst = content["gap_classes"][feature]["equal_opportunity_difference"]["worst"]
        assert f"Class {worst}Worst true positive rate: " in text
    female = next(part for part in content["slices"] if part["value"] == "Female")
    for rate in ("selection_rate", "tpr", "fpr", "precision"):
        low, high = female["class_intervals"][rate][1]
        assert f"{100 * female['classes'][rate][1]:.1f} % {100 * low:.1f} to {100 * high:.1f} %" in text
    assert render_html(content).count(">largest</span>") == len(GROUPS) * 4
    assert "One class against the rest" in text


def test_page_stays_readable_with_fifty_classes(fifty: dict[str, Any]) -> None:
    page = render_html(fifty)
    assert "The 12 largest groups have columns; differences are between all 20." in Reader(page).text
    assert page.count('class="scroll tall"') >= 4  # tables scroll by themselves
    assert page.count("<script") == 0 and "alert('x')" not in page
    assert len(page.encode()) < MEGABYTES * 2**20


def test_page_of_many_groups_shows_the_classes_that_differ_most(fifty: dict[str, Any]) -> None:
    text = Reader(classes_of(fifty, fifty["slices"], Limits(rows=20))).text
    assert "The 20 classes with the largest differences are shown; all are in report.json." in text


def test_page_of_too_many_classes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reports_for_tests.CLASSES, "multiclass", tuple(map(str, range(60))))
    rng = np.random.default_rng(0)
    features = {"sex": Column.of(np.arange(500) % 2)}
    rows = Predictions(rng.integers(0, 60, 500), rng.dirichlet(np.ones(60), 500), features)
    content = make_report(rows, (("sex",),))
    text = Reader(render_html(content)).text
    assert "There are 60 classes. Rates of each, and gaps by class, are measured for up to 50." in text
    assert "Each class against the rest" not in text and "Equalized odds" not in text
    assert content["classes"] == {} and content["gaps"]["sex"].keys() == {"accuracy_difference"}


def test_json_has_no_nan() -> None:
    content = json.loads(json.dumps(report(), allow_nan=False))
    assert {"metrics", "baseline_metrics", "slices", "gaps", "blessed", "reasons", "checks"} <= set(content)


def test_element_escapes_text_and_attributes_but_not_markup() -> None:
    assert element("p", "a < b", Markup("<b>c</b>"), title='"', class_=None) == '<p title="&quot;">a &lt; b<b>c</b></p>'
