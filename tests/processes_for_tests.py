"""What several tests of runners need: the tree of processes below one, which of them listen, trials that kill."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfx_automl.search.job import EpochRecord, Job
from tfx_automl.search.testing import Valley

_LISTEN = "0A"  # of the states in the kernel's tables of sockets
_SECONDS_BETWEEN_LOOKS = 0.05


def descendants(pid: int) -> set[int]:
    """Returns the processes that descend from one, those that ended but were not waited for left out."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended meanwhile
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found: set[int] = set()
    below = {pid}
    while below:
        below = {child for child, parent in parents.items() if parent in below} - found
        found |= below
    return found


def processes_of(program: str, text: str) -> list[int]:
    """Returns the processes of a program, such as `java`, that were given a text; only those of this namespace."""
    lines = {pid: command_line(pid) for pid in descendants(1)}
    return sorted(pid for pid, line in lines.items() if Path(line.split("\0")[0]).name == program and text in line)


def command_line(pid: int) -> str:
    """Returns the words of the command line of a process, divided by null characters; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:  # it ended meanwhile
        return ""


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Waits until something holds, and fails if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this did not happen in time"
        time.sleep(0.1)


def listening(pids: set[int]) -> set[tuple[int, str]]:
    """Returns the sockets, as process and address, at which any of the processes waits for connections."""
    addresses = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTEN:
                addresses[f"socket:[{words[9]}]"] = words[1]
    return {(pid, addresses[file]) for pid in pids for file in _open_files(pid) if file in addresses}


def _open_files(pid: int) -> list[str]:
    try:
        return [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # it ended meanwhile
        return []


@contextmanager
def watched_sockets(pids: Callable[[], set[int]]) -> Iterator[tuple[set[int], set[tuple[int, str]]]]:
    """Collects, until the block ends, which processes there were, and which sockets they listened at."""
    seen: set[int] = set()
    sockets: set[tuple[int, str]] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_SECONDS_BETWEEN_LOOKS):
            now = pids()
            seen.update(now)
            sockets.update(listening(now))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen, sockets
    finally:
        over.set()
        thread.join()


class BeamWorkerKiller:
    """A valley of which one trial kills the Beam worker above its process, once, after its second epoch.

    Args:
        trial_id: Which trial.
        seconds: How long an epoch takes.
        log: A file with a line for every epoch that was really trained.
    """

    def __init__(self, trial_id: int, seconds: float, log: str) -> None:
        self._trial_id = trial_id
        self._valley = Valley(seconds=seconds, log=log)

    def run(self, job: Job, report: Callable[[EpochRecord], None]) -> None:
        def report_and_kill(record: EpochRecord) -> None:
            report(record)
            flag = Path(job.checkpoint) / "killed"
            if job.trial_id == self._trial_id and record.epoch == 2 and not flag.exists():
                flag.touch()
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(600)  # this process ends when its parent's pipe does, or is ended

        self._valley.run(job, report_and_kill)
