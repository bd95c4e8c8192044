"""One group of sensitive features: charts and tables of its slices."""

from collections.abc import Sequence

from tfx_automl.components.evaluator.report.bars import Bar, bar_chart
from tfx_automl.components.evaluator.report.class_section import classes_of
from tfx_automl.components.evaluator.report.curve_section import curves_of
from tfx_automl.components.evaluator.report.gap_table import gap_table
from tfx_automl.components.evaluator.report.limits import Limits, hidden, largest
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import count_cell, slice_row, table, value_cell
from tfx_automl.components.evaluator.report.text import Report, Slice, name_of, names_of_features
from tfx_automl.components.evaluator.report.words import CHARTS, columns_of, wording

_COUNTS = (
    "Rows",
    "Truly positive",
    "True positives",
    "False positives",
    "False negatives",
    "True negatives",
)


def group_section(report: Report, slices: Sequence[Slice], limits: Limits) -> Markup:
    """Returns everything about the slices of one group."""
    return join(
        [
            _charts(report, slices, limits.bars),
            element("h3", f"Metrics and counts of groups of {names_of_features(slices[0])}"),
            _metrics(report, slices, limits.rows),
            *([_counts(report, slices, limits.rows)] if report["task"]["kind"] == "binary" else ()),
            element("h3", f"Gaps between groups of {names_of_features(slices[0])}"),
            gap_table(report, slices, limits.bars),
            classes_of(report, slices, limits),
            curves_of(report, slices, limits),
        ]
    )


def _charts(report: Report, slices: Sequence[Slice], limit: int) -> Markup:
    shown = largest(slices, limit)
    figures = [_chart(report, shown, metric) for metric in CHARTS[report["task"]["kind"]]]
    whiskers = " Whiskers are 95 % intervals." if report["replicates"] else ""
    note = f"The dashed line is the value over all rows.{whiskers}{hidden(slices, shown)}"
    return join([element("div", *figures, class_="charts"), element("p", note, class_="soft")])


def _chart(report: Report, slices: Sequence[Slice], metric: str) -> Markup:
    words = wording(metric)
    bars = [
        Bar(name_of(part), part["metrics"][metric], part["too_small"], part["intervals"].get(metric)) for part in slices
    ]
    return bar_chart(words.title, bars, report["metrics"][metric], words.share)


def _with_all(report: Report, slices: Sequence[Slice]) -> list[Slice]:
    overall = {**report, "values": ["All rows"], "count": report["rows"], "too_small": False}
    return [overall, *slices]


def _metrics(report: Report, slices: Sequence[Slice], limit: int) -> Markup:
    columns = columns_of(report["task"]["kind"], report["metrics"])
    shown = largest(slices, limit)
    rows = [
        slice_row(part, [count_cell(part["count"]), *_cells(part, columns)], None if number else "all")
        for number, part in enumerate(_with_all(report, shown))
    ]
    below = ", and below them their 95 % intervals" if report["replicates"] else ""
    titles = ("Group", "Rows", *(wording(name).title for name in columns))
    return table(titles, rows, f"Metrics by group{below}.{hidden(slices, shown)}")


def _cells(part: Slice, columns: Sequence[str]) -> list[Markup]:
    return [value_cell(part["metrics"].get(name), part["intervals"].get(name), wording(name).share) for name in columns]


def _counts(report: Report, slices: Sequence[Slice], limit: int) -> Markup:
    shown = largest(slices, limit)
    rows = [
        slice_row(part, [count_cell(count) for count in _confusion(part)], None if number else "all")
        for number, part in enumerate(_with_all(report, shown))
    ]
    caption = f"Numbers of rows: how they truly are, and what was predicted.{hidden(slices, shown)}"
    return table(("Group", *_COUNTS), rows, caption)


def _confusion(part: Slice) -> tuple[int, int, int, int, int, int]:
    rows = part["count"]
    share, tpr, fpr = (part["metrics"].get(name) or 0.0 for name in ("mean_label", "tpr", "fpr"))
    positive = round(rows * share)
    true, false = round(positive * tpr), round((rows - positive) * fpr)
    return rows, positive, true, false, positive - true, rows - positive - false
