"""Values and names of a report as people read them."""

from collections.abc import Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]  # the content of `report.json`
Slice = Mapping[str, Any]  # one of its `slices`

_LONGEST_NAME = 80
_PERCENT = "\u00a0%"  # a space at which no line ends


def format_value(value: float | None, share: bool = False) -> str:
    """Returns a metric for people: a share as a percentage, another number with enough digits, a dash for none."""
    if value is None:
        return "–"
    if share:
        return f"{100 * value:.1f}{_PERCENT}"
    return f"{value:.3f}" if 0.001 <= abs(value) < 1000 else f"{value:.4g}"


def format_interval(interval: Sequence[float] | None, share: bool = False) -> str:
    """Returns an interval for people, `9.1 to 10.5 %`; nothing if it is not known."""
    if interval is None:
        return ""
    lower, upper = interval
    if share:
        return f"{100 * lower:.1f} to {100 * upper:.1f}{_PERCENT}"
    return f"{format_value(lower)} to {format_value(upper)}"


def with_interval(value: float | None, interval: Sequence[float] | None, share: bool = False) -> str:
    """Returns a value with its interval in brackets, where there is one."""
    known = format_interval(interval, share)
    return format_value(value, share) + (f" ({known})" if known else "")


def shorten(text: str, longest: int = _LONGEST_NAME) -> str:
    """Returns the beginning of a text, so that a page of names that are long texts stays a page."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def name_of(part: Slice) -> str:
    """Returns the name of a slice."""
    return shorten(", ".join(value or "(empty)" for value in part["values"]))


def names_of_features(part: Slice) -> str:
    """Returns the names of the features of a slice: `sex and race`."""
    return shorten(" and ".join(part["features"]))


def slices_of(report: Report, feature: str) -> list[Slice]:
    """Returns the slices of one group, in their order."""
    return [part for part in report["slices"] if part["feature"] == feature]
