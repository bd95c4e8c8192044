"""`report.html`: the content of `report.json` as one page that needs no network, no script and no server."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.components.evaluator.charts import Bar, bar_chart, format_value
from tfx_automl.components.evaluator.markup import Markup, element, join
from tfx_automl.components.evaluator.style import CSS
from tfx_automl.components.evaluator.words import CHARTS, COLUMNS, WORDS, gap_title
from tfx_automl.models.fairness import GAPS

# A crossing of two columns with 50 values each has 2,500 slices; the page shows the largest, report.json has all.
MAX_BARS = 40
MAX_ROWS = 200

_MEANING = "What it means"
_Report = Mapping[str, Any]
_TOO_SMALL = element("span", "too few rows", class_="chip note")


def render_html(report: _Report) -> str:
    """Returns the page.

    Args:
        report: The content of `report.json`, as `outcome.to_json` makes it. Every text from it is escaped.
    """
    label = report["task"]["label"]
    body = element(
        "main",
        element("h1", f"Fairness report: {label}"),
        element("p", _subtitle(report), class_="soft"),
        _verdict(report),
        _overall(report),
        *(_group(report, feature) for feature in report["gaps"]),
        _glossary(report),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"Fairness report: {label}"),
        element("style", Markup(CSS)),
    )
    return "<!doctype html>\n" + element("html", head, element("body", body), lang="en") + "\n"


def _subtitle(report: _Report) -> str:
    task = report["task"]
    parts = [f"{report['rows']:,} rows of the split {', '.join(report['splits'])}"]
    if task["kind"] == "binary":
        threshold = report["decision_threshold"]
        parts.append(f"positive means “{task['classes'][1]}”, predicted when its probability is at least {threshold:g}")
    if task["kind"] == "multiclass":
        parts.append(f"{len(task['classes'])} classes, the most probable one is predicted")
    if report["gaps"]:
        parts.append(f"groups with fewer than {report['min_slice_size']} rows are not judged")
    return "; ".join(parts) + "."


def _verdict(report: _Report) -> Markup:
    blessed = report["blessed"]
    title = "✓ Blessed: this model may be pushed" if blessed else "✕ Not blessed: this model will not be pushed"
    passed = {check["reason"]: check["passed"] for check in report["checks"]}
    items = [element("li", _mark(passed.get(reason)), reason) for reason in report["reasons"]]
    return element(
        "section",
        element("h2", title),
        element("ul", *items),
        class_=f"verdict {'good' if blessed else 'bad'}",
        aria_label="Verdict",
    )


def _mark(passed: bool | None) -> Markup:
    kind, sign, spoken = {
        True: ("good", "✓", "passed"),
        False: ("bad", "✕", "failed"),
        None: ("note", "·", "not gated"),
    }[passed]
    return element("span", sign, class_=f"mark-{kind}", role="img", aria_label=spoken)


def _overall(report: _Report) -> Markup:
    baseline = report["baseline_metrics"]
    names = [name for name, value in report["metrics"].items() if value is not None]
    titles = ("Metric", "This model", *(name.replace("_", " ").capitalize() for name in baseline))
    rows = [
        element(
            "tr",
            element("th", WORDS[name].title, scope="row"),
            *(
                element("td", format_value(metrics.get(name), WORDS[name].share))
                for metrics in (report["metrics"], *baseline.values())
            ),
        )
        for name in names
    ]
    caption = "Beside it: what trivial and linear predictors reach." if baseline else "No baseline was given."
    return element("section", element("h2", "All rows"), _table(titles, rows, caption))


def _table(titles: Sequence[str], rows: Sequence[Markup], caption: str) -> Markup:
    head = element(
        "thead",
        element(
            "tr",
            *(element("th", title, scope="col", class_="words" if title == _MEANING else None) for title in titles),
        ),
    )
    table = element("table", element("caption", caption), head, element("tbody", *rows))
    return element("div", table, class_="scroll")


def _group(report: _Report, feature: str) -> Markup:
    slices = [entry for entry in report["slices"] if entry["feature"] == feature]
    names = " and ".join(slices[0]["features"])
    return element(
        "section",
        element("h2", f"By {names}"),
        _charts(report, slices),
        _slice_table(report, slices),
        element("h3", f"Gaps between groups of {names}"),
        _gap_table(report, feature),
    )


def _name(entry: Mapping[str, Any]) -> str:
    return ", ".join(entry["values"])


def _charts(report: _Report, slices: Sequence[Mapping[str, Any]]) -> Markup:
    shown = _largest(slices, MAX_BARS)
    figures = [
        bar_chart(
            WORDS[metric].title,
            [Bar(_name(entry), entry["metrics"][metric], entry["too_small"]) for entry in shown],
            report["metrics"][metric],
            WORDS[metric].share,
        )
        for metric in CHARTS[report["task"]["kind"]]
    ]
    note = element("p", f"The dashed line is the value over all rows.{_hidden(slices, shown)}", class_="soft")
    return join([element("div", *figures, class_="charts"), note])


def _largest(slices: Sequence[Mapping[str, Any]], limit: int) -> list[Mapping[str, Any]]:
    """Returns at most `limit` slices, those with most rows, in their own order."""
    kept = {id(entry) for entry in sorted(slices, key=lambda entry: -entry["count"])[:limit]}
    return [entry for entry in slices if id(entry) in kept]


def _hidden(slices: Sequence[Any], shown: Sequence[Any]) -> str:
    hidden = len(slices) - len(shown)
    return f" The {len(shown)} largest groups are shown; {hidden} more are in report.json." if hidden else ""


def _slice_table(report: _Report, slices: Sequence[Mapping[str, Any]]) -> Markup:
    columns, shown = COLUMNS[report["task"]["kind"]], _largest(slices, MAX_ROWS)
    overall = {"values": ["All rows"], "count": report["rows"], "metrics": report["metrics"], "too_small": False}
    rows = [_slice_row(overall, columns, "all"), *(_slice_row(entry, columns, None) for entry in shown)]
    titles = ("Group", "Rows", *(WORDS[name].title for name in columns))
    return _table(titles, rows, f"Metrics by group.{_hidden(slices, shown)}")


def _slice_row(entry: Mapping[str, Any], columns: Sequence[str], kind: str | None) -> Markup:
    name: list[str] = [_name(entry), *((" ", _TOO_SMALL) if entry["too_small"] else ())]
    cells = [element("td", format_value(entry["metrics"].get(name), WORDS[name].share)) for name in columns]
    count = element("td", f"{entry['count']:,}")
    return element(
        "tr", element("th", *name, scope="row"), count, *cells, class_="small" if entry["too_small"] else kind
    )


def _gap_table(report: _Report, feature: str) -> Markup:
    checks = {check["name"]: check for check in report["checks"]}
    rows = [
        element(
            "tr",
            element("th", gap_title(definition.name), scope="row"),
            element("td", format_value(report["gaps"][feature][definition.name])),
            element("td", _status(checks[f"gap:{feature}:{definition.name}"])),
            element("td", definition.meaning, class_="words"),
        )
        for definition in GAPS[report["task"]["kind"]]
    ]
    small = [_name(entry) for entry in report["slices"] if entry["feature"] == feature and entry["too_small"]]
    caption = (
        f"Left out because of too few rows: {'; '.join(small[:MAX_BARS])}." if small else "All groups are compared."
    )
    return _table(("Gap", "Value", "Gate", _MEANING), rows, caption)


def _status(check: Mapping[str, Any]) -> Markup:
    bound = "" if check["bound"] is None else f" (bound {check['bound']:g})"
    kind, text = {
        True: ("good", f"✓ within{bound}"),
        False: ("bad", f"✕ refused{bound}"),
        None: ("plain", "not gated"),
    }[check["passed"]]
    return element("span", text, class_=f"chip {kind}")


def _glossary(report: _Report) -> Markup:
    entries = [
        part
        for name in report["metrics"]
        for part in (element("dt", WORDS[name].title), element("dd", WORDS[name].meaning))
    ]
    return element("section", element("h2", "What the metrics mean"), element("dl", *entries))
