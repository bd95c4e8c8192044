"""Thresholds by group: what they are, and what they change.

The key `group_thresholds` of a report is there for a model that has them. It is what the model card says (`features`,
`common`, `slices` with `values`, `threshold` and `rows`, `criterion`, and `gap` and `accuracy` on the rows that they
were chosen on, each with `before` and `after`), and `at_common`: `metrics`, `intervals`, `slices`, `gaps` and
`gap_intervals` as in the report itself, of the same model with the common threshold for all rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_automl.components.evaluator.report.limits import Limits, hidden, largest
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import count_cell, row, slice_row, table, two_lines, value_cell
from tfx_automl.components.evaluator.report.text import Report, Slice, format_value, shorten
from tfx_automl.components.evaluator.report.words import gap_title, wording
from tfx_automl.models.fairness import GAPS
from tfx_automl.models.group_thresholds import CRITERIA
from tfx_automl.models.groups import value_text

_RATES = ("selection_rate", "tpr", "fpr", "accuracy")
_WARNING = (
    "A row's group decides its threshold, so that rows with equal probabilities may get different predictions. Some "
    "laws forbid that for some decisions, whatever gap it closes."
)


def group_thresholds_section(report: Report, limits: Limits) -> Markup:
    """Returns the thresholds of the groups, and rates and gaps without and with them."""
    own = report["group_thresholds"]
    slices = _slices_of(report, own["features"])
    return join(
        [
            element("p", _what(own), class_="soft"),
            _rates(report, slices, limits.rows) if slices else _thresholds(own, limits.rows),
            *([_gaps(report, slices[0]["feature"])] if slices else ()),
            element("p", _WARNING, class_="soft"),
        ]
    )


def at_common(report: Report) -> Report:
    """Returns a report as if all rows had the common threshold; as it is, if they have."""
    own = report.get("group_thresholds")
    if not own:
        return report
    before = own["at_common"]
    names = ("metrics", "intervals")
    slices = [
        {**part, **{name: other[name] for name in names}}
        for part, other in zip(report["slices"], before["slices"], strict=True)
    ]
    return {**report, **before, "slices": slices}


def threshold_of(own: Mapping[str, Any], part: Slice) -> float:
    """Returns the threshold of the rows of a slice of the group."""
    places = [part["features"].index(name) for name in own["features"]]
    values = [part["values"][place] for place in places]
    found = (each["threshold"] for each in own["slices"] if [value_text(value) for value in each["values"]] == values)
    return float(next(found, own["common"]))


def _slices_of(report: Report, features: Sequence[str]) -> list[Slice]:
    return [part for part in report["slices"] if set(part["features"]) == set(features)]


def _what(own: Mapping[str, Any]) -> str:
    meaning = next(each.meaning for each in CRITERIA if each.name == own["criterion"])
    gap, accuracy = own["gap"], own["accuracy"]
    return (
        f"{gap_title(own['criterion'])} between groups of {shorten(' and '.join(own['features']))}: {meaning}"
        f" On the {own['rows']:,} rows that the thresholds were chosen on, the gap went"
        f" from {format_value(gap['before'])} to {format_value(gap['after'])}, and accuracy from"
        f" {format_value(accuracy['before'], True)} to {format_value(accuracy['after'], True)}. Groups with fewer than"
        f" {own['min_slice_size']} of these rows, unknown and missing values have the common threshold,"
        f" {own['common']:g}."
    )


def _rates(report: Report, slices: Sequence[Slice], limit: int) -> Markup:
    own, shown = report["group_thresholds"], largest(slices, limit)
    before = {(part["feature"], part["value"]): part for part in own["at_common"]["slices"]}
    rows = [
        row(
            ["All rows"],
            [count_cell(report["rows"]), element("td", "–"), *_changes(report, own["at_common"])],
            "all",
        ),
        *(
            slice_row(
                part,
                [
                    count_cell(part["count"]),
                    element("td", f"{threshold_of(own, part):.4g}"),
                    *_changes(part, before[part["feature"], part["value"]]),
                ],
            )
            for part in shown
        ),
    ]
    titles = ("Group", "Rows", "Threshold", *(wording(rate).title for rate in _RATES))
    return table(titles, rows, f"With these thresholds, and below it with the common one.{hidden(slices, shown)}")


def _changes(after: Mapping[str, Any], before: Mapping[str, Any]) -> list[Markup]:
    pairs = ((after["metrics"].get(rate), before["metrics"].get(rate)) for rate in _RATES)
    return [two_lines(format_value(now, share=True), f"was {format_value(then, share=True)}") for now, then in pairs]


def _thresholds(own: Mapping[str, Any], limit: int) -> Markup:
    """Returns the thresholds alone, where the report has no slices of the group."""
    rows = [
        row([", ".join(map(value_text, part["values"]))], [element("td", f"{part['threshold']:.4g}")])
        for part in own["slices"][:limit]
    ]
    more = len(own["slices"]) - len(rows)
    return table(("Group", "Threshold"), rows, f"Thresholds.{f' {more} more are in report.json.' if more else ''}")


def _gaps(report: Report, feature: str) -> Markup:
    sides = (report["group_thresholds"]["at_common"], report)
    rows = [
        row(
            [gap_title(gap.name)],
            [value_cell(side["gaps"][feature][gap.name], side["gap_intervals"][feature][gap.name]) for side in sides],
        )
        for gap in GAPS["binary"]
        if "auc" not in gap.metrics
    ]
    below = ", and below it where it lies with 95 % confidence" if report["replicates"] else ""
    return table(("Gap", "At the common threshold", "With these thresholds"), rows, f"Gaps on these rows{below}.")
