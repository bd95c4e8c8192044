"""YAML that every reader understands alike: Kubeflow's backend reads YAML 1.1, where `n` and `on` are truth values.

Every string is quoted, keys too, or stands in a literal block; so nothing is left to a reader's guess. Keys are sorted.
"""

from collections.abc import Mapping
from typing import Any

import yaml


class _Quoting(yaml.SafeDumper):
    """Writes strings in quotes, and those of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Says that nothing is ever written as a reference to something before it."""
        return True


def _text(dumper: _Quoting, text: str) -> yaml.ScalarNode:
    # A block begins at its first character that is no blank; PyYAML itself writes what no block can hold in quotes.
    is_block = "\n" in text and text == text.strip() and "\t" not in text
    style = "|" if is_block else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def to_yaml(*documents: Mapping[str, Any]) -> str:
    """Returns documents as the text of one YAML file.

    Args:
        documents: Of strings, numbers, truth values, lists and mappings.
    """
    _Quoting.add_representer(str, _text)
    options: dict[str, Any] = {"Dumper": _Quoting, "width": 1 << 20, "sort_keys": True, "default_flow_style": False}
    text: str = yaml.dump_all(documents, **options)
    return text
