"""Bar charts as inline SVG: no script, no font, no network."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.components.evaluator.report.text import format_value, shorten, with_interval

_WIDTH = 300.0
_BAR_AREA = 240.0
_ROW = 27.0
_BAR = 9.0
_LONGEST_LABEL = 40


@dataclass(frozen=True)
class Bar:
    """One row of a chart.

    Attributes:
        label: Name of the slice.
        value: Length of the bar; None if it is not defined.
        faded: Whether there are too few rows to rely on it.
        interval: Where the value lies with 95 % confidence; None if that is not known.
    """

    label: str
    value: float | None
    faded: bool = False
    interval: Sequence[float] | None = None


@dataclass(frozen=True)
class _Scale:
    """From values to places."""

    low: float
    unit: float

    @classmethod
    def over(cls, values: Sequence[float]) -> "_Scale":
        low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
        return cls(low, _BAR_AREA / ((high - low) or 1.0))

    def place(self, value: float) -> float:
        return round((value - self.low) * self.unit, 2)


def bar_chart(title: str, bars: Sequence[Bar], reference: float | None, share: bool) -> Markup:
    """Returns a figure with a bar for each slice, its interval, and a dashed line at the value over all rows.

    Args:
        title: What the bars measure; shown above them.
        bars: From top to bottom.
        reference: Value over all rows.
        share: Whether values are shares, so that the axis goes from 0 to 1; else it goes as far as the values.
    """
    scale = _Scale.over([0.0, 1.0] if share else _ends(bars, reference))
    rows = [_row(bar, index * _ROW, scale, share) for index, bar in enumerate(bars)]
    if reference is not None:
        rows += [_line(scale.place(reference), index * _ROW, "reference") for index in range(len(bars))]
    spoken = "; ".join(f"{bar.label} {with_interval(bar.value, bar.interval, share)}" for bar in bars)
    chart = element(
        "svg",
        *rows,
        viewBox=f"0 0 {_WIDTH:g} {_ROW * len(bars) + 4:g}",
        role="img",
        aria_label=f"{title}. {spoken}. All rows: {format_value(reference, share)}.",
    )
    return element("figure", element("figcaption", title), chart)


def _ends(bars: Sequence[Bar], reference: float | None) -> list[float]:
    values = [value for bar in bars for value in (bar.value, *(bar.interval or ())) if value is not None]
    return values if reference is None else [*values, reference]


def _row(bar: Bar, top: float, scale: _Scale, share: bool) -> Markup:
    note = " (too few rows)" if bar.faded else ""
    title = f"{bar.label}{note}: {with_interval(bar.value, bar.interval, share)}"
    label = shorten(bar.label, _LONGEST_LABEL) + note
    parts = [element("title", title), element("text", label, x=0.0, y=top + 10, class_="label")]
    if bar.value is not None:
        left = scale.place(min(bar.value, 0.0))
        width = max(scale.place(max(bar.value, 0.0)) - left, 1.0)
        kind = "bar faded" if bar.faded else "bar"
        parts.append(element("rect", x=left, y=top + 14, width=width, height=_BAR, rx=2.0, class_=kind))
    if scale.low < 0:
        parts.append(_line(scale.place(0.0), top, "zero"))
    if bar.interval is not None:
        left, right = map(scale.place, bar.interval)
        parts += _whisker(left, right, top)
    parts.append(
        element("text", format_value(bar.value, share), x=_WIDTH, y=top + 22, class_="value", text_anchor="end")
    )
    return element("g", *parts)


def _whisker(left: float, right: float, top: float) -> list[Markup]:
    """Returns a whisker, and below it the same somewhat wider, so that it is seen on the bar."""
    middle = top + 14 + _BAR / 2
    d = f"M{left:g} {middle:g}H{right:g}M{left:g} {middle - 3:g}v6M{right:g} {middle - 3:g}v6"
    return [element("path", d=d, class_=name) for name in ("halo", "whisker")]


def _line(x: float, top: float, name: str) -> Markup:
    """Returns the piece of a vertical line beside one bar; pieces, so that it crosses no label."""
    return element("line", x1=x, x2=x, y1=top + 12, y2=top + 16 + _BAR, class_=name)
