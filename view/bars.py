"""Bar charts of slices, and small ones of distributions."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.view.svg import BLUE, GREY, INK, SOFT, line, picture, text
from tfx_automl.view.tables import number, shortened

_WIDTH, _AREA, _ROW, _TOP = 350.0, 250.0, 34.0, 34.0
_SMALL_WIDTH, _SMALL_HEIGHT = 120.0, 22.0


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        name: What it stands for.
        value: Its length; None if it is not defined.
        faded: Whether there are too few rows to rely on it.
    """

    name: str
    value: float | None
    faded: bool = False


def bar_chart(title: str, bars: Sequence[Bar], reference: float | None) -> Markup:
    """Returns horizontal bars and a line at the value over all rows."""
    values = [bar.value for bar in bars if bar.value is not None] + ([] if reference is None else [reference])
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if low == 0.0 and 0.1 < high <= 1.0:
        high = 1.0  # a share, most likely
    scale = _AREA / ((high - low) or 1.0)
    height = _TOP + _ROW * len(bars) + 8
    parts = [text(shortened(title, 46), 12, 21, size=13.5)]
    for place, bar in enumerate(bars):
        top = _TOP + _ROW * place
        parts.append(text(shortened(bar.name, 44) + (" (too few rows)" if bar.faded else ""), 12, top + 11, size=11.5))
        if bar.value is not None:
            left, width = 12 + (min(bar.value, 0.0) - low) * scale, max(abs(bar.value) * scale, 1.0)
            fill = GREY if bar.faded else BLUE
            parts.append(element("rect", x=left, y=top + 15, width=width, height=11.0, rx=2.0, fill=fill))
        parts.append(text(number(bar.value), _WIDTH - 12, top + 25, anchor="end", fill=SOFT))
        if reference is not None:
            across = 12 + (reference - low) * scale
            parts.append(line(across, top + 13, across, top + 28, INK, 1.4))
    spoken = "; ".join(f"{bar.name} {number(bar.value)}" for bar in bars)
    alt = f"{title}. {spoken}." + ("" if reference is None else f" All rows (the line): {number(reference)}.")
    return picture(parts, _WIDTH, height, alt)


def distribution(heights: Sequence[float], alt: str) -> Markup:
    """Returns a small chart with one bar for each height."""
    highest, step = max(heights, default=0.0) or 1.0, _SMALL_WIDTH / max(len(heights), 1)
    bars = [
        element(
            "rect",
            x=step * place + 0.5,
            y=_SMALL_HEIGHT - (tall := (_SMALL_HEIGHT - 2) * value / highest),
            width=max(step - 1.0, 0.8),
            height=tall,
            fill=BLUE,
        )
        for place, value in enumerate(heights)
    ]
    return picture(bars, _SMALL_WIDTH, _SMALL_HEIGHT, alt, margin="0")
