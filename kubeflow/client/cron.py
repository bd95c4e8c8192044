"""Schedules: cron expressions as Kubeflow and Vertex want them.

Kubeflow has a field for seconds before the five that cron has; with five it takes the minutes for seconds, and runs at
other times than were meant. Vertex has the five. So both kinds are taken here, and translated.
"""

import re
from collections.abc import Iterator

from tfx_automl.errors import ConfigError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Name, lowest and highest value, names of values from the lowest on, whether `?` may stand for `*`.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...], bool], ...] = (
    ("seconds", 0, 59, (), False),
    ("minutes", 0, 59, (), False),
    ("hours", 0, 23, (), False),
    ("day of the month", 1, 31, (), True),
    ("month", 1, 12, _MONTHS, False),
    ("day of the week", 0, 6, _DAYS, True),
)
_PART = re.compile(r"(\*|\?|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/([0-9]+))?")


def for_target(text: str, target: str) -> str:
    """Returns a schedule in the form that a target wants.

    Args:
        text: Five fields (minutes, hours, day of the month, month, day of the week), or six with seconds before them.
        target: `kubeflow` or `vertex`.

    Raises:
        ConfigError: With one line for every field that is wrong.
    """
    fields = text.split()
    if len(fields) not in (5, 6):
        raise ConfigError(
            f"--schedule: expected five fields as cron has them ('0 6 * * 1' is Mondays at 6:00), or six with seconds "
            f"before them, got {len(fields)}: {text!r}."
        )
    fields = ["0", *fields] if len(fields) == 5 else fields
    problems = [problem for field, rule in zip(fields, _FIELDS, strict=True) for problem in _problems(field, *rule)]
    if target == "vertex" and fields[0] != "0":
        problems.append(f"--schedule: Vertex knows no seconds; the first of six fields must be 0, got {fields[0]!r}.")
    if problems:
        raise ConfigError(problems)
    return " ".join(fields if target == "kubeflow" else fields[1:])


def _problems(field: str, name: str, low: int, high: int, names: tuple[str, ...], question: bool) -> Iterator[str]:
    for part in field.split(","):
        match = _PART.fullmatch(part)
        value, step = match.groups() if match else ("", None)
        numbers = [_number(each, low, names) for each in value.split("-")] if value not in ("*", "?") else [low, high]
        if value == "?" and not question:
            numbers = [-1]
        inside = all(low <= number <= high for number in numbers) and numbers == sorted(numbers)
        if not inside or step == "0" or (step and int(step) > high):
            allowed = f"{low} to {high}{f' or {names[0]} to {names[-1]}' if names else ''}"
            yield (
                f"--schedule: {part!r} is no {name}; expected {allowed}, a range (a-b), a list (a,b) or a step (*/n)."
            )


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    """Returns the value of a number or a name; -1 for anything else."""
    if text.isdecimal():
        return int(text)
    return names.index(text.upper()) + low if text.upper() in names else -1
