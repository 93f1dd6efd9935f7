"""What the command line names: pictures and videos, by file, folder or pattern."""

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from c2fpose.base.errors import DataError
from c2fpose.data.videos import VIDEO_ENDINGS, is_video
from c2fpose.prediction.outputs import known_formats

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".avif",
                  ".jp2", ".tga")  # fmt: skip
UNREAD_SUFFIXES = (".heic", ".heif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")  # of cameras
OWN_ENDING = "_pose"  # outputs are named <input>_pose.<ending>: beside that input they are none themselves


class Input(NamedTuple):
    """One file to predict."""

    path: Path
    kind: Literal["image", "video"]


def expand(words: Sequence[str]) -> list[Input]:
    """List the files that words name, each once: files, folders (not those within), patterns with ``*``, ``?``, ``[]``.

    A file's ending says whether it is a video; what is neither a video nor a known image is taken for an image, and
    refused later if it is none. Raises ``DataError`` for a word that names nothing.
    """
    found: dict[str, Path] = {}  # by the absolute path: one file may be named in two ways

    def add(paths: Iterable[Path]) -> None:
        for each in paths:
            found.setdefault(os.path.abspath(each), each)

    for word in words:
        path = _at_home(word)
        if path.is_dir():
            inside = [each for each in path.iterdir() if _is_input(each)]
            if not inside:
                raise DataError(f"{word}: a folder without pictures or videos")
            add(sorted(inside, key=_by_number))
        elif path.exists():
            add([path])
        elif glob.has_magic(word):
            matched = [each for each in map(Path, glob.glob(str(path), recursive=True)) if each.is_file()]
            matched = [each for each in matched if not _is_output(each)]
            if not matched:
                raise DataError(f"{word}: no file has such a name")
            add(sorted(matched, key=_by_number))
        else:
            raise DataError(f"{word}: no such image, video or folder")
    return [Input(path, "video" if is_video(path) else "image") for path in found.values()]


def left_out(words: Sequence[str]) -> list[str]:
    """Say of each folder how many pictures in it are of kinds that cannot be read, and which; nothing where none is."""
    said = []
    for folder in map(_at_home, words):
        inside = list(folder.iterdir()) if folder.is_dir() else []
        kinds = [path.suffix.lower() for path in inside if path.suffix.lower() in UNREAD_SUFFIXES]
        if kinds:
            one = len(kinds) == 1
            said.append(
                f"{shown(folder)}: {len(kinds)} {'picture' if one else 'pictures'} ({', '.join(sorted(set(kinds)))}) "
                f"cannot be read and {'is' if one else 'are'} left out; save {'it' if one else 'them'} as JPEG"
            )
    return said


def shown(path: str | Path) -> str:
    """Give a path as text that can be printed and written; bytes in it that are no UTF-8 become a question mark."""
    return os.fsencode(path).decode("utf-8", "replace")


def _at_home(word: str) -> Path:
    """Put the home folder for ``~``; a name that only begins with it, and is nobody's, stays."""
    return Path(os.path.expanduser(word))


def _is_input(path: Path) -> bool:
    known = path.suffix.lower() in IMAGE_SUFFIXES + VIDEO_ENDINGS
    return known and path.is_file() and not path.name.startswith(".") and not _is_output(path)


def _is_output(path: Path) -> bool:
    """Whether a file is the result of another one in its folder, by its name and an ending that results have."""
    source = path.stem.removesuffix(OWN_ENDING)
    if source == path.stem or not any(path.suffix.lower() in known.endings for known in known_formats().values()):
        return False
    return any(path.parent.glob(f"{glob.escape(source)}.*"))


def _by_number(path: Path) -> list[tuple[int, int | str]]:
    """Names in order, numbers in them by their size: 2 before 10."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
