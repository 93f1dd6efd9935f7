"""Damage files, and stop commands at random moments: a few times in ``make test``, many times in ``make torture``."""

import io
import os
import random
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from c2fpose.base.errors import UserError

MOST_GROWTH_BYTES = 512 << 20  # of the process's memory over all damaged files of one kind


def rounds(few: int, many: int) -> int:
    """How often: ``few`` times, or the share of ``many`` that ``C2FPOSE_TORTURE`` says (``make torture``: 1)."""
    return max(few, round(float(os.environ.get("C2FPOSE_TORTURE", 0)) * many))


# --- damaged files ------------------------------------------------------------------------------------------------

Edit = tuple[str, int, int]  # what, where (in 65,536ths of the bytes that are not zero), with what
_EDITS = ("set", "set", "flip", "cut", "drop", "double", "zeros", "ones", "text")


def edits(number: int) -> list[Edit]:
    """One to four changes, by their number: the same ones on every machine."""
    draw = random.Random(number)
    return [(draw.choice(_EDITS), draw.randrange(65536), draw.randrange(256)) for _ in range(1 + draw.randrange(4))]


def damage(content: bytes, changes: list[Edit]) -> bytes:
    """Change some bytes. Places are counted among bytes that are not zero: the rest of a file is often padding."""
    for what, place, value in changes:
        places = np.flatnonzero(np.frombuffer(content, np.uint8))
        if not len(places):
            return content
        at = int(places[place * len(places) >> 16])
        if what == "set":
            content = content[:at] + bytes([value]) + content[at + 1 :]
        elif what == "flip":
            content = content[:at] + bytes([content[at] ^ (1 << value % 8)]) + content[at + 1 :]
        elif what == "cut":
            content = content[:at]
        elif what == "drop":
            content = content[:at] + content[at + 1 + value % 16 :]
        elif what == "double":
            content = content[:at] + content[max(0, at - value) : at] + content[at:]
        elif what == "text":
            word = [b"-1", b"1e400", b"nan", b"null", b"{}", b"[]", b'"a"', b"99999999999"][value % 8]
            content = content[:at] + word + content[at + 1 :]
        else:
            length = 1 + value % 8
            content = content[:at] + (b"\0" if what == "zeros" else b"\xff") * length + content[at + length :]
    return content


def damage_inside(content: bytes, number: int) -> bytes:
    """Change some bytes of one of an archive's files, whose checksum then is that of the changed file.

    Changes to the archive itself hardly ever reach what is in it: the checksums tell.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = list(files)[number // 2 % len(files)]
    files[name] = damage(files[name], edits(number))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, inside in files.items():
            archive.writestr(each, inside)
    return packed.getvalue()


def reads_or_refuses(read: Callable[[], object], name: str) -> bool:
    """Read something damaged: it is read, or refused in one line that names it. Any other error goes on."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read()
        return True
    except UserError as refused:
        said = str(refused)
        assert "\n" not in said and name in said, said
        return False
    finally:
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        assert grown < MOST_GROWTH_BYTES, f"{grown / 2**20:.0f} MB for a small file"


def fuzz(
    target: Path, read: Callable[[], object], said: str, few: int = 15, write: Callable | None = None,
    found: tuple[int, ...] = (),
) -> int:  # fmt: skip
    """Damage a file again and again, and read it each time; returns how often it was refused.

    Of NPZ archives each second change is in a file of the archive.

    ``said``: what every refusal names. ``write``: puts what was damaged into ``target``, where that is no copy.
    ``found``: numbers of changes that once failed, tried each time. Prints how many, and the slowest reading.
    """
    content, refused, slowest_s, all_s = target.read_bytes(), 0, 0.0, 0.0
    numbers = list(dict.fromkeys([*found, *range(rounds(few, 10_000))]))
    for number in numbers:
        inside = target.suffix == ".npz" and number % 2
        changed = damage_inside(content, number) if inside else damage(content, edits(number))
        (write or target.write_bytes)(changed)
        started = time.process_time()
        try:
            refused += not reads_or_refuses(read, said)
        except BaseException as error:
            error.add_note(f"{target.name}, changes number {number}: {edits(number)}")
            raise
        took_s = time.process_time() - started
        slowest_s, all_s = max(slowest_s, took_s), all_s + took_s
    mean_ms = 1000 * all_s / len(numbers)
    print(f"{target.name}: {len(numbers)} damaged, {refused} refused; {mean_ms:.1f} ms each, at most {slowest_s:.2f} s")
    return refused


# --- stopped commands ---------------------------------------------------------------------------------------------


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and those that they have."""
    found = []
    for task in Path("/proc").glob(f"{pid}/task/*/children"):
        try:
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def runs(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
