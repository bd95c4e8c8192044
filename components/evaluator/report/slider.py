"""The threshold slider: rates by slice, and gaps, at any decision threshold.

The page shows the report's own numbers, and keeps them without JavaScript. `slider.js` replaces them by those at
another threshold, from the histograms that the page carries, and restores them at the report's threshold.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_automl.components.evaluator.report.curves import HUNDREDTHS, Histogram
from tfx_automl.components.evaluator.report.group_thresholds import at_common
from tfx_automl.components.evaluator.report.limits import Limits, hidden, largest, with_histograms
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import count_cell, row, slice_row, table
from tfx_automl.components.evaluator.report.text import Report, Slice, format_value, names_of_features, slices_of
from tfx_automl.components.evaluator.report.words import gap_title, wording
from tfx_automl.models.fairness import GAPS, GapDefinition

RATES = ("selection_rate", "tpr", "fpr", "precision", "accuracy")
LIVE_GAPS: tuple[GapDefinition, ...] = tuple(gap for gap in GAPS["binary"] if set(gap.metrics) <= set(RATES))
DATA_ID = "threshold-data"

_ALL = "all"
_STATIC = "The tables show rates and gaps at the report's decision threshold."
_ONE_FOR_ALL = (
    "The slider moves one threshold that all rows have in common, and so do the numbers here: they begin at the common"
    " threshold of this model, and do not show what its thresholds by group do; for that, see “Per-group thresholds”."
)
_SPOKEN_GAP = "equalized_odds_difference"
_NEAR = 1e-5  # a hundredth as float32


@dataclass(frozen=True)
class _Group:
    """A group on the slider's part of the page: slices with data, and those of them with a row in the table."""

    number: int
    feature: str
    carried: Sequence[Slice]
    shown: Sequence[Slice]
    judged: int


def slider_section(report: Report, limits: Limits) -> Markup:
    """Returns the slider, its tables and its data; nothing without histograms of scores.

    It moves one threshold for all rows, and starts with the numbers at that, also where groups have their own.
    """
    if not report["histogram"]:
        return join(())
    by_group, report = bool(report.get("group_thresholds")), at_common(report)
    groups = [_group(report, number, feature, limits) for number, feature in enumerate(report["gaps"])]
    return join(
        [
            element("noscript", element("p", "The slider needs JavaScript, which is switched off here. ", _STATIC)),
            *([element("p", _ONE_FOR_ALL)] if by_group else ()),
            element("p", "The slider works where this page is open in a browser.", class_="print-only soft"),
            _control(report),
            _status(report, groups),
            *(_tables(report, group) for group in groups),
            _json_script(_data(report, groups)),
        ]
    )


def _group(report: Report, number: int, feature: str, limits: Limits) -> _Group:
    slices = slices_of(report, feature)
    carried = with_histograms(slices, limits.histograms)
    judged = sum(not part["too_small"] for part in slices)
    return _Group(number, feature, carried, largest(carried, limits.curves), judged)


def positions(start: float) -> tuple[list[str], list[int | None], int]:
    """Returns where the slider stands still.

    Args:
        start: The report's decision threshold.

    Returns:
        The thresholds as texts: all hundredths, and the start; their hundredths, None for a start between two; and
        which of them is the start.
    """
    texts: list[str] = [f"{step / HUNDREDTHS:g}" for step in range(HUNDREDTHS + 1)]
    steps: list[int | None] = list(range(HUNDREDTHS + 1))
    place = min(max(math.ceil(start * HUNDREDTHS - _NEAR), 0), HUNDREDTHS + 1)
    if place <= HUNDREDTHS and abs(start * HUNDREDTHS - place) < _NEAR:
        return texts, steps, place
    return [*texts[:place], f"{start:g}", *texts[place:]], [*steps[:place], None, *steps[place:]], place


def _control(report: Report) -> Markup:
    texts, _, start = positions(report["decision_threshold"])
    whose = "common" if report.get("group_thresholds") else "report's"
    return element(
        "div",
        element("label", "Decision threshold", for_="threshold-slider"),
        element(
            "input",
            type="range",
            id="threshold-slider",
            min=0,
            max=len(texts) - 1,
            step=1,
            value=start,
            autocomplete="off",
            aria_valuetext=texts[start],
        ),
        element("output", texts[start], for_="threshold-slider", aria_live="off"),
        element("button", f"Back to {texts[start]}, the {whose} threshold", type="button"),
        class_="control",
        hidden="hidden",
    )


