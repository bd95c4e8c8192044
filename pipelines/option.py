"""How a field of a configuration becomes a flag and a key of the YAML file."""

from collections.abc import Callable
from dataclasses import field
from typing import Any


def option(
    convert: Callable[[object], Any], help_text: str, *, metavar: str = "", repeat: bool = False, **default: Any
) -> Any:
    """A field with what the command line needs to know about it; only `convert` ever sees what a person wrote."""
    return field(metadata={"convert": convert, "help": help_text, "metavar": metavar, "repeat": repeat}, **default)
