"""Rates of each class against the rest: of all rows, and by group with the largest difference."""

from collections.abc import Sequence

from tfx_automl.components.evaluator.report.limits import Limits, largest
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import count_cell, details, row, table, two_lines, value_cell
from tfx_automl.components.evaluator.report.text import Report, Slice, format_value, name_of, names_of_features, shorten
from tfx_automl.components.evaluator.report.words import wording
from tfx_automl.models.class_rates import MOST_CLASSES, RATES

_SHOWN = tuple(rate for rate in RATES if rate != "mean_label")
_UNFOLDED = "tpr"  # the others are folded away
_MOST_GROUPS = 12  # columns of a table
_DIFFERENCE = "Largest difference"


def classes_of_all(report: Report) -> Markup:
    """Returns the rates of each class over all rows; nothing for tasks without several classes."""
    if report["task"]["kind"] != "multiclass":
        return join(())
    if not report["classes"]:
        count = len(report["task"]["classes"])
        note = f"There are {count:,} classes. Rates of each, and gaps by class, are measured for up to {MOST_CLASSES}."
        return element("p", note, class_="soft")
    rows = [
        row([shorten(name)], [count_cell(_true_rows(report, report["rows"], number)), *_rates(report, number)])
        for number, name in enumerate(report["task"]["classes"])
    ]
    titles = ("Class", "Rows of it", *(wording(rate).title for rate in _SHOWN))
    caption = "All rows, one class against the rest: rows of the class count as positive, all others as negative."
    return join([element("h3", "By class"), table(titles, rows, caption)])


def _true_rows(part: Slice, rows: float, number: int) -> float:
    share: float = part["classes"]["mean_label"][number] or 0.0
    return round(share * rows)


def _rates(part: Slice, number: int) -> list[Markup]:
    return [_cell(part, rate, number) for rate in _SHOWN]


def _cell(part: Slice, rate: str, number: int) -> Markup:
    return value_cell(part["classes"][rate][number], part["class_intervals"][rate][number], share=True)


def classes_of(report: Report, slices: Sequence[Slice], limits: Limits) -> Markup:
    """Returns the rates of each class by group; nothing without rates by class."""
    judged = [part for part in slices if not part["too_small"]]
    if not report["classes"] or not judged:
        return join(())
    tables = {rate: _table(report, judged, rate, limits) for rate in _SHOWN}
    folded = [
        details(f"{wording(rate).title} by class and group", content)
        for rate, content in tables.items()
        if rate != _UNFOLDED
    ]
    title = element("h3", f"Each class against the rest, by groups of {names_of_features(judged[0])}")
    return join([title, tables[_UNFOLDED], *folded])


def _table(report: Report, judged: Sequence[Slice], rate: str, limits: Limits) -> Markup:
    """Returns a table with a row for each class and a column for each of the largest groups."""
    classes = report["task"]["classes"]
    spreads = [_spread(judged, rate, number) for number in range(len(classes))]
    ordered = sorted(range(len(classes)), key=lambda number: -(spreads[number][0] or 0.0))
    worst = ordered[0] if spreads[ordered[0]][0] else None
    shown = largest(judged, min(_MOST_GROUPS, limits.bars))
    numbers = sorted(ordered[: limits.rows])
    rows = [
        row(
            _name(shorten(classes[number]), number == worst),
            [
                count_cell(_true_rows(report, report["rows"], number)),
                _cell(report, rate, number),
                *(_of_group(part, rate, number) for part in shown),
                _difference(*spreads[number]),
            ],
        )
        for number in numbers
    ]
    left = len(judged) - len(shown)
    more = f" The {len(shown)} largest groups have columns; differences are between all {len(judged)}." if left else ""
    if len(numbers) < len(classes):
        more += f" The {len(numbers)} classes with the largest differences are shown; all are in report.json."
    titles = ("Class", "Rows of it", "All rows", *map(name_of, shown), _DIFFERENCE)
    return table(titles, rows, f"{wording(rate).title}. {_MEANINGS[rate]}{more}")


_MEANINGS = {
    "selection_rate": "The share of a group's rows that are predicted as the class.",
    "tpr": "Of a group's rows that truly are of the class, the share predicted as it.",
    "fpr": "Of a group's rows that truly are of other classes, the share predicted as the class.",
    "precision": "Of a group's rows predicted as the class, the share that truly are of it.",
}


def _name(name: str, worst: bool) -> list[str]:
    return [name, " ", element("span", "largest", class_="chip note")] if worst else [name]


def _of_group(part: Slice, rate: str, number: int) -> Markup:
    """Returns a cell with a rate and its interval, or with the reason why there is none."""
    if part["classes"][rate][number] is None:
        return two_lines(format_value(None), "no such rows")
    return _cell(part, rate, number)


def _spread(judged: Sequence[Slice], rate: str, number: int) -> tuple[float | None, str]:
    """Returns the largest difference of a rate between groups, and between which."""
    known = {name_of(part): value for part in judged if (value := part["classes"][rate][number]) is not None}
    if len(known) < 2:
        return None, "fewer than two groups"
    low, high = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
    return known[high] - known[low], f"{shorten(low, 24)} to {shorten(high, 24)}" if known[high] > known[low] else ""


def _difference(width: float | None, between: str) -> Markup:
    value = format_value(width) if width is None else f"{100 * width:.1f} points"
    return two_lines(value, between)
