"""How much of a report the page carries: a crossing of two columns with 50 values each has 2,500 slices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfx_automl.components.evaluator.report.text import Report, Slice

_FULL_GROUPS = 3  # with more groups, the page carries less of each
_FEWEST = 5


@dataclass(frozen=True)
class Limits:
    """The number of slices of each group that the page carries, the largest first; `report.json` has all.

    Attributes:
        bars: In bar charts.
        rows: In tables.
        curves: In curves and their tables, and in the tables of the threshold slider.
        histograms: Among which the threshold slider finds gaps.
    """

    bars: int = 40
    rows: int = 200
    curves: int = 40
    histograms: int = 2500

    @classmethod
    def of(cls, report: Report) -> "Limits":
        """Returns the limits for a report with so many groups."""
        groups = max(1, len(report["gaps"]))
        part = min(1.0, _FULL_GROUPS / groups)
        bars, rows, curves = (max(_FEWEST, int(limit * part)) for limit in (cls.bars, cls.rows, cls.curves))
        return cls(bars, rows, curves, cls.histograms // groups)


def largest(slices: Sequence[Slice], limit: int) -> list[Slice]:
    """Returns at most `limit` slices, those with most rows, in their own order."""
    kept = {id(part) for part in sorted(slices, key=lambda part: -part["count"])[:limit]}
    return [part for part in slices if id(part) in kept]


def with_histograms(slices: Sequence[Slice], limit: int) -> list[Slice]:
    """Returns at most `limit` slices that have a histogram and enough rows, the largest, in their own order."""
    return largest([part for part in slices if part["histogram"] and not part["too_small"]], limit)


def hidden(slices: Sequence[Slice], shown: Sequence[Slice]) -> str:
    """Returns a sentence about the slices that are not shown; nothing if all are."""
    left = len(slices) - len(shown)
    return f" The {len(shown)} largest groups are shown; {left} more are in report.json." if left else ""


def chunks(slices: Sequence[Slice], size: int) -> Iterator[Sequence[Slice]]:
    """Yields the slices, so many at a time."""
    for start in range(0, len(slices), size):
        yield slices[start : start + size]
