"""From what a person writes (a flag, a YAML value) to typed values; each function says what it expected."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tfx_automl.components.evaluator.waivers import WAIVER_PARTS, Waiver
from tfx_automl.errors import ConfigError

_DURATION = re.compile(r"^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?$")


def duration(value: object) -> float:
    """Reads `90`, `90s`, `5m`, `1h30m` as seconds.

    Raises:
        ValueError: The text is no duration, or not above zero.
    """
    text = str(value).strip().lower()
    match = _DURATION.match(text)
    if not text or isinstance(value, bool) or match is None:
        raise ValueError(f"expected a duration such as 90s, 5m or 1h30m, got {value!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    if total <= 0:
        raise ValueError(f"expected a duration above zero, got {value!r}")
    return total


def whole(value: object) -> int:
    """Reads a whole number.

    Raises:
        ValueError: It is none.
    """
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError
        return int(str(value)) if not isinstance(value, float) else int(value)
    except ValueError:
        raise ValueError(f"expected a whole number, got {value!r}") from None


def number(value: object) -> float:
    """Reads a number.

    Raises:
        ValueError: It is none, or not finite.
    """
    try:
        found = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"expected a number, got {value!r}")
    return found


def number_or_name(value: object) -> float | str:
    """Reads a number, or else a name.

    Raises:
        ValueError: It is neither.
    """
    try:
        return number(value)
    except ValueError:
        return text(value)


def text(value: object) -> str:
    """Reads a text; a number in a YAML file counts as the text it is written as.

    Raises:
        ValueError: It is empty, no single value, or what YAML has made of a word such as `yes` or `null`.
    """
    if isinstance(value, (list, tuple, dict)) or value == "":
        raise ValueError(f"expected a text, got {value!r}")
    return _as_written(value)


def _as_written(value: object) -> str:
    """Returns a single value as text, if it can still be told how it was written.

    YAML reads `yes`, `on` and `true` as one value, and `null`, `~` and nothing as another.
    """
    if value is None or isinstance(value, bool):
        words = "null, ~ or nothing" if value is None else "yes, on or true" if value else "no, off or false"
        raise ValueError(f"expected a text, got {value!r}, which is how YAML reads {words}; put it in quotes")
    return str(value)


def yes_or_no(value: object) -> bool:
    """Reads `yes` or `no`, or what YAML has made of such a word.

    Raises:
        ValueError: It is neither.
    """
    word = str(value).strip().lower()
    if word not in ("yes", "true", "on", "no", "false", "off"):
        raise ValueError(f"expected yes or no, got {value!r}")
    return word in ("yes", "true", "on")


def names(value: object) -> tuple[str, ...]:
    """Reads `a,b,c`, quoted as in a CSV file where a name holds a comma (`a,"b,c"`), or a list of names.

    Raises:
        ValueError: There is none, one of them is empty or no text, or the quotes do not match.
    """
    parts = _split(value) if isinstance(value, str) else [value] if isinstance(value, bool) else value
    if not isinstance(parts, Iterable) or isinstance(parts, Mapping):
        raise ValueError(f"expected names separated by commas, got {value!r}")
    found = tuple(_as_written(part).strip() for part in parts)
    if not found or not all(found):
        raise ValueError(f"expected names separated by commas, none of them empty, got {value!r}")
    return found


def _split(value: str) -> list[str]:
    if '"' not in value:
        return value.split(",")  # also names with a line break, which the csv module wants quoted
    try:
        return next(csv.reader([value.strip()], skipinitialspace=True, strict=True))
    except csv.Error:
        raise ValueError(
            "expected names separated by commas, a name with a comma or a line break in double quotes, as in "
            f"'a,\"b,c\"', got {value!r}"
        ) from None


def tokens(value: object) -> tuple[str, ...]:
    """Reads texts, such as those that stand for a missing value: one or a list; the empty text is allowed.

    Raises:
        ValueError: It is no text and no list of texts, or one is what YAML has made of a word such as `yes` or `null`.
    """
    if isinstance(value, (str, bool)):
        return (_as_written(value),)
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return tuple(_as_written(token) for token in value)
    raise ValueError(f"expected a text or a list of texts, got {value!r}")


def slices(value: object) -> tuple[tuple[str, ...], ...]:
    """Reads columns and crossings: `sex`, `["sex", "race"]`, `["sex", "sex,race"]`, `[["sex", "race"]]`.

    A name that holds a comma is quoted as for `names`: `"last, first"`, quotes included.

    Raises:
        ValueError: A name is empty or given twice.
    """
    groups = [value] if isinstance(value, str) else value
    if not isinstance(groups, Iterable) or isinstance(groups, Mapping):
        raise ValueError(f"expected a column name, or `a,b` for a crossing, got {value!r}")
    found = tuple(names(group) for group in groups)
    for group in found:
        if len(set(group)) != len(group):
            raise ValueError(f"a crossing names a column twice: {','.join(group)!r}")
    if len({frozenset(group) for group in found}) != len(found):
        raise ValueError(f"the same column or crossing is given twice: {value!r}")
    return found


def ratios(value: object) -> tuple[int, int, int]:
    """Reads `70,15,15` (or with `/` or `:`): the shares of train, eval and test.

    Raises:
        ValueError: They are not three whole numbers above zero.
    """
    parts = re.split(r"[,/:]", value) if isinstance(value, str) else value
    try:
        shares = tuple(whole(part) for part in parts)  # type: ignore[attr-defined]  # refused below if not iterable
    except (TypeError, ValueError):
        shares = ()
    if len(shares) != 3 or min(shares) <= 0:
        raise ValueError(
            f"expected three whole numbers above zero for train, eval and test, as in 70,15,15, got {value!r}"
        )
    return shares[0], shares[1], shares[2]


def pairs(value: object) -> dict[str, str]:
    """Reads `name=text`, a list of such, or a mapping.

    Raises:
        ValueError: A name or a text is missing.
    """
    if isinstance(value, Mapping):
        found = {str(name): str(text_) for name, text_ in value.items()}
    else:
        parts = [str(part).rpartition("=") for part in ([value] if isinstance(value, str) else _listed(value))]
        found = {name.strip(): text_.strip() for name, _, text_ in parts}
    for name, text_ in found.items():
        if not name or not text_:
            raise ValueError(f"expected NAME=VALUE, got {name}={text_}")
    return found


def bounds(value: object) -> dict[str, float]:
    """Reads `name=0.1`, a list of such, or a mapping from name to number.

    Raises:
        ValueError: With every pair in which a name or a number is missing, and every name that is given twice.
    """
    if isinstance(value, Mapping):
        written = [f"{name}={number}" for name, number in value.items()]
    else:
        written = [str(part) for part in ([value] if isinstance(value, str) else _listed(value))]
    pairs = [_pair(part) for part in written]
    wrong = [repr(part) for part, pair in zip(written, pairs, strict=True) if pair is None]
    counts = Counter(pair[0] for pair in pairs if pair is not None)
    problems = [f"expected NAME=NUMBER, got {', '.join(wrong)}"] if wrong else []
    problems += [f"expected one number for {name}, got {count}" for name, count in counts.items() if count > 1]
    if problems:
        raise ValueError("; ".join(problems))
    return dict(pair for pair in pairs if pair is not None)


def cuts(value: object) -> dict[str, tuple[float, ...]]:
    """Reads `age=25,45`, a list of such, or a mapping from column to numbers.

    Raises:
        ValueError: A name is missing, or what is to be a number is none.
    """
    given: Mapping[str, object] = value if isinstance(value, Mapping) else pairs(value)
    return {str(name): tuple(number(point) for point in _points(points)) for name, points in given.items()}


def _points(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return list(value.split(",")) if isinstance(value, str) else [value]


def losses(value: object) -> dict[str, float | str]:
    """Reads `name=0.1` or `name=1%`, a list of such, or a mapping.

    Raises:
        ValueError: A name or a text is missing.
    """
    return {name: text_ if text_.endswith("%") else _float_or_text(text_) for name, text_ in pairs(value).items()}


def _float_or_text(written: str) -> float | str:
    try:
        return float(written)
    except ValueError:
        return written  # refused where it is known what it bounds


def waivers(value: object) -> tuple[Waiver, ...]:
    """Reads `CHECK; NAME; REASON; 2027-01-31`, a list of such, or a list of mappings with these four parts.

    Raises:
        ValueError: A part is missing, or the last is no date.
    """
    found = []
    for given in [value] if isinstance(value, (str, Mapping)) else _listed(value):
        parts = given if isinstance(given, Mapping) else [part.strip() for part in str(given).split(";")]
        if not isinstance(parts, Mapping) and len(parts) != len(WAIVER_PARTS):
            raise ValueError(f"expected CHECK; NAME; REASON; DATE, got {given!r}")
        named = parts if isinstance(parts, Mapping) else dict(zip(WAIVER_PARTS, parts, strict=True))
        try:
            found.append(Waiver.of(named))
        except ConfigError as error:
            raise ValueError("; ".join(error.problems).rstrip(".")) from None
    return tuple(found)


def _pair(written: str) -> tuple[str, float] | None:
    name, _, number = (part.strip() for part in written.partition("="))
    try:
        return (name, float(number)) if name else None
    except ValueError:
        return None


def _listed(value: object) -> list[Any]:
    if isinstance(value, Iterable):
        return list(value)
    raise ValueError(f"expected NAME=NUMBER, got {value!r}")
