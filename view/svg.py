"""Drawings as SVG within an `img`: every notebook shows them, also one that nobody has trusted yet.

They have a light background of their own, so that they can be read on a dark page, too.
"""

import base64
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.markup import Markup, element

INK, SOFT, GRID, PAPER, BLUE, ORANGE, GREY = "#1b2430", "#566171", "#dfe5ec", "#ffffff", "#2f62b5", "#c8541b", "#b4bdc9"
COLOURS = (BLUE, ORANGE, "#1a8a5a", "#9b4fb0", "#a87f00", "#c2334d", "#0f8fa8", "#6b7280")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def picture(parts: Sequence[str], width: float, height: float, alt: str, margin: str = "2px 6px 6px 0") -> Markup:
    """Returns a drawing.

    Args:
        parts: What is drawn, from back to front.
        width: In pixels.
        height: Likewise.
        alt: The same in words, for those who cannot see it.
        margin: Around it, as CSS has it.
    """
    paper = element("rect", width=width, height=height, fill=PAPER, rx=6.0)
    drawn = element(
        "svg",
        paper,
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        font_family=_FONT,
    )
    drawable = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", drawn)
    data = base64.b64encode(drawable.encode(errors="replace")).decode("ascii")
    image = element(
        "img",
        src=f"data:image/svg+xml;base64,{data}",
        alt=alt,
        width=width,
        style=f"max-width:100%;height:auto;margin:{margin};vertical-align:middle",
    )
    return Markup(image.replace("</img>", ""))


def text(words: str, x: float, y: float, *, anchor: str = "start", size: float = 12.0, fill: str = INK) -> Markup:
    """Returns words; `anchor` is start, middle or end."""
    return element("text", words, x=x, y=y, text_anchor=anchor, font_size=size, fill=fill)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = GRID, width: float = 1.0) -> Markup:
    """Returns a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width)


def path(points: Sequence[tuple[float, float]], stroke: str, width: float = 1.5, opacity: float = 1.0) -> Markup:
    """Returns a line through points."""
    steps = " ".join(f"{'M' if number == 0 else 'L'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
    return element("path", d=steps, fill="none", stroke=stroke, stroke_width=width, stroke_opacity=opacity)


def dot(x: float, y: float, fill: str, words: str, *, radius: float = 4.0, ring: bool = False) -> Markup:
    """Returns a point; `words` are shown when the drawing stands alone and a mouse is over it."""
    stroke = {"stroke": INK, "stroke_width": 1.6} if ring else {"stroke": PAPER, "stroke_width": 0.7}
    return element("g", element("title", words), element("circle", cx=x, cy=y, r=radius, fill=fill, **stroke))


@dataclass(frozen=True)
class Axis:
    """A range of numbers along one side of a plane.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        log: Whether equal steps are equal factors.
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Sequence[float], *, log: bool = False, margin: float = 0.04) -> "Axis":
        """Returns an axis on which all values have a place; with a single one, it is in the middle."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        if log and low > 0:
            low, high = (low / 1.5, high * 1.5) if low == high else (low, high)
            spare = math.exp((math.log(high) - math.log(low)) * margin)
            return cls(low / spare, high * spare, True)
        spare = (high - low) * margin if high > low else abs(high) * 0.1 or 1.0
        return cls(low - spare, high + spare)

    def place(self, value: float) -> float:
        """Returns where a value is, 0 at the beginning and 1 at the end."""
        if self.log:
            low = math.log(self.low)
            return (math.log(value) - low) / (math.log(self.high) - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, count: int = 5) -> list[float]:
        """Returns round values on the axis, about that many."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            powers = [10.0**power for power in range(first, last + 1)]
            if len(powers) > 1:
                return powers
        return [value for value in _round_steps(self.low, self.high, count) if self.low <= value <= self.high]


def _round_steps(low: float, high: float, count: int) -> list[float]:
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass(frozen=True)
class Plane:
    """Two axes, and where they are in a drawing.

    Attributes:
        x: From left to right.
        y: From bottom to top.
        width: Of the whole drawing, in pixels.
        height: Likewise.
        right: Space on the right, for a legend.
    """

    x: Axis
    y: Axis
    width: float = 720.0
    height: float = 300.0
    right: float = 150.0

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Returns the place of a point in the drawing."""
        left, top, bottom = 66.0, 54.0, 46.0
        across, down = self.width - left - self.right, self.height - top - bottom
        return left + across * self.x.place(x), top + down * (1 - self.y.place(y))

    def frame(self, title: str, x_title: str, y_title: str) -> list[Markup]:
        """Returns the axes with their numbers and titles."""
        (left, bottom), (right, top) = self.at(self.x.low, self.y.low), self.at(self.x.high, self.y.high)
        parts = [text(title, 14, 21, size=14.0), text(x_title, (left + right) / 2, self.height - 9, anchor="middle")]
        for value in self.y.ticks():
            height = self.at(self.x.low, value)[1]
            parts += [
                line(left, height, right, height),
                text(f"{value:g}", left - 7, height + 4, anchor="end", fill=SOFT),
            ]
        for value in self.x.ticks(8):
            across = self.at(value, self.y.low)[0]
            parts.append(text(f"{value:g}", across, bottom + 17, anchor="middle", fill=SOFT))
        parts += [line(left, bottom, right, bottom, SOFT), text(y_title, left - 52, top - 8, fill=SOFT, size=11.5)]
        return parts

    def legend(self, entries: Sequence[tuple[str, str]]) -> Markup:
        """Returns names beside their colours."""
        left, top = self.width - self.right + 14, 48.0
        parts = []
        for number, (name, colour) in enumerate(entries):
            height = top + 19 * number
            parts.append(element("circle", cx=left, cy=height - 4, r=5.0, fill=colour))
            parts.append(text(name if len(name) <= 18 else name[:17] + "…", left + 11, height))
        return element("g", *parts)
