"""Bar charts as inline SVG: no script, no font, no network."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.markup import Markup, element

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
    """

    label: str
    value: float | None
    faded: bool = False


def bar_chart(title: str, bars: Sequence[Bar], reference: float | None, share: bool) -> Markup:
    """Returns a figure with one horizontal bar for each slice and a dashed line at the value over all rows.

    Args:
        title: What the bars measure; shown above them.
        bars: From top to bottom.
        reference: Value over all rows.
        share: Whether values are shares, so that the axis goes from 0 to 1; else it goes as far as the values.
    """
    values = [bar.value for bar in bars if bar.value is not None] + ([] if reference is None else [reference])
    low, high = (0.0, 1.0) if share else (min(0.0, *values, 0.0), max(0.0, *values, 0.0))
    scale = _BAR_AREA / ((high - low) or 1.0)
    height = _ROW * len(bars) + 4
    rows = [_row(bar, index, low, scale, share) for index, bar in enumerate(bars)]
    if reference is not None:
        rows += [_reference((reference - low) * scale, index) for index in range(len(bars))]
    spoken = "; ".join(f"{bar.label} {format_value(bar.value, share)}" for bar in bars)
    chart = element(
        "svg",
        *rows,
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        role="img",
        aria_label=f"{title}. {spoken}. All rows: {format_value(reference, share)}.",
    )
    return element("figure", element("figcaption", title), chart)


def _row(bar: Bar, index: int, low: float, scale: float, share: bool) -> Markup:
    top = index * _ROW
    label = bar.label if len(bar.label) <= _LONGEST_LABEL else bar.label[: _LONGEST_LABEL - 1] + "…"
    note = " (too few rows)" if bar.faded else ""
    parts = [element("title", f"{bar.label}{note}"), element("text", label + note, x=0.0, y=top + 10, class_="label")]
    if bar.value is not None:
        left, width = (min(bar.value, 0.0) - low) * scale, max(abs(bar.value) * scale, 1.0)
        kind = "bar faded" if bar.faded else "bar"
        parts.append(element("rect", x=left, y=top + 14, width=width, height=_BAR, rx=2.0, class_=kind))
    text = format_value(bar.value, share)
    parts.append(element("text", text, x=_WIDTH, y=top + 22, class_="value", text_anchor="end"))
    return element("g", *parts)


def _reference(x: float, index: int) -> Markup:
    """Returns the piece of the dashed line beside one bar; pieces, so that it crosses no label."""
    top = index * _ROW
    return element("line", x1=x, x2=x, y1=top + 12, y2=top + 16 + _BAR, class_="reference")


def format_value(value: float | None, share: bool = False) -> str:
    """Returns a metric for people: a share as a percentage, another number with enough digits, a dash for none."""
    if value is None:
        return "–"
    if share:
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if 0.001 <= abs(value) < 1000 else f"{value:.4g}"
