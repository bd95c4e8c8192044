"""Weights of the training rows: what they are, and what they change.

The key `reweighing` of a report is optional. It is what `model_card.json` has under that name: a dict with

- `group`: the features of the group that rows were weighed by;
- `rows`: the splits that the model was trained on;
- `cells`: a list of dicts with `values` (of the features), `label`, `rows` and `weight`;
- `effective_rows`: how many rows without weights would say as much;
- `split`: where `without` and `with` were measured, and `epochs`, for how many the first was trained;
- `without` and `with`: of the model without and with weights, `threshold`, `metrics` by name, and `gaps` by group and
  name; None for what is not defined.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, element, join
from tfx_automl.components.evaluator.report.tables import count_cell, row, table
from tfx_automl.components.evaluator.report.text import Report, format_value, shorten
from tfx_automl.components.evaluator.report.words import gap_title, wording
from tfx_automl.models.groups import group_text

_MOST_ROWS = 200  # of a table of cells; a crossing may have thousands
_Reweighing = Mapping[str, Any]


def reweighing_section(report: Report) -> Markup:
    """Returns the weights, and the model beside the same one without them."""
    found: _Reweighing = report["reweighing"]
    return join(
        [
            element("p", _what(found)),
            _weights(found, report["min_slice_size"]),
            element("h3", f"Without and with weights, on the {found['split']} split"),
            element("p", _how(found), class_="soft"),
            _changes(found),
        ]
    )


def _what(found: _Reweighing) -> str:
    rows = sum(cell["rows"] for cell in found["cells"])
    largest = max(found["cells"], key=lambda cell: float(cell["weight"]))
    weight, of = format_value(largest["weight"]), f"{_group_of(largest)}; {shorten(largest['label'])}"
    return (
        f"The model learned from the rows of {' and '.join(found['rows'])} with weights, by which {_named(found)} says"
        f" nothing about the label among them. The largest weight is {weight}, of {largest['rows']:,} rows ({of})."
        f" Weights make the estimate noisier: {rows:,} weighed rows say as much as {found['effective_rows']:,.0f} rows"
        f" that all count the same.{_empty(found)}"
    )


def _empty(found: _Reweighing) -> str:
    empty = sum(not cell["rows"] for cell in found["cells"])
    if not empty:
        return ""
    what = f"{empty} of {len(found['cells'])} combinations of group and label have no row"
    return f" {what}, which no weight can make up for: there, the group still says something."


def _named(found: _Reweighing) -> str:
    return shorten(group_text(found["group"]))


def _group_of(cell: Mapping[str, Any]) -> str:
    return shorten(", ".join(value or "(empty)" for value in cell["values"]))


def _weights(found: _Reweighing, few: int) -> Markup:
    cells = [cell for cell in found["cells"] if cell["rows"]]
    shown = sorted(cells, key=lambda cell: -cell["rows"])[:_MOST_ROWS] if len(cells) > _MOST_ROWS else cells
    rows = [_weight_row(cell, few) for cell in shown]
    left = (
        f" The {len(shown)} largest are shown; all {len(cells)} are in report.json." if len(shown) < len(cells) else ""
    )
    caption = f"Weight of a training row, by {_named(found)} and label.{left}"
    return table(("Group", "Label", "Rows", "Weight"), rows, caption, ("Label",))


def _weight_row(cell: Mapping[str, Any], few: int) -> Markup:
    chip: Sequence[Markup | str] = (" ", element("span", "few rows", class_="chip note")) if cell["rows"] < few else ()
    cells = [
        element("td", shorten(cell["label"]), class_="words"),
        count_cell(cell["rows"]),
        element("td", format_value(cell["weight"])),
    ]
    return row([_group_of(cell), *chip], cells)


def _how(found: _Reweighing) -> str:
    epochs = f"{found['epochs']} epoch{'s' if found['epochs'] != 1 else ''}"
    return (
        f"The model without weights has the same hyperparameters and seed and was trained for {epochs}. Both were"
        f" measured on rows of {found['split']} that they were not trained on, all of which count the same: fairness is"
        " a matter of how rows really are. The gate looks at the other sections, not at this one."
    )


def _changes(found: _Reweighing) -> Markup:
    rows = [row([name], _cells(before, after, share)) for name, before, after, share in _measured(found)]
    titles = ("Measure", "Without weights", "With weights", "Change")
    return table(titles, rows, f"Metrics and gaps on {found['split']}, without and with weights.")


def _measured(found: _Reweighing) -> Iterator[tuple[str, float | None, float | None, bool]]:
    """Yields each metric and gap: its name, both values, and whether it is a share of rows."""
    before, after = found["without"], found["with"]
    for name, value in before["metrics"].items():
        words = wording("tpr" if name == "recall" else name)
        yield words.title, value, after["metrics"].get(name), words.share
    for group, gaps in before["gaps"].items():
        for name, value in gaps.items():
            yield f"{gap_title(name)}, {shorten(group)}", value, after["gaps"].get(group, {}).get(name), False


def _cells(before: float | None, after: float | None, share: bool) -> list[Markup]:
    values = [element("td", format_value(value, share)) for value in (before, after)]
    if before is None or after is None:
        return [*values, element("td", format_value(None))]
    change = f"{100 * (after - before):+.1f} points" if share else f"{after - before:+.3f}"
    return [*values, element("td", change)]
