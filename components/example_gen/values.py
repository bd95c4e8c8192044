"""Counts the values of a column as far as it has few of them: classes of a label, groups of a sensitive column."""

import contextlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.errors import DataError, one_line

MOST_VALUES = 1001
_WHOLE = re.compile(r"-?\d+")


@dataclass(frozen=True)
class Values:
    """The distinct values of a column.

    Attributes:
        counts: Rows by value, as text; whole numbers without a decimal point. Complete unless `more`.
        missing: Rows without a value.
        rows: All rows.
        infinite: Rows whose value is an infinite number.
        more: Whether there are more than `MOST_VALUES` distinct ones.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    missing: int = 0
    rows: int = 0
    more: bool = False
    infinite: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", MappingProxyType(dict(self.counts)))

    def __reduce__(self) -> tuple[type["Values"], tuple[dict[str, int], int, int, bool, int]]:
        """A mapping proxy cannot be sent to another process."""
        return Values, (dict(self.counts), self.missing, self.rows, self.more, self.infinite)

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def are_whole(self) -> bool:
        """Whether every value is a whole number."""
        return not self.more and all(_WHOLE.fullmatch(value) for value in self.counts)

    def __add__(self, other: "Values") -> "Values":
        counts = dict(Counter(self.counts) + Counter(other.counts))
        more = self.more or other.more or len(counts) > MOST_VALUES
        kept = dict(list(counts.items())[:MOST_VALUES]) if more else counts
        infinite = self.infinite + other.infinite
        return Values(kept, self.missing + other.missing, self.rows + other.rows, more, infinite)


def values_of(column: pa.ChunkedArray) -> Values:
    """Counts the values of a column.

    Args:
        column: Numbers, text, or binary that is UTF-8.
    """
    if pa.types.is_list(column.type):
        return Values({}, column.null_count, len(column), more=True)
    found = pc.value_counts(pc.drop_null(as_text(column)))
    more = len(found) > MOST_VALUES
    first = found[:MOST_VALUES].to_pylist()
    counts = {pair["values"]: pair["counts"] for pair in first}
    infinite = pc.sum(pc.is_inf(column)).as_py() or 0 if pa.types.is_floating(column.type) else 0
    return Values(counts, column.null_count, len(column), more, infinite)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns values as text, the same for 1 and 1.0, in whatever block of the data they stand.

    Raises:
        DataError: They are lists, or bytes that are no text.
    """
    if pa.types.is_floating(column.type):
        return _numbers_as_text(column)
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"Values are no text that can name a class, a group or a split ({one_line(error)}); choose another column."
        ) from error


def _numbers_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Writes whole numbers as whole ones, where Arrow would write 1e+15."""
    with contextlib.suppress(pa.ArrowInvalid):
        return pc.cast(pc.cast(column, pa.int64()), pa.string())
    texts = pc.cast(column, pa.string())
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
    digits = pc.cast(pc.cast(pc.if_else(whole, column, None), pa.int64()), pa.string())
    return pc.coalesce(digits, texts)
