"""What machine this is, as far as this process may use it: containers and affinity masks limit it."""

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Returns how many cores this process can keep busy: its affinity mask, cut by the CPU quota of its container.

    Args:
        cgroup: Where the kernel shows the control group (version 2, or version 1 with its `cpu` folder).

    Returns:
        At least 1; a quota of 1.5 cores counts as 2.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota(cgroup)
    return max(1, min(cores, -int(-quota // 1))) if quota else cores


def usable_memory(cgroup: Path = _CGROUP, meminfo: Path = Path("/proc/meminfo")) -> int:
    """Returns the memory that this process can have at most, in bytes: the machine's, cut by the container's limit."""
    fields = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
    limits = [int(fields["MemTotal"].split()[0]) * 1024]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(cgroup / name)
        if text.isdigit():
            limits.append(int(text))
    return min(limits)


def resident_memory(pid: int) -> int:
    """Returns the memory of a process that is not swapped out, in bytes; 0 if it is gone or cannot be seen."""
    pages = _read(Path(f"/proc/{pid}/statm")).split()[1:2]
    return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _cpu_quota(cgroup: Path) -> float | None:
    """Returns the CPU quota in cores, or None where there is none."""
    words = _read(cgroup / "cpu.max").split() or [
        _read(cgroup / "cpu/cpu.cfs_quota_us"),
        _read(cgroup / "cpu/cpu.cfs_period_us"),
    ]
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None  # "max", "-1", or no such control group
    return int(words[0]) / int(words[1])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
