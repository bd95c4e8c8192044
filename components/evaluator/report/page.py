"""The page: verdict, all rows, groups, thresholds, the last model, and what the words mean."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.assets import read_asset
from tfx_automl.components.evaluator.report.class_section import classes_of_all
from tfx_automl.components.evaluator.report.comparison import comparison_section
from tfx_automl.components.evaluator.report.group_section import group_section
from tfx_automl.components.evaluator.report.group_thresholds import group_thresholds_section
from tfx_automl.components.evaluator.report.limits import Limits
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.own import own_section
from tfx_automl.components.evaluator.report.reweighing import reweighing_section
from tfx_automl.components.evaluator.report.slider import slider_section
from tfx_automl.components.evaluator.report.tables import row, table, value_cell
from tfx_automl.components.evaluator.report.text import Report, names_of_features, shorten, slices_of
from tfx_automl.components.evaluator.report.verdict import subtitle, verdict
from tfx_automl.components.evaluator.report.words import CLASSES, CURVES, IDEAS, wording


@dataclass(frozen=True)
class _Section:
    """A part of the page that the contents link to."""

    id: str
    title: str
    content: Markup


def render_html(report: Report) -> str:
    """Returns the page.

    Args:
        report: The content of `report.json`, as `outcome.to_json` makes it, and optionally with a `comparison`, see
            `comparison`. Every text from it is escaped.
    """
    title = f"Fairness report: {shorten(report['task']['label'])}"
    sections = [section for section in _sections(report) if section.content]
    links = (element("li", element("a", section.title, href=f"#{section.id}")) for section in sections)
    body = element(
        "main",
        element("h1", title),
        element("p", subtitle(report), class_="soft"),
        verdict(report),
        element("nav", element("ul", *links), aria_label="Contents"),
        *(element("section", element("h2", section.title), section.content, id=section.id) for section in sections),
    )
    script = read_asset("slider.js") if report["histogram"] else ""
    scripts = [element("script", Markup(script))] if script else []
    page = element("html", _head(title, script), element("body", body, *scripts), lang="en")
    return f"<!doctype html>\n{page}\n"


def _head(title: str, script: str) -> Markup:
    style = read_asset("style.css")
    # Nothing is loaded from anywhere, and nothing runs but the page's own script.
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {_hash(style)}"
    policy += f"; script-src {_hash(script)}" if script else ""
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(style)),
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _sections(report: Report) -> Iterator[_Section]:
    limits = Limits.of(report)
    yield _Section("all", "All rows", _overall(report))
    for number, feature in enumerate(report["gaps"]):
        slices = slices_of(report, feature)
        yield _Section(f"group-{number}", f"By {names_of_features(slices[0])}", group_section(report, slices, limits))
    if report.get("reweighing"):
        yield _Section("reweighing", "Reweighing", reweighing_section(report))
    if report.get("group_thresholds"):
        yield _Section("group-thresholds", "Per-group thresholds", group_thresholds_section(report, limits))
    yield _Section("threshold", "Other decision thresholds", slider_section(report, limits))
    if report.get("own_metrics"):
        yield _Section("own", "Your own metrics", own_section(report, limits))
    if report.get("comparison"):
        yield _Section("comparison", "Compared with the last blessed model", comparison_section(report, limits))
    yield _Section("words", "What the words mean", _glossary(report))


def _overall(report: Report) -> Markup:
    baseline = report["baseline_metrics"]
    names = [name for name, value in report["metrics"].items() if value is not None]
    titles = ("Metric", "This model", *(name.replace("_", " ").capitalize() for name in baseline))
    rows = [
        row(
            [wording(name).title],
            [
                value_cell(report["metrics"][name], report["intervals"].get(name), wording(name).share),
                *(value_cell(metrics.get(name), share=wording(name).share) for metrics in baseline.values()),
            ],
        )
        for name in names
    ]
    caption = "Beside it: what trivial and linear predictors reach." if baseline else "No baseline was given."
    return join([table(titles, rows, caption), classes_of_all(report)])


def _glossary(report: Report) -> Markup:
    meanings = {wording(name).title: wording(name).meaning for name in report["metrics"]}
    meanings |= {wording(rate).title: wording(rate).meaning for rate in report["classes"] if rate != "mean_label"}
    meanings |= {**IDEAS, **(CURVES if report["histogram"] else {}), **(CLASSES if report["classes"] else {})}
    parts = (part for word, text in meanings.items() if text for part in (element("dt", word), element("dd", text)))
    return element("dl", *parts)
