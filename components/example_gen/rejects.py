"""Writes the rows that could not be read, with their reasons, beside the output."""

import csv
from collections.abc import Sequence
from pathlib import Path

from tfx_automl.components.example_gen.readers import Rejected

FILE = "rejected.csv"


def write(rejected: Sequence[Rejected], folder: Path) -> None:
    """Writes `rejected.csv` with file, row, reason and text, if there is anything to write.

    Args:
        rejected: With their numbers in their files.
        folder: Of the output.
    """
    if not rejected:
        return
    with open(folder / FILE, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "row", "reason", "text"])
        writer.writerows([entry.path, entry.row, entry.reason, entry.text] for entry in rejected)
