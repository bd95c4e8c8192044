"""Taxi rows for the benchmark of the pipeline: labelled, repeated, and divided the same for both sides.

Every different row goes to one split with all of its copies, so that no row of the test split is seen in training.
"""

import contextlib
import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LABEL = "big_tipper"
SPLIT_COLUMN = "part"
SHARES = {"train": 70, "eval": 15, "test": 15}
ROWS = 300_040  # the 15,002 rows, 20 times


@dataclass(frozen=True)
class Files:
    """Where the rows are, once for each side.

    Attributes:
        ours: One file, with a column that names the split.
        stock: A folder with a folder for each split: CsvExampleGen cannot divide rows as a column says.
        rows: How many there are, by split.
    """

    ours: Path
    stock: Path
    rows: dict[str, int]


def is_big_tip(fare: str, tips: str) -> bool:
    """Tells whether the tip is more than a fifth of the fare; without one of the two it is not."""
    return bool(fare and tips) and float(tips) > 0.2 * float(fare)


def split_of(row: Sequence[str]) -> str:
    """Returns the split of a row; it depends on the contents alone, so that copies stay together."""
    place = zlib.crc32("\0".join(row).encode()) % sum(SHARES.values())
    for name, share in SHARES.items():
        if place < share:
            return name
        place -= share
    raise AssertionError("the shares cover every place")


def write_files(source: Path, folder: Path, rows: int) -> Files:
    """Writes both layouts of the same rows, in the same order.

    Args:
        source: The taxi rows.
        folder: Where to write.
        rows: How many rows; the source is repeated as often as it takes.
    """
    header, labelled = _read(source)
    files = Files(folder / "taxi.csv", folder / "stock", dict.fromkeys(SHARES, 0))
    with contextlib.ExitStack() as stack:
        whole = stack.enter_context(open(files.ours, "w", encoding="utf-8"))
        whole.write(f"{header},{SPLIT_COLUMN}\n")
        parts = {}
        for name in SHARES:
            (files.stock / name).mkdir(parents=True)
            parts[name] = stack.enter_context(open(files.stock / name / "taxi.csv", "w", encoding="utf-8"))
            parts[name].write(f"{header}\n")
        for number in range(rows):
            split, line = labelled[number % len(labelled)]
            whole.write(f"{line},{split}\n")
            parts[split].write(f"{line}\n")
            files.rows[split] += 1
    return files


def _read(source: Path) -> tuple[str, list[tuple[str, str]]]:
    """Returns the header with the label's name, and of every row the split and the line with the label."""
    with open(source, encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    fare, tips = names.index("fare"), names.index("tips")
    labels = (str(int(is_big_tip(row[fare], row[tips]))) for row in rows)
    lines = [(split_of(row), _line([*row, label])) for row, label in zip(rows, labels, strict=True)]
    return _line([*names, LABEL]), lines


def _line(cells: Sequence[str]) -> str:
    quoted = ('"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\r\n') else cell for cell in cells)
    return ",".join(quoted)
