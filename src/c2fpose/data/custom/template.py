"""The files for data of one's own: to fill in, or made of a CSV or of COCO's JSON."""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.base.files import ready_directory, write_text
from c2fpose.data.custom.cameras import fitted_intrinsics
from c2fpose.data.custom.foreign import read_foreign
from c2fpose.data.custom.images import ENDINGS, KNOWN, found, in_order, sizes_px
from c2fpose.data.custom.options import CustomConfig, TemplateConfig
from c2fpose.data.custom.preparation import FOCAL
from c2fpose.data.custom.readers import coco
from c2fpose.data.custom.readers.table import BOX, WORDS, made
from c2fpose.data.custom.records import Records
from c2fpose.data.videos import is_video
from c2fpose.pictures.figure import save_png
from c2fpose.pictures.skeleton import skeleton_figure
from c2fpose.pose.anatomy import guessed
from c2fpose.pose.skeleton import C2F17, SKELETONS, Skeleton

FILES = ("records.csv", "skeleton.yaml", "skeleton.png", "cameras.yaml")
GOOD_FIT_PX = 5.0  # intrinsics fitted to labels leave less, in the mean; lenses and labelling by hand leave some
PREDICTED = "_pose"  # how predict's figures of pictures end, as prediction.inputs has it
_EXAMPLES = ("pictures/0001.jpg", "pictures/0002.jpg")  # of a template without pictures

_CAMERAS = """\
# The cameras that records.csv names (docs/own_data.md). What is not known may be left out.
"""
_CAMERA = """
{name}:
  image_size_px: {size}  # width, height of the pictures in which the joints are labelled
  intrinsics_px: {intrinsics}  # fx, fy, cx, cy in px of that size{why}
  # distortion: {{model: opencv, coefficients: [k1, k2, p1, p2, k3]}}  # or fisheye: [k1, k2, k3, k4]
  # rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]  # x_cam = R x_world + t, or a rotation vector in radians;
  # translation_mm: [0, 0, 0]                    # or position_mm. Both are for joints_frame=world only
"""

_UNNEEDED = """
# {name}: its pictures are of several sizes, and labels in px alone need no camera
"""


def write_template(config: TemplateConfig) -> Path:
    """Write all files into a directory and say what is left to do; returns it.

    Raises ``DataError`` and ``SkeletonError`` for what cannot be read, ``ConfigError`` where files are there already.
    """
    for name in FILES:
        if (config.out / name).exists() and not config.overwrite:
            raise ConfigError(f"{config.out / name}: is there already; overwrite=true replaces it")
    records, guesses = _records(config)
    ready_directory(config.out)
    records.skeleton.to_file(config.out / "skeleton.yaml")
    title = f"{config.out.resolve().name}: {records.skeleton.joints} joints"
    save_png(skeleton_figure(records.skeleton, title), config.out / "skeleton.png")
    write_text(config.out / "records.csv", "".join(_lines(records, config)))
    write_text(config.out / "cameras.yaml", _cameras(records, config))
    _tell(config, records, guesses)
    return config.out


# --- records --------------------------------------------------------------------------------------------------------


def _records(config: TemplateConfig) -> tuple[Records, list[str]]:
    """Choose the records to write, and the joints whose parents are not known."""
    if config.source is None:
        skeleton, guesses = _skeleton(config, C2F17.names)
        return _empty(config, skeleton), guesses
    if not config.source.is_file():
        raise DataError(f"from={config.source}: no such file")
    if config.labels != "both":
        raise ConfigError(f"labels={config.labels}: is for templates without from=, which has columns of its own")
    if config.source.suffix.lower() == ".json":
        for key in ("joints", "parents", "root"):
            if getattr(config, key):
                raise ConfigError(f"{key}: COCO's JSON names its joints; leave it out, or edit skeleton.yaml then")
        folder = str(config.images.resolve()) if config.images else None
        given = CustomConfig(
            source="coco", path=config.source.parent, out=config.out, table=config.source.name, images=folder
        )
        records = coco.read(given)
        records.image = _placed(config, records.image, records.places)
        return records, []
    table = read_foreign(config.source, config.unit, config.image)
    skeleton, guesses = _skeleton(config, table.joints)
    if unknown := [name for name in table.joints if skeleton.index(name) is None]:
        raise DataError(f"{config.source}: joints {', '.join(unknown)} are in no joints={config.joints}")
    records = made(table.rows, skeleton, {}, "camera", config.cameras[0])
    records.notes = [f"columns that are not taken over: {', '.join(table.left_out)}"] if table.left_out else []
    records.image = _placed(config, records.image, records.places)
    return records, guesses


def _skeleton(config: TemplateConfig, names: tuple[str, ...] | list[str]) -> tuple[Skeleton, list[str]]:
    if isinstance(config.joints, str):
        if config.joints not in SKELETONS:
            raise ConfigError(f"joints={config.joints}: one of {', '.join(SKELETONS)}, or a list in brackets")
        return SKELETONS[config.joints], []
    chosen = tuple(config.joints or names)
    if chosen == C2F17.names and not config.parents and config.root is None:
        return C2F17, []
    return guessed(chosen, config.parents, config.root, where="joints")