def _status(report: Report, groups: Sequence[_Group]) -> Markup:
    """Returns a sentence that is read out when the threshold changes."""
    texts, _, start = positions(report["decision_threshold"])
    parts: list[str] = [
        "At the threshold ",
        element("span", texts[start], data_threshold=""),
        ", ",
        _live(report, "span", "selection_rate", slice=_ALL),
        " of all rows are predicted positive, and ",
        _live(report, "span", "accuracy", slice=_ALL),
        " are predicted right.",
    ]
    for group in groups:
        if group.carried:
            title = f" {gap_title(_SPOKEN_GAP)} between groups of {names_of_features(group.carried[0])}: "
            parts += [title, _live_gap(report, "span", group, _SPOKEN_GAP), "."]
    return element("p", *parts, role="status", aria_live="polite", aria_atomic="true", class_="status")


def _live(part: Mapping[str, Any], tag: str, rate: str, **place: object) -> Markup:
    """Returns an element with a rate at the start; the script finds it by its place."""
    text = format_value(part["metrics"][rate], share=True)
    return element(tag, text, data_rate=rate, **{f"data_{name}": value for name, value in place.items()})


def _live_gap(report: Report, tag: str, group: _Group, name: str) -> Markup:
    text = format_value(report["gaps"][group.feature][name])
    return element(tag, text, data_gap=name, data_group=group.number)


def _tables(report: Report, group: _Group) -> Markup:
    if not group.carried:
        return element("p", f"No group of {group.feature} has enough rows.", class_="soft")
    names = names_of_features(group.carried[0])
    return join([element("h3", f"Groups of {names}"), _rates(report, group), _gaps(report, group)])


def _rates(report: Report, group: _Group) -> Markup:
    overall = [count_cell(report["rows"]), *(_live(report, "td", rate, slice=_ALL) for rate in RATES)]
    rows = [row(["All rows"], overall, "all")]
    shown = {id(part) for part in group.shown}
    for number, part in enumerate(group.carried):
        if id(part) in shown:
            cells = [_live(part, "td", rate, group=group.number, slice=number) for rate in RATES]
            rows.append(slice_row(part, [count_cell(part["count"]), *cells]))
    titles = ("Group", "Rows", *(wording(rate).title for rate in RATES))
    return table(titles, rows, f"Rates at this threshold.{hidden(group.carried, group.shown)}")


def _gaps(report: Report, group: _Group) -> Markup:
    rows = [
        row(
            [gap_title(gap.name)],
            [
                _live_gap(report, "td", group, gap.name),
                element("td", format_value(report["gaps"][group.feature][gap.name])),
            ],
        )
        for gap in LIVE_GAPS
    ]
    carried = len(group.carried)
    note = f" At other thresholds they are those between the {carried} largest groups." * (carried < group.judged)
    beside = "At the common threshold" if report.get("group_thresholds") else "In the report"
    return table(("Gap", "At this threshold", beside), rows, f"Gaps at this threshold.{note}")


def _data(report: Report, groups: Sequence[_Group]) -> dict[str, Any]:
    """Returns what `slider.js` computes with."""
    texts, steps, start = positions(report["decision_threshold"])
    return {
        "texts": texts,
        "steps": steps,
        "start": start,
        "gaps": {gap.name: {"kind": gap.kind, "metrics": gap.metrics} for gap in LIVE_GAPS},
        "all": _counts(report["histogram"]),
        "groups": [[_counts(part["histogram"]) for part in group.carried] for group in groups],
    }


def _counts(histogram: Histogram) -> list[list[float]]:
    """Returns positive and negative rows by hundredth; whole numbers are written without a fraction."""
    return [[int(count) if count == int(count) else count for count in counts] for counts in histogram[:2]]


def _json_script(data: Mapping[str, Any]) -> Markup:
    """Returns data as an element that no text in it can end; ASCII, so without U+2028 and U+2029, too."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return element("script", Markup(text), type="application/json", id=DATA_ID)
