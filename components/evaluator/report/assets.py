"""The page's style sheet and script, which lie beside this file."""

from importlib import resources


def read_asset(name: str) -> str:
    """Returns the text of a file of this package."""
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
