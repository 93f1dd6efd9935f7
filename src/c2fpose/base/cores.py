"""Settle how many threads compute: the cores that this process may use, less those that other work keeps busy.

Two threads on one free core are far slower than one: every operation waits for the thread that is not running, and no
way of waiting mends that (docs/speed.md).
"""

import os
import sys
import time
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path

VARIABLE = "OMP_NUM_THREADS"
SAMPLE_S = 0.3
_CGROUPS = Path("/sys/fs/cgroup")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Cores:
    """What a process may use of a machine."""

    allowed: int  # by its affinity, as taskset and batch systems set it
    quota: float | None = None  # cores' worth of time that a container grants; None: no limit

    @property
    def open(self) -> int:
        """Threads that can run at once."""
        return self.allowed if self.quota is None else max(1, min(self.allowed, int(self.quota + 0.5)))


def cores() -> Cores:
    """Say what this process may use: its affinity where the system has one, and its container's quota."""
    numbers = _affinity()
    return Cores(len(numbers) if numbers else os.cpu_count() or 1, cgroup_quota())


def _affinity() -> set[int] | None:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def cgroup_quota(groups: Path = _CGROUPS, own: Path = _PROC / "self" / "cgroup") -> float | None:
    """Read the smallest quota of this process's control groups, in cores; None where there is none.

    ``groups``: where they are mounted; ``own``: the file that names the process's. Version 2 says
    "quota period" or "max period" in ``cpu.max``, version 1 has a file for each, -1 for no quota.
    """
    quotas = []
    for folder in _own_groups(groups, own):
        words = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and words[0] not in ("max", "-1") and float(words[1]) > 0:
            quotas.append(float(words[0]) / float(words[1]))
    return min(quotas, default=None)


def _own_groups(groups: Path, own: Path) -> list[Path]:
    """Find the process's groups and those that they lie in; in a container only the root is seen."""
    found = {groups, groups / "cpu"}
    for line in _lines(own):
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            base = groups / "cpu" if controllers else groups
            place = Path(path.lstrip("/"))
            found |= {base / part for part in (place, *place.parents)}
    return sorted(found)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


class OtherWork:
    """Watch how many of this process's cores other processes keep busy; on systems without /proc nothing is seen."""

    def __init__(self, proc: Path = _PROC) -> None:
        self.proc = proc
        self.before = self._now()

    def since(self) -> float | None:
        """Cores kept busy by others since the last call, or since the start; None where that cannot be seen."""
        before, self.before = self.before, self._now()
        if before is None or self.before is None or self.before[0] - before[0] < 0.05:
            return None
        wall, busy, own = (now - then for now, then in zip(self.before, before, strict=True))
        return max(0.0, (busy - own) / wall)

    def _now(self) -> tuple[float, float, float] | None:
        """Seconds: of the clock, of this process's cores being busy, of its own work and its workers'."""
        wanted = _affinity()
        ticks, busy = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100, 0
        seen = False
        for line in _lines(self.proc / "stat"):
            name, *numbers = line.split()
            if name.startswith("cpu") and name != "cpu" and (wanted is None or int(name[3:]) in wanted):
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, numbers[:8])
                busy += user + nice + system + irq + softirq + steal
                seen = True
        if not seen:
            return None
        own = time.process_time() + sum(self._of(child.pid) for child in active_children()) / ticks
        return time.monotonic(), busy / ticks, own

    def _of(self, pid: int | None) -> int:
        """Ticks that a worker process has used."""
        text = " ".join(_lines(self.proc / str(pid) / "stat"))
        numbers = text.rpartition(")")[2].split()  # the name before may hold blanks
        return int(numbers[11]) + int(numbers[12]) if len(numbers) > 12 else 0


def free_threads(found: Cores, others: float | None) -> int:
    """Threads that can run at once beside what others keep busy."""
    return found.open if others is None else max(1, min(found.open, int(found.open - others + 0.5)))


def settle_threads() -> str:
    """Set PyTorch's number of threads; returns a line that says how many, and why.

    ``OMP_NUM_THREADS`` decides where it is set, up to the cores there are. Otherwise it is the cores that this process
    may use, less those that others were seen to keep busy in a short look.
    """
    import torch  # noqa: PLC0415  # commands that need no PyTorch read this file

    found, wanted = cores(), os.environ.get(VARIABLE, "")
    if wanted.isdecimal() and int(wanted) > 0:
        threads = min(int(wanted), found.open)
        why = f"{VARIABLE}={wanted}" + ("" if threads == int(wanted) else ", more would wait for each other")
    else:
        others = OtherWork()
        time.sleep(SAMPLE_S)
        busy = others.since()
        threads = free_threads(found, busy)
        why = f"other work keeps {busy:.1f} busy" if busy is not None and threads < found.open else ""
    torch.set_num_threads(threads)
    return in_words(threads, found, why)


def in_words(threads: int, found: Cores, why: str) -> str:
    """One line on the threads in use."""
    limit = "" if found.quota is None else f" (a quota of {found.quota:g} on {found.allowed})"
    return f"threads: {threads} for {found.open} core{'s' * (found.open > 1)}{limit}" + (f"; {why}" if why else "")


def say_threads() -> None:
    """Settle the threads and print the line, on standard error."""
    print(settle_threads(), file=sys.stderr, flush=True)
