"""Gaps between the slices of a group: how large, how certain, and between whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.components.evaluator.report.tables import row, table, value_cell
from tfx_automl.components.evaluator.report.text import Report, Slice, format_value, name_of, shorten
from tfx_automl.components.evaluator.report.verdict import status
from tfx_automl.components.evaluator.report.words import gap_title, wording
from tfx_automl.models.fairness import GapDefinition, gaps_of

_WORDS = ("Gate", "Groups furthest apart")


def gap_table(report: Report, slices: Sequence[Slice], limit: int) -> Markup:
    """Returns the gaps of a group.

    Args:
        report: The whole.
        slices: Those of the group.
        limit: How many small slices are named at most.
    """
    judged = [part for part in slices if not part["too_small"]]
    definitions = gaps_of(report["task"]["kind"], report["task"]["classes"])
    rows = [_row(report, definition, slices[0]["feature"], judged) for definition in definitions]
    return table(("Gap", "Value", *_WORDS), rows, _left_out(slices, limit), _WORDS)


def _left_out(slices: Sequence[Slice], limit: int) -> str:
    small = [name_of(part) for part in slices if part["too_small"]]
    if not small:
        return "All groups are compared."
    more = f"; and {len(small) - limit} more" if len(small) > limit else ""
    return f"Left out because of too few rows: {'; '.join(small[:limit])}{more}."


def _row(report: Report, definition: GapDefinition, feature: str, judged: Sequence[Slice]) -> Markup:
    name = definition.name
    check = next(check for check in report["checks"] if check["name"] == f"gap:{feature}:{name}")
    value, interval = report["gaps"][feature][name], report["gap_intervals"][feature][name]
    meaning = element("span", definition.meaning, class_="meaning")
    return row(
        [gap_title(name), meaning],
        [
            value_cell(value, interval),
            element("td", status(check, definition.kind), class_="words"),
            element("td", *_between(report, definition, feature, judged), class_="words"),
        ],
    )


def _between(report: Report, definition: GapDefinition, feature: str, judged: Sequence[Slice]) -> list[Markup]:
    """Returns the groups that are furthest apart; of a gap by class, those of the class that counts."""
    if not definition.by_class:
        return _extremes(definition, judged)
    worst = report["gap_classes"][feature][definition.name]["worst"]
    if worst is None:
        return _extremes(definition, ())
    number = list(report["task"]["classes"]).index(worst)
    of_class = [
        {**part, "metrics": {rate: values[number] for rate, values in part["classes"].items()}} for part in judged
    ]
    title = element("span", f"Class {shorten(worst)}", class_="extreme strong")
    return [title, *_extremes(definition, of_class)]


def _extremes(definition: GapDefinition, judged: Sequence[Slice]) -> list[Markup]:
    spread = max(filter(None, (_spread(metric, judged) for metric in definition.metrics)), default=None, key=_width)
    if spread is None:
        return [element("span", "Fewer than two groups can be compared.")]
    if not _width(spread):
        return [element("span", "All groups are equal.")]
    words = wording(spread.metric)
    ends = {
        "higher": [("Worst", spread.low), ("Best", spread.high)],
        "lower": [("Worst", spread.high), ("Best", spread.low)],
        None: [("Lowest", spread.low), ("Highest", spread.high)],
    }[words.better]
    title = words.title if words.title.isupper() else words.title.lower()
    return [
        element("span", f"{end} {title}: {name_of(part)}, {format_value(value, words.share)}", class_="extreme")
        for end, part, value in ((end, part, part["metrics"][spread.metric]) for end, part in ends)
    ]


@dataclass(frozen=True)
class _Spread:
    """The slices that are furthest apart in a metric."""

    metric: str
    low: Slice
    high: Slice


def _spread(metric: str, slices: Sequence[Slice]) -> _Spread | None:
    known = [part for part in slices if part["metrics"].get(metric) is not None]
    if len(known) < 2:
        return None
    return _Spread(
        metric,
        min(known, key=lambda part: float(part["metrics"][metric])),
        max(known, key=lambda part: float(part["metrics"][metric])),
    )


def _width(spread: _Spread) -> float:
    return float(spread.high["metrics"][spread.metric] - spread.low["metrics"][spread.metric])
