"""Measures the memory of a process with all of its children while it runs."""

import threading
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.2


class PeakMemory:
    """Looks several times a second at how much memory a process and its descendants have; use it in `with`.

    Counts the proportional set size: a page that several processes share counts once. The kernel stops a process while
    it counts, so nothing that is watched should be timed.

    Args:
        root: Number of the process.

    Attributes:
        megabytes: The largest sum so far.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self.megabytes = max(self.megabytes, sum(map(_proportional, _family(self._root))) / 1024)


def _family(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parents.setdefault(_parent(entry), []).append(int(entry.name))
    found, new = [], [root]
    while new:
        found += new
        new = [child for process in new for child in parents.get(process, [])]
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return -1


def _proportional(process: int) -> int:
    """Returns kilobytes."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
