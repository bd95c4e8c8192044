"""Differences between two models: what they say, and how they are shown."""

from collections.abc import Mapping
from typing import Any, Literal

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.components.evaluator.report.tables import two_lines
from tfx_automl.components.evaluator.report.text import format_value
from tfx_automl.components.evaluator.report.words import wording

Difference = Mapping[str, Any]  # with `value` and `interval`, see `comparison`
Result = Literal["won", "lost", "changed", "unclear"]

UNKNOWN: Difference = {"value": None, "interval": None}
_CHIPS: Mapping[Result, tuple[str, str]] = {
    "won": ("good", "✓ won"),
    "lost": ("bad", "✕ lost"),
    "changed": ("plain", "changed"),
    "unclear": ("plain", "no clear difference"),
}


def result_of(metric: str, difference: Difference) -> Result:
    """Tells who wins: this model or the last one, or nobody if the interval has 0 in it or is not known.

    A metric that is neither good nor bad only changes.
    """
    better, interval = wording(metric).better, difference["interval"]
    if interval is None or interval[0] <= 0 <= interval[1]:
        return "unclear"
    if better is None:
        return "changed"
    return "won" if (interval[0] > 0) == (better == "higher") else "lost"


def result_cell(metric: str, difference: Difference) -> Markup:
    """Returns a cell that tells who wins."""
    kind, text = _CHIPS[result_of(metric, difference)]
    return element("td", element("span", text, class_=f"chip {kind}"), class_="words")


def difference_cell(metric: str, difference: Difference) -> Markup:
    """Returns a cell with a difference, and below it where it lies with 95 % confidence."""
    value, interval, share = difference["value"], difference["interval"], wording(metric).share
    if value is None:
        return element("td", format_value(None))
    if interval is None:
        return element("td", _signed(value, share))
    lower, upper = (_signed(end, share) for end in interval)
    return two_lines(_signed(value, share), f"{lower.removesuffix(' points')} to {upper}")


def _signed(value: float, share: bool) -> str:
    return f"{100 * value:+.1f} points" if share else f"{value:+.4f}"
