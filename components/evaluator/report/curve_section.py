"""ROC curves and calibration plots of a group's slices, and the same as tables."""

from collections.abc import Sequence

from tfx_automl.components.evaluator.report.curves import (
    BUCKETS,
    HUNDREDTHS,
    Bucket,
    Histogram,
    calibration,
    roc,
    roc_at,
)
from tfx_automl.components.evaluator.report.limits import Limits, chunks, hidden, with_histograms
from tfx_automl.components.evaluator.report.lines import STYLES, Axes, Line, line_chart
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import details, slice_row, table, two_lines
from tfx_automl.components.evaluator.report.text import Report, Slice, format_value, name_of

_FEWEST_ROWS = 10  # of a point of a calibration plot
_TENTHS = range(BUCKETS, HUNDREDTHS, BUCKETS)


def curves_of(report: Report, slices: Sequence[Slice], limits: Limits) -> Markup:
    """Returns the curves of the largest slices; nothing if there are none, as for tasks that are not binary."""
    shown = with_histograms(slices, limits.curves)
    if not shown or not report["histogram"]:
        return join(())
    panels = list(chunks(shown, STYLES))
    figures = [figure for panel in panels for figure in _figures(report, panel, _place(panel, shown))]
    note = (
        "The dotted black line is that of all rows. Groups with too few rows have no curves, and tenths of the "
        f"probabilities with fewer than {_FEWEST_ROWS} rows no points.{hidden(_judged(slices), shown)}"
    )
    return join(
        [
            element("h3", "ROC curves and calibration"),
            element("div", *figures, class_="charts"),
            element("p", note, class_="soft"),
            details("ROC curves as a table", _roc_table(shown)),
            details("Calibration as a table", _calibration_table(shown)),
        ]
    )


def _judged(slices: Sequence[Slice]) -> list[Slice]:
    return [part for part in slices if not part["too_small"]]


def _place(panel: Sequence[Slice], shown: Sequence[Slice]) -> str:
    """Returns which of the groups a chart has, if it has not all of them."""
    return "" if len(panel) == len(shown) else f", {name_of(panel[0])} to {name_of(panel[-1])}"


def _figures(report: Report, panel: Sequence[Slice], place: str) -> list[Markup]:
    overall = {**report, "values": ["All rows"]}
    styles = ["style-all", *(f"style-{number}" for number in range(len(panel)))]
    lines = list(zip((overall, *panel), styles, strict=True))
    roc_axes = Axes(f"ROC curves{place}", "False positive rate", "True positive rate")
    calibration_axes = Axes(f"Calibration{place}", "Mean predicted probability", "Share that is positive")
    return [
        line_chart(roc_axes, [_roc_line(part, style) for part, style in lines]),
        line_chart(calibration_axes, [_calibration_line(part, style) for part, style in lines]),
    ]


def _roc_line(part: Slice, style: str) -> Line:
    return Line(f"{name_of(part)}: AUC {format_value(part['metrics']['auc'])}", roc(part["histogram"]), style)


def _calibration_line(part: Slice, style: str) -> Line:
    known = [bucket for bucket in calibration(part["histogram"]) if bucket and bucket.rows >= _FEWEST_ROWS]
    points = [(bucket.score, bucket.positive) for bucket in known]
    label = f"{name_of(part)}: calibration {format_value(part['metrics']['calibration'])}"
    return Line(label, points, style, dots=True)


def _roc_table(slices: Sequence[Slice]) -> Markup:
    titles = ("Group", *(f"from {hundredth / HUNDREDTHS:g}" for hundredth in _TENTHS))
    rows = [slice_row(part, _roc_cells(part["histogram"])) for part in slices]
    caption = "True positive rate, and below it false positive rate, where rows are positive from this probability on."
    return table(titles, rows, caption)


def _roc_cells(histogram: Histogram) -> list[Markup]:
    points = roc(histogram)
    if not points:
        return [element("td", format_value(None)) for _ in _TENTHS]
    pairs = (roc_at(points, hundredth) for hundredth in _TENTHS)
    return [two_lines(format_value(tpr, share=True), format_value(fpr, share=True)) for fpr, tpr in pairs]


def _calibration_table(slices: Sequence[Slice]) -> Markup:
    titles = ("Group", *(f"{place / BUCKETS:g} to {(place + 1) / BUCKETS:g}" for place in range(BUCKETS)))
    rows = [slice_row(part, [_bucket_cell(bucket) for bucket in calibration(part["histogram"])]) for part in slices]
    caption = "Share that truly is positive, and below it how many rows there are, by the predicted probability."
    return table(titles, rows, caption)


def _bucket_cell(bucket: Bucket | None) -> Markup:
    if bucket is None:
        return two_lines(format_value(None), "0 rows")
    return two_lines(format_value(bucket.positive, share=True), f"{bucket.rows:,.0f} rows")
