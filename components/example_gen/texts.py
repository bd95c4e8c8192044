"""Finds out what values that are written as text are, one rule for all the readers of text."""

import contextlib
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from tfx_automl.components.example_gen import types

# Only words: with 1 and 0 among them, the type of a column would depend on which rows are looked at together.
TRUE, FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]
_TIME = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}(:?\d{2}(:?\d{2}(\.\d{1,9})?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_TIME_OF_DAY = r"^\d{2}:\d{2}(:\d{2})?$"
_WITH_ZONE = r"[ T].*(Z|[+-]\d{2}(:?\d{2})?)$"
_FRACTION = r"\.\d+"
_WHOLE = r"^-?\d+$"
_TOO_LONG = r"^-?0*[1-9]\d{38,}$"


def infer(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns a column of text as the narrowest type that all of its values have.

    The rules for a single value are those of Arrow's CSV reader. For a column they are those of `types.join`, which it
    does not follow where times with and without a zone meet, and fractions of seconds years after 2262.

    Args:
        text: string, without spaces around values; nulls where missing.
    """
    if text.null_count == len(text):
        return pa.chunked_array([pa.nulls(len(text))])
    if not _looks_like_more(text):
        return text
    for convert in (_integers, _booleans, times, _times_of_day, _big, _floats):
        with contextlib.suppress(pa.ArrowInvalid):
            if (found := convert(text)) is not None:
                return found
    return text


def _looks_like_more(text: pa.ChunkedArray) -> bool:
    """Tells whether the first value is more than text; if not, the column is text, and nothing else need be tried."""
    value = (text.drop_null() if text.null_count else text)[0].as_py()
    return value[:1] in "-+.0123456789" or value in (*TRUE, *FALSE) or value.lower().lstrip("-")[:3] in ("nan", "inf")


def _all(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())


def _integers(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    return pc.cast(text, pa.int64()) if _all(text, _WHOLE) else None  # 0x1F is text here, unlike Arrow's


def _booleans(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    words = pc.is_in(text, value_set=pa.array([*TRUE, *FALSE]))
    if not pc.all(pc.or_kleene(words, pc.is_null(text))).as_py():
        return None
    return pc.if_else(pc.is_null(text), pa.scalar(None, pa.bool_()), pc.is_in(text, value_set=pa.array(TRUE)))


def times(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Returns dates and times as timestamp[s], rounded down, those without a zone as UTC; None if there is other text.

    Args:
        text: string; nulls where missing.

    Raises:
        pa.ArrowInvalid: Something looks like a time, but is none, such as the 30th of February.
    """
    if not _all(text, _TIME):
        return None
    seconds = pc.replace_substring_regex(text, _FRACTION, "")
    has_hour = pc.greater(pc.utf8_length(seconds), len("2020-01-01"))
    full = pc.if_else(has_hour, seconds, pc.binary_join_element_wise(seconds, "T00", ""))
    zoned = pc.match_substring_regex(full, _WITH_ZONE)
    zoned = pc.and_(zoned, has_hour)
    utc = pc.if_else(zoned, full, pc.binary_join_element_wise(full, "Z", ""))
    return pc.cast(pc.cast(utc, pa.timestamp("s", "UTC")), pa.timestamp("s"))


def find_times(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns text as times where all of it is, else as it is."""
    first = text.drop_null().slice(0, 1) if text.null_count else text.slice(0, 1)
    if len(first) == 0 or not _all(first, _TIME):
        return text
    with contextlib.suppress(pa.ArrowInvalid):
        return found if (found := times(text)) is not None else text
    return text


def _times_of_day(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all(text, _TIME_OF_DAY):
        return None
    moments = pc.cast(pc.binary_join_element_wise("1970-01-01", text, " "), pa.timestamp("s"))
    return pc.cast(pc.cast(moments, pa.int64()), pa.duration("s"))


def _big(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all(text, _WHOLE):
        return None
    if pc.any(pc.match_substring_regex(text, _TOO_LONG)).as_py():
        return text
    return pa.chunked_array([pa.array([_decimal(value) for value in text.to_pylist()], types.BIG)])


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _floats(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if pc.any(pc.match_substring_regex(text, _TOO_LONG)).as_py():
        return None
    return pc.cast(text, pa.float64())


def may_be_big(column: pa.ChunkedArray) -> bool:
    """Tells whether numbers that were read as float64 may be whole ones that do not fit into 64 bits."""
    extremes = pc.min_max(pc.if_else(pc.is_finite(column), column, None)).as_py()
    return any(value is not None and abs(value) >= 2.0**63 for value in extremes.values())
