"""Which formats there are, which files a command will write, and the one function that writes them."""

from __future__ import annotations

import ast
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.base.files import written_whole
from c2fpose.prediction.result import PoseResult

# Frames as RGB bytes, one for each of ``PoseResult.frames``, in their order. Gone through more than once: a list, or
# an object that decodes a video again whenever it is iterated over.
Pictures = Iterable[UInt8[np.ndarray, "_ _ 3"]]


@dataclass(frozen=True)
class Format:
    """What a writer's ``FORMAT`` says of it: literals alone, since it is read without importing the writer."""

    endings: tuple[str, ...]  # of files, the first one where only the format's name was given; of no other format
    needs_pictures: bool = False
    file_a_person: bool = False  # several people make <name>_<id>.<ending> each of them


def known_formats() -> dict[str, Format]:
    """Find the formats that there are: files of this folder with a ``FORMAT``, by their names."""
    folders = import_module("c2fpose.prediction.outputs").__path__
    files = sorted((path for folder in folders for path in Path(folder).glob("*.py")), key=lambda path: path.stem)
    return {path.stem: declared for path in files if (declared := _declared(path)) is not None}


@cache
def _declared(path: Path) -> Format | None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="FORMAT")], value=ast.Call(keywords=said)):
                return Format(**{str(each.arg): ast.literal_eval(each.value) for each in said})
    return None


def format_of(path: Path) -> str:
    """Name the format that a file's ending asks for. Raises ``ConfigError`` for an ending that none has."""
    return _format_and_ending(path)[0]


def _format_and_ending(path: Path) -> tuple[str, str]:
    """Of endings that fit, such as .json and .other.json, the longest is meant."""
    endings = {ending: name for name, known in known_formats().items() for ending in known.endings}
    if fit := [ending for ending in endings if path.name.lower().endswith(ending) and path.name.lower() != ending]:
        longest = max(fit, key=len)
        return endings[longest], longest
    raise ConfigError(
        f"out={path}: no output ends in {path.suffix or 'nothing'!r}; expected one of {', '.join(endings)}"
    )


def plan(
    source: str | Path, out: str | Path | None = None, formats: Sequence[str] | None = None, overwrite: bool = True
) -> dict[str, Path]:
    """Name the file that each format will be written to, for one source.

    ``out``: a file, whose ending chooses the format; or a folder, in which files are named after the source
    (``<source>_pose.<ending>``); None: the source's own folder. ``formats``: of ``known_formats()``; with a file as
    ``out`` they are written beside it, with other endings. What a stopped command has left unfinished may be replaced.
    Raises ``ConfigError`` for unknown formats or endings; ``DataError`` where a file is there and may not be replaced.
    """
    source, known = Path(source), known_formats()
    if unknown := [name for name in formats or () if name not in known]:
        raise ConfigError(f"formats={unknown[0]}: no such output; expected some of {', '.join(known)}")
    out = source.parent if out is None else Path(out)
    if out.suffix and not out.is_dir():
        name, ending = _format_and_ending(out)
        planned = {name: out}
        base = out.with_name(out.name[: -len(ending)])
    else:
        planned = {}
        base = out / f"{source.stem}_pose"
        formats = formats or ("figure", "json")
    for name in formats or ():
        planned.setdefault(name, base.with_name(base.name + known[name].endings[0]))
    for name, path in planned.items():
        if path.is_dir():
            raise DataError(f"{path}: is a directory; give another out=")
        if source.exists() and path.exists() and path.samefile(source):
            raise DataError(f"{path}: would replace what is read; give another out=")
        if not overwrite and (there := _written(name, path)) and path.name not in _left_unfinished(path):
            raise DataError(f"{there[0]}: is there already; overwrite=true replaces it")
    return planned


@contextmanager
def marked_unfinished(planned: dict[str, Path]) -> Iterator[None]:
    """Mark the files of a plan as unfinished until the block has written them all.

    A command that is killed between two of them makes them again when it is given again. Raises ``OutputError``.
    """
    mark = _mark_beside(next(iter(planned.values())))
    with written_whole(mark, durable=False) as temporary:
        temporary.write_bytes(b"\n".join(os.fsencode(path.name) for path in planned.values()))
    try:
        yield
    except BaseException:
        if not any(_written(*each) for each in planned.items()):
            mark.unlink(missing_ok=True)
        raise
    mark.unlink(missing_ok=True)


def _written(name: str, path: Path) -> list[Path]:
    """List what is there of a planned file: itself, or those of several people, as ``<name>_<id>.bvh``."""
    several: Iterable[Path] = (
        path.parent.glob(f"{glob.escape(path.stem)}_*{path.suffix}") if known_formats()[name].file_a_person else ()
    )
    numbered = sorted(each for each in several if each.stem.removeprefix(f"{path.stem}_").isdigit())
    return [path, *numbered] if path.exists() else numbered


def of_fewer_people(planned: dict[str, Path], written: Sequence[Path]) -> list[Path]:
    """List what an earlier command has written of more people (BVH, a file a person) and this one has not replaced."""
    return [path for each in planned.items() for path in _written(*each) if path not in written]


def _left_unfinished(path: Path) -> list[str]:
    """Names beside ``path`` that a stopped command was about to write."""
    try:
        return os.fsdecode(_mark_beside(path).read_bytes()).splitlines()
    except OSError:
        return []


def _mark_beside(path: Path) -> Path:
    return path.with_name(f".{path.stem}.unfinished")


def write(
    result: PoseResult, path: str | Path, pictures: Pictures | None = None, name: str | None = None
) -> list[Path]:
    """Write a result as ``name`` (of ``known_formats``; None: by the path's ending). Return the files written.

    Most formats are one file; BVH has one a person. Files are written whole, and replace what was there.
    Raises ``ConfigError`` where a format needs pictures and there are none, ``UserError`` where nothing can be written.
    """
    path = Path(path)
    name = name or format_of(path)
    if known_formats()[name].needs_pictures and pictures is None:
        raise ConfigError(f"{path}: {name} needs the pictures, and none are there")
    writer = import_module(f"c2fpose.prediction.outputs.{name}")  # late: each has libraries of its own
    return writer.write(result, pictures, path)
