"""Line charts in the unit square as inline SVG, with a legend that does not need colours."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.curves import Point
from tfx_automl.components.evaluator.report.markup import Markup, element

STYLES = 6  # the style sheet has as many colours, each with dashes of its own

_LEFT, _TOP, _RIGHT, _BOTTOM = 36.0, 8.0, 292.0, 216.0
_WIDTH, _HEIGHT = 300.0, 246.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        label: In the legend.
        points: In the unit square.
        style: Its class in the style sheet.
        dots: Whether the points are marked.
    """

    label: str
    points: Sequence[Point]
    style: str
    dots: bool = False


@dataclass(frozen=True)
class Axes:
    """What a chart shows.

    Attributes:
        title: Above it.
        x: Below it.
        y: Beside it.
    """

    title: str
    x: str
    y: str


def line_chart(axes: Axes, lines: Sequence[Line]) -> Markup:
    """Returns a figure with lines over the diagonal, and a legend below.

    Args:
        axes: What it shows.
        lines: Later ones lie over earlier ones; those without points are in the legend only.
    """
    diagonal = element("path", d=_path([(0.0, 0.0), (1.0, 1.0)]), class_="diagonal")
    chart = element(
        "svg",
        *_grid(axes),
        diagonal,
        *(_drawn(line) for line in lines),
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        role="img",
        aria_label=f"{axes.title}: {axes.y} over {axes.x}. {'; '.join(line.label for line in lines)}.",
    )
    legend = element("ul", *(element("li", _sample(line), line.label) for line in lines), class_="legend")
    return element("figure", element("figcaption", axes.title), chart, legend)


def _grid(axes: Axes) -> list[Markup]:
    parts = []
    for tick in _TICKS:
        x, y = _place((tick, tick))
        parts.append(element("path", d=f"M{_LEFT:g} {y:g}H{_RIGHT:g}M{x:g} {_TOP:g}V{_BOTTOM:g}", class_="grid"))
        parts.append(element("text", f"{tick:g}", x=x, y=_BOTTOM + 12, text_anchor="middle", class_="tick"))
        parts.append(element("text", f"{tick:g}", x=_LEFT - 4, y=y + 3, text_anchor="end", class_="tick"))
    middle = (_TOP + _BOTTOM) / 2
    turned = f"rotate(-90 9 {middle:g})"
    parts.append(element("text", axes.x, x=(_LEFT + _RIGHT) / 2, y=_HEIGHT - 5, text_anchor="middle"))
    parts.append(element("text", axes.y, x=9.0, y=middle, text_anchor="middle", transform=turned))
    return parts


def _place(point: Point) -> Point:
    x, y = point
    return round(_LEFT + x * (_RIGHT - _LEFT), 1), round(_BOTTOM - y * (_BOTTOM - _TOP), 1)


def _path(points: Sequence[Point]) -> str:
    places = dict.fromkeys(map(_place, points))  # each place once
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _drawn(line: Line) -> Markup:
    if not line.points:
        return element("g")
    dots = [element("circle", cx=x, cy=y, r=2.4) for x, y in map(_place, line.points)] if line.dots else []
    path = element("path", d=_path(line.points), class_="line")
    return element("g", element("title", line.label), path, *dots, class_=line.style)


def _sample(line: Line) -> Markup:
    stroke = element("g", element("path", d="M1 6H41", class_="line"), class_=line.style)
    return element("svg", stroke, viewBox="0 0 42 12", class_="sample", aria_hidden="true")
