"""Waivers: somebody answers for it, by name and until a date, that a failed check does not refuse a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tfx_automl.errors import ConfigError

if TYPE_CHECKING:
    from tfx_automl.components.evaluator.checks import Check

WAIVER_PARTS = ("check", "name", "reason", "expires")


@dataclass(frozen=True)
class Waiver:
    """One waiver.

    Attributes:
        check: Name of a check, such as `gap:sex:demographic_parity_difference`; `*` stands for any text.
        name: Who answers for it.
        reason: Why.
        expires: The last day on which it holds, as `2027-01-31`.

    Raises:
        ConfigError: A part is missing, or the date is none.
    """

    check: str
    name: str
    reason: str
    expires: str

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ConfigError(problems)

    def _problems(self) -> Iterator[str]:
        for field in WAIVER_PARTS:
            value = getattr(self, field)
            if not isinstance(value, str) or not value.strip():
                yield f"A waiver needs {', '.join(WAIVER_PARTS)}; got {field}={value!r}."
        try:
            date.fromisoformat(str(self.expires))
        except ValueError:
            yield f"A waiver expires on a day such as 2027-01-31; got {self.expires!r}."

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Waiver:
        """Reads a waiver from a mapping, such as one of a configuration file.

        Raises:
            ConfigError: It has other parts than a waiver.
        """
        if set(given) != set(WAIVER_PARTS):
            raise ConfigError(f"A waiver needs {', '.join(WAIVER_PARTS)}, and nothing else; got {', '.join(given)}.")
        return cls(**{field: str(value) for field, value in given.items()})

    def holds(self, today: date) -> bool:
        """Tells whether it has not expired."""
        return today <= date.fromisoformat(self.expires)

    def to_dict(self) -> dict[str, str]:
        """Returns its parts by name."""
        return asdict(self)


def waived(check: Check, waivers: Sequence[Waiver], today: date) -> Check:
    """Returns a failed check with the waiver for it, if there is one; any other check as it is.

    Args:
        check: What was looked at.
        waivers: All of them.
        today: The day that waivers must not have expired before.
    """
    meant = [waiver for waiver in waivers if check.passed is False and fnmatchcase(check.name, waiver.check)]
    for waiver in meant:
        if waiver.holds(today):
            note = f" Waived by {waiver.name} until {waiver.expires}: {waiver.reason}"
            return replace(check, reason=check.reason + note, waiver=waiver)
    if meant:
        note = f" The waiver by {meant[0].name} expired on {meant[0].expires}."
        return replace(check, reason=check.reason + note)
    return check
