"""Plain tables, which look like those of the notebook that they stand in, and numbers for people."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.markup import Markup, element

_LINE = "border-bottom:1px solid rgba(128,128,128,.3);padding:3px 9px;vertical-align:top"
_LEFT, _RIGHT = f"{_LINE};text-align:left", f"{_LINE};text-align:right;font-variant-numeric:tabular-nums"
_STRONG = ";font-weight:600;background:rgba(128,128,128,.12)"
_TABLE = "border-collapse:collapse;font-size:13px;margin:4px 0 14px"
SOFT = "opacity:.75;font-size:13px;margin:2px 0 8px"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: What stands above it.
        words: Whether it holds words, which begin at the left, and not numbers.
    """

    title: str
    words: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], caption: str = "", strong: int = 0) -> Markup:
    """Returns a table that scrolls sideways where it is too wide.

    Args:
        columns: From left to right; the first one names the row.
        rows: Markup is taken as it is, other text is escaped.
        caption: What stands above all.
        strong: So many rows at the top are set off.
    """
    titles = [element("th", column.title, scope="col", style=_style(column)) for column in columns]
    body = [_row(columns, row, number < strong) for number, row in enumerate(rows)]
    parts = [element("thead", element("tr", *titles)), element("tbody", *body)]
    whole = element("table", *parts, style=_TABLE)
    above = [element("p", caption, style=SOFT)] if caption else []
    return element("div", *above, element("div", whole, style="overflow-x:auto"))


def _row(columns: Sequence[Column], cells: Sequence[str], strong: bool) -> Markup:
    more = _STRONG if strong else ""
    first = element("th", cells[0], scope="row", style=_style(columns[0]) + ";font-weight:500" + more)
    pairs = zip(columns[1:], cells[1:], strict=True)
    return element("tr", first, *(element("td", cell, style=_style(column) + more) for column, cell in pairs))


def _style(column: Column) -> str:
    return _LEFT if column.words else _RIGHT


def number(value: object) -> str:
    """Returns a value for people: four digits that matter, thousands apart, a dash for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (value.is_integer() and 1000 <= abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:.4f}" if 0.01 <= abs(value) < 1 else f"{value:.4g}"


def seconds(value: float | None) -> str:
    """Returns a time for people."""
    return "–" if value is None else f"{value:,.1f}"


def setting(value: object) -> str:
    """Returns the value of a hyperparameter: no more digits than it has."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def with_small(large: str, small: str) -> Markup:
    """Returns a cell with a second, smaller line."""
    return element("span", large, Markup("<br/>"), element("small", small), style="white-space:nowrap")


def share(part: float, whole: float) -> str:
    """Returns a share in per cent; nothing where there is none of it."""
    return "" if not part else f"{100 * part / whole:.1f} %" if whole else "–"


def shortened(text: str, length: int = 40) -> str:
    """Returns a text of at most that length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def heading(text: str) -> Markup:
    """Returns the heading of a view."""
    return element("h3", text, style="margin:10px 0 2px;font-size:17px")


def subheading(text: str) -> Markup:
    """Returns the heading of a part of a view."""
    return element("h4", text, style="margin:12px 0 2px;font-size:14px")


def note(text: str) -> Markup:
    """Returns a line of explanation."""
    return element("p", text, style=SOFT)
