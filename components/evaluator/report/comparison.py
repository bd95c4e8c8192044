"""Comparison with the last blessed model: who wins and who loses.

The key `comparison` of a report is optional. It is a dict with

- `model`: where the last blessed model lies, as text;
- `metrics`: by name, that model's metrics over all rows; None for one that is not defined;
- `differences`: by name of a metric, over all rows, a dict with `value`, this model's minus the last one's, or None,
  and `interval`, `[lower, upper]`, where the difference lies with 95 % confidence, or None;
- `flips`: shares of all rows that this model decides differently: of a binary task `to_positive` and `to_negative`,
  what it makes of the last one's decisions; of several classes `changed`; None if there are no decisions;
- `slices`: a list of dicts with `feature`, `value` and `count` as in the report's own `slices`, and with `differences`
  and `flips` of their rows. Slices that are too small may be missing, and metrics that are not defined.

All metrics are measured on the same rows, each model at its own decision threshold.
"""

from collections.abc import Mapping, Sequence

from tfx_automl.components.evaluator.report.bars import Bar, bar_chart
from tfx_automl.components.evaluator.report.differences import (
    UNKNOWN,
    Difference,
    difference_cell,
    result_cell,
    result_of,
)
from tfx_automl.components.evaluator.report.limits import Limits
from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import count_cell, row, slice_row, table
from tfx_automl.components.evaluator.report.text import (
    Report,
    Slice,
    format_value,
    name_of,
    names_of_features,
    shorten,
    slices_of,
)
from tfx_automl.components.evaluator.report.words import FLIPS, columns_of, wording


def comparison_section(report: Report, limits: Limits) -> Markup:
    """Returns what changes for whom with this model."""
    comparison = report["comparison"]
    main = columns_of(report["task"]["kind"], report["metrics"])[0]
    return join(
        [
            element("p", f"The last blessed model: {shorten(comparison['model'], 300)}.", class_="soft"),
            _overall(report),
            *([_flips(comparison["flips"])] if comparison["flips"] else ()),
            *(_group(report, feature, main, limits) for feature in report["gaps"]),
        ]
    )


def _overall(report: Report) -> Markup:
    comparison = report["comparison"]
    rows = []
    for metric, difference in comparison["differences"].items():
        words = wording(metric)
        values = (comparison["metrics"].get(metric), report["metrics"].get(metric))
        cells = [element("td", format_value(value, words.share)) for value in values]
        cells += [difference_cell(metric, difference), result_cell(metric, difference)]
        rows.append(row([words.title], cells))
    titles = ("Metric", "Last model", "This model", "Difference", "Result")
    caption = "All rows. A difference is this model's value minus the last one's; points are percentage points."
    return table(titles, rows, caption, ("Result",))


def _flips(flips: Mapping[str, float]) -> Markup:
    shares = [f"{FLIPS[name].lower()} {format_value(share, share=True)}" for name, share in flips.items()]
    return element("p", f"Of all rows, decided by this model and not by the last one: {', '.join(shares)}.")


def _group(report: Report, feature: str, main: str, limits: Limits) -> Markup:
    slices = _named(report, feature)
    if not slices:
        return join(())
    ordered = sorted(slices, key=lambda part: _order(main, _of(part, main)))
    shown = _ends(ordered, limits.rows)
    left = len(slices) - len(shown)
    note = f" The {len(shown)} that lose or win most are shown; {left} more are in report.json." if left else ""
    return join(
        [
            element("h3", f"Winners and losers among groups of {names_of_features(slices[0])}"),
            element("p", _summary(ordered, main)),
            element("div", _chart(report, _ends(ordered, limits.bars), main), class_="charts"),
            element("p", "The dashed line is the difference over all rows, the plain one is none.", class_="soft"),
            _slices(report, shown, main, note),
        ]
    )


def _named(report: Report, feature: str) -> list[Slice]:
    """Returns the slices of a comparison, with what the report says of them."""
    known = {part["value"]: part for part in slices_of(report, feature)}
    compared = [part for part in report["comparison"]["slices"] if part["feature"] == feature]
    return [{**known[part["value"]], **part} for part in compared if part["value"] in known]


def _of(part: Slice, metric: str) -> Difference:
    found: Difference = part["differences"].get(metric, UNKNOWN)
    return found


def _order(metric: str, difference: Difference) -> tuple[bool, float]:
    """Orders the largest loss first, and what is not known last."""
    value = difference["value"]
    return value is None, (value or 0.0) * (-1 if wording(metric).better == "lower" else 1)


def _ends(ordered: Sequence[Slice], limit: int) -> list[Slice]:
    """Returns at most `limit` slices from both ends."""
    if len(ordered) <= limit:
        return list(ordered)
    return [*ordered[: limit - limit // 2], *ordered[len(ordered) - limit // 2 :]]


def _summary(slices: Sequence[Slice], main: str) -> str:
    results = [(name_of(part), result_of(main, _of(part, main))) for part in slices]
    texts = []
    for what, wanted in (("Lose", "lost"), ("Win", "won")):
        names = [name for name, result in results if result == wanted]
        texts += [f"{what} in {wording(main).title}: {_listed(names)}."] if names else []
    unclear = sum(result == "unclear" for _, result in results)
    return " ".join([*texts, f"No clear difference: {unclear} of {len(results)} groups."])


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def _chart(report: Report, slices: Sequence[Slice], main: str) -> Markup:
    bars = [
        Bar(name_of(part), difference["value"], part["too_small"], difference["interval"])
        for part, difference in ((part, _of(part, main)) for part in slices)
    ]
    overall = report["comparison"]["differences"].get(main, UNKNOWN)["value"]
    return bar_chart(f"Difference in {wording(main).title}", bars, overall, share=False)


def _slices(report: Report, slices: Sequence[Slice], main: str, note: str) -> Markup:
    comparison = report["comparison"]
    columns = columns_of(report["task"]["kind"], report["metrics"])
    flips = list(comparison["flips"] or ())
    others = [metric for metric in columns if metric in comparison["differences"] and metric != main]
    rows = [
        slice_row(
            part,
            [
                count_cell(part["count"]),
                result_cell(main, _of(part, main)),
                *(difference_cell(metric, _of(part, metric)) for metric in (main, *others)),
                *(_flip_cell(part["flips"], name) for name in flips),
            ],
        )
        for part in slices
    ]
    titles = ["Group", "Rows", "Result", *(wording(metric).title for metric in (main, *others))]
    titles += [FLIPS[name] for name in flips]
    caption = f"Differences by group, the largest loss in {wording(main).title} first.{note}"
    return table(titles, rows, caption, ("Result",))


def _flip_cell(flips: Mapping[str, float] | None, name: str) -> Markup:
    return element("td", format_value((flips or {}).get(name), share=True))
