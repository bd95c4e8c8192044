"""Tables of a page."""

from collections.abc import Sequence

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.components.evaluator.report.text import Slice, format_interval, format_value, name_of

_TALL = 30  # rows; a longer table scrolls within the page


def table(titles: Sequence[str], rows: Sequence[Markup], caption: str, words: Sequence[str] = ()) -> Markup:
    """Returns a table; where it is too wide or long, it can be scrolled by itself, by keyboard too.

    Args:
        titles: Of the columns; the first has the names of the rows.
        rows: `tr` elements.
        caption: Above the table.
        words: Titles of the columns that have words, not numbers.
    """
    columns = (element("th", title, scope="col", class_="words" if title in words else None) for title in titles)
    head = element("thead", element("tr", *columns))
    content = element("table", element("caption", element("span", caption)), head, element("tbody", *rows))
    kind = "scroll tall" if len(rows) > _TALL else "scroll"
    return element("div", content, class_=kind, role="group", tabindex=0, aria_label=caption)


def row(name: Sequence[str], cells: Sequence[Markup], class_: str | None = None) -> Markup:
    """Returns a row: its name (text and markup), and its cells."""
    return element("tr", element("th", *name, scope="row"), *cells, class_=class_)


def value_cell(value: float | None, interval: Sequence[float] | None = None, share: bool = False) -> Markup:
    """Returns a cell with a value, and below it where it lies with 95 % confidence."""
    known = format_interval(interval, share)
    return element("td", format_value(value, share), *((" ", _small(known)) if known else ()))


def two_lines(first: str, second: str) -> Markup:
    """Returns a cell with a small second line."""
    return element("td", first, " ", _small(second))


def _small(text: str) -> Markup:
    return element("span", text, class_="range")


def count_cell(count: float) -> Markup:
    """Returns a cell with a number of rows."""
    return element("td", f"{count:,.0f}")


def slice_row(part: Slice, cells: Sequence[Markup], class_: str | None = None) -> Markup:
    """Returns a row named after a slice, marked if the slice has too few rows."""
    if not part["too_small"]:
        return row([name_of(part)], cells, class_)
    return row([name_of(part), " ", element("span", "too few rows", class_="chip note")], cells, "small")


def details(summary: str, *content: Markup) -> Markup:
    """Returns something that is folded away until it is asked for."""
    return element("details", element("summary", summary), *content)