def _empty(config: TemplateConfig, skeleton: Skeleton) -> Records:
    images = list(_EXAMPLES)
    if config.images is not None:
        drawn = config.out / "skeleton.png"  # of an earlier template
        files = [path for path in config.images.rglob("*") if path.suffix.lower() in KNOWN and path != drawn]
        sources = {path.with_suffix("") for path in files}
        predicted = {each.with_name(each.name + PREDICTED) for each in sources}  # a.jpg gave a_pose.png beside it
        files = [path for path in files if not is_video(path) and path.with_suffix("") not in predicted]
        if not config.images.is_dir():
            raise DataError(f"images={config.images}: no such directory")
        if not files:
            there = sorted({path.suffix.lower() for path in config.images.rglob("*") if path.is_file() and path.suffix})
            other = (
                f"; there are {', '.join(there[:6])}, which are not taken: save them as JPEG or PNG" if there else ""
            )
            raise DataError(f"images={config.images}: no pictures there ({', '.join(ENDINGS[:3])} and more){other}")
        images = [os.path.relpath(path, config.out) for path in sorted(in_order(files), key=lambda path: path.parent)]
    count = len(images)
    return Records(
        skeleton, [f"record {number}" for number in range(count)], list(images), ["subject"] * count,
        ["action"] * count, [1] * count, [config.cameras[n % len(config.cameras)] for n in range(count)],
        list(range(1, count + 1)), np.full((count, skeleton.joints, 2), np.nan),
        np.full((count, skeleton.joints, 3), np.nan), np.full((count, 3), np.nan),
    )  # fmt: skip


def _placed(config: TemplateConfig, images: list[str | None], places: list[str]) -> list[str | None]:
    """Tell the pictures' names as seen from the directory that is written."""
    folders = [config.images] if config.images else []
    folders += [config.source.parent, config.source.parent / "images"] if config.source else []
    paths = found(images, places, folders)
    return [None if path is None else os.path.relpath(path.resolve(), config.out.resolve()) for path in paths]


# --- files ----------------------------------------------------------------------------------------------------------


def _lines(records: Records, config: TemplateConfig) -> Iterator[str]:
    """Write a heading and a line for each record; of columns those that hold something, or are to be filled in."""
    empty = config.source is None
    words = [word for word in WORDS if word != "split" or records.split]
    boxes = np.isfinite(records.box_px).any()
    parts = [("px", "xy", records.joints_px), ("mm", "xyz", records.joints_mm)]
    wanted = {"both": ("px", "mm")}.get(config.labels, (config.labels,))
    parts = [each for each in parts if np.isfinite(each[2]).any() or (empty and each[0] in wanted)]
    heading = [*words, *(BOX if boxes else ())]
    heading += [
        f"{joint}_{axis}_{unit}" for unit, axes, _ in parts for joint in records.skeleton.names for axis in axes
    ]
    yield _line(heading)
    for row in range(len(records)):
        values = [getattr(records, word)[row] for word in words]
        values += records.box_px[row].tolist() if boxes else []
        numbers = [float(number) for _, _, joints in parts for number in joints[row].ravel()]
        yield _line([*values, *("" if np.isnan(number) else f"{number:.3f}" for number in numbers)])


def _line(cells: list) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _cameras(records: Records, config: TemplateConfig) -> str:
    """``cameras.yaml`` with what the pictures and labels tell of each camera."""
    paths = [None if image is None else config.out / image for image in records.image]
    sizes = sizes_px([path if path is not None and path.is_file() else None for path in paths])
    owner = np.array(records.camera)
    text = _CAMERAS
    for name in dict.fromkeys(records.camera):
        rows = owner == name
        known = np.unique(sizes[rows][np.isfinite(sizes[rows]).all(1)], axis=0).astype(int).tolist()
        size = known[0] if len(known) == 1 else None
        labelled = np.isfinite(records.joints_px[rows]).any()
        if len(known) > 1 and labelled and not np.isfinite(records.joints_mm[rows]).any():
            text += _UNNEEDED.format(name=name)
            continue
        intrinsics, why = _intrinsics(records, rows, size, deep=config.labels != "px")
        entry = {"name": _key(name), "size": size or "null", "intrinsics": intrinsics, "why": why}
        text += _CAMERA.format(**entry)
    return text


def _key(name: str) -> str:
    """Write a camera's name as YAML's key."""
    return name if re.fullmatch(r"\w[\w.-]*", name) else json.dumps(name, ensure_ascii=False)


def _intrinsics(records: Records, rows: np.ndarray, size: list[int] | None, deep: bool) -> tuple[str, str]:
    """Intrinsics as text, and where they come from: fitted to the labels, guessed, or left to be filled in."""
    fit = fitted_intrinsics(records.joints_px[rows], records.joints_mm[rows])
    if fit is not None and fit[1] < GOOD_FIT_PX:
        text = ", ".join(f"{value:.2f}" for value in fit[0])
        return f"[{text}]", f"; fitted to the labels, {fit[1]:.2f} px off in the mean: put your own if you have them"
    has_mm = np.isfinite(records.joints_mm[rows]).any()
    no_labels = not has_mm and not np.isfinite(records.joints_px[rows]).any()
    if size is None or has_mm or (no_labels and deep):
        return "null", "; fill in"
    focal = FOCAL * max(size)
    return f"[{focal:g}, {focal:g}, {size[0] / 2:g}, {size[1] / 2:g}]", "; an ordinary camera's, a guess"


def _tell(config: TemplateConfig, records: Records, guesses: list[str]) -> None:
    for note in records.notes:
        print(note)
    if guesses:
        root = records.skeleton.names[records.skeleton.root]
        print(f"warning: {', '.join(guesses)}: not known what they hang on, taken to be {root}; see skeleton.png")
    print(f"{config.out}: {', '.join(FILES)}; {len(records)} records, {records.skeleton.joints} joints")
    if config.source is None:
        print("Fill in records.csv and cameras.yaml, and look at skeleton.png; every field: docs/own_data.md")
    else:
        print("Look at skeleton.png and cameras.yaml, then:")
    print(f"python -m c2fpose.data.prepare source=custom path={config.out} out={config.out / 'prepared'}")
