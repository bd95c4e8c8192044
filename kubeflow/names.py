"""Names that Kubernetes, Argo and Kubeflow Pipelines accept, made from the ids of TFX components."""

import hashlib
import re

_LONGEST = 50
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def kebab(text: str) -> str:
    """Returns a name of lower-case words and dashes: `CsvExampleGen.new_data` becomes `csv-example-gen-new-data`.

    Args:
        text: Anything; what has no letter and no digit in it becomes `task`.

    Returns:
        1 to 50 characters that match `[a-z0-9][a-z0-9-]*`; the end of a longer name is replaced by a hash of it.
    """
    name = "-".join(_WORDS.findall(text)).lower() or "task"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - 9].rstrip('-')}-{digest}"


class Names:
    """Hands out names, each only once, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, text: str) -> str:
        """Returns the name for a text, with a number behind it if another text had the same one."""
        return self._take(kebab(text))

    def key(self, wanted: str) -> str:
        """Returns a key of an input as it is wanted, with a number behind it if it is taken."""
        return self._take(wanted)

    def _take(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name
