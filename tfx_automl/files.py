"""Files that are never half there."""

import os
from pathlib import Path


def write_in_one_step(path: Path, text: str) -> None:
    """Writes a UTF-8 text file so that a reader, or a run after a crash, finds all of it or nothing new.

    Args:
        path: Where to; its folder must exist.
        text: The contents.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
