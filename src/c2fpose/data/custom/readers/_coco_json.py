"""COCO's form of keypoints: a JSON of images, annotations and categories; what its relatives share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import DataError, readable
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers.table import read_skeleton
from c2fpose.data.custom.records import Records
from c2fpose.pose.anatomy import guessed
from c2fpose.pose.skeleton import Skeleton

MIDDLES = {"pelvis": ("left_hip", "right_hip"), "thorax": ("left_shoulder", "right_shoulder")}
_PARTS = 1000  # into which pictures are told apart, as if sequences: some are held out for validation
_BEYOND, _FEW, _RARE = 1.02, 2, 0.1  # sizes of the picture, boxes and share of them that may reach so far
Keypoints = Callable[[dict[str, Any]], list[float]]  # of an annotation: x, y, visibility of each joint in turn


@dataclass
class Labels:
    """What one JSON holds."""

    path: Path
    split: str  # train or test, by the files' names; empty: one file alone
    images: dict[str, dict[str, Any]]  # by ``_id``
    annotations: list[dict[str, Any]]
    names: tuple[str, ...]
    limbs: list[tuple[str, str]]


def read_labels(config: CustomConfig, names: tuple[str, ...] | None = None) -> list[Labels]:
    """Read the JSON that is given, or those that lie in path or path/annotations: one, or a pair of train and val.

    ``names``: the joints, where the form fixes them; None: as its category says. Raises ``DataError``.
    """
    if not config.path.is_dir():
        raise DataError(f"path={config.path}: no such directory")
    return [_labels(path, split, names) for path, split in _tables(config)]


def _tables(config: CustomConfig) -> list[tuple[Path, str]]:
    folders = [config.path, config.path / "annotations"]
    if config.table:
        given = [folder / config.table for folder in folders if (folder / config.table).is_file()]
        if not given:
            raise DataError(f"{config.path / config.table}: no such file")
        return [(given[0], "")]
    found = [path for folder in folders for path in sorted(folder.glob("*.json"))]
    found = [path for path in found if "keypoints" in path.name or "wholebody" in path.name] or found
    training = [path for path in found if "train" in path.stem]
    testing = [path for path in found if "val" in path.stem or "test" in path.stem]
    if len(found) == 1:
        return [(found[0], "")]
    if len(found) == 2 and len(training) == len(testing) == 1 and training != testing:
        return [(training[0], "train"), (testing[0], "test")]
    if not found:
        raise DataError(f"{config.path}: no .json of keypoints, here or in annotations; say table=FILE")
    raise DataError(f"{config.path}: {', '.join(path.name for path in found[:4])}: which? Say table=FILE")


def _labels(path: Path, split: str, fixed: tuple[str, ...] | None) -> Labels:
    with readable(path, "not readable as JSON"):
        content = json.loads(path.read_text("utf-8-sig"))
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in ("images", "annotations")
    ):
        raise DataError(f"{path}: no images and annotations; COCO's keypoints are an object with these two lists")
    images: dict[str, dict[str, Any]] = {}
    for number, image in enumerate(content["images"]):
        if not isinstance(image, dict) or _id(image.get("id")) is None or not isinstance(image.get("file_name"), str):
            raise DataError(f"{path}: image {number}: no id or no file_name")
        if images.setdefault(cast(str, _id(image["id"])), image) is not image:
            raise DataError(
                f"{path}: image {number} ({image['file_name']}): another image has the id {image['id']} too"
            )
    kinds = [each for each in content.get("categories") or [] if isinstance(each, dict) and each.get("keypoints")]
    names = fixed or (tuple(map(str, kinds[0]["keypoints"])) if kinds else ())
    if not names:
        raise DataError(f"{path}: no category says which keypoints there are")
    if fixed is None and (other := [each for each in kinds if tuple(map(str, each["keypoints"])) != names]):
        raise DataError(f"{path}: category {other[0].get('name')} has other keypoints than {kinds[0].get('name')}")
    edges = (kinds[0].get("skeleton") or []) if kinds and fixed is None else []
    with readable(path, "its category's skeleton is no list of pairs of joints, counted from 1", "mend it"):
        pairs = [(int(start), int(end)) for start, end in edges]
        if not all(1 <= number <= len(names) for pair in pairs for number in pair):
            raise ValueError(f"a keypoint outside 1..{len(names)}")
        limbs = [(names[start - 1], names[end - 1]) for start, end in pairs]
    return Labels(path, split, images, content["annotations"], names, limbs)


def _id(value: Any) -> str | None:
    """Read an image's id, which some programs write as a word in one list and as a number in the other."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def records_of(config: CustomConfig, labels: list[Labels], keypoints: Keypoints) -> Records:
    """Make a record of each labelled person. Raises ``DataError``, one line, for what does not hold together."""
    names = labels[0].names
    notes: list[str] = []
    if other := [each for each in labels if each.names != names]:
        raise DataError(f"{other[0].path}: other keypoints than in {labels[0].path.name}")
    skeleton = _skeleton(config, labels[0], notes)
    rows: dict[str, list[Any]] = {
        key: [] for key in ("place", "image", "action", "trial", "frame", "box", "px", "size")
    }
    split: list[str] = []
    for each in labels:
        _check_boxes(each)
        left_out = _add(each, keypoints, _prefix(config, each), rows)
        split += [each.split] * (len(rows["place"]) - len(split))
        if left_out:
            notes.append(f"{each.path.name}: {left_out} annotations without keypoints, or of crowds, are left out")
    if not rows["place"]:
        raise DataError(f"{labels[0].path}: no annotation has keypoints")
    if not any(split):
        split = _shares(config, rows["image"])
    count = len(rows["place"])
    return Records(
        skeleton, rows["place"], rows["image"], [f"people of {name or 'all'}" for name in split], rows["action"],
        rows["trial"], ["camera"] * count, rows["frame"], _by_name(np.array(rows["px"]), names, skeleton),
        np.full((count, skeleton.joints, 3), np.nan), np.array(rows["box"], float), split,
        said_size_px=np.array(rows["size"], float), notes=notes,
    )  # fmt: skip


def _skeleton(config: CustomConfig, labels: Labels, notes: list[str]) -> Skeleton:
    """Choose the one that is given, or that of the file with the middles of hips and shoulders, for a root."""
    if config.skeleton or any((config.path / f"skeleton{end}").is_file() for end in (".yaml", ".yml")):
        skeleton = read_skeleton(config)
        if unknown := [name for name in skeleton.names if not _sources(name, labels.names)]:
            raise DataError(f"{labels.path}: no joint {unknown[0]}, which the skeleton has; {', '.join(labels.names)}")
        return skeleton
    added = [name for name in MIDDLES if name not in labels.names and _sources(name, labels.names)]
    if added:
        notes.append(f"{' and '.join(added)} added: the middle of left and right (skeleton.yaml chooses joints)")
    skeleton, loose = guessed((*added, *labels.names), limbs=() if added else labels.limbs, where=str(labels.path))
    if loose:
        notes.append(f"warning: {', '.join(loose)}: parent not known, taken to hang on {skeleton.names[skeleton.root]}")
    return skeleton


def _sources(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Name the joints whose mean a joint is: itself, or two of them."""
    pair = MIDDLES.get(name, ())
    return (name,) if name in names else pair if pair and set(pair) <= set(names) else ()


def _by_name(px: Float[np.ndarray, "N K 2"], names: tuple[str, ...], skeleton: Skeleton) -> Float[np.ndarray, "N J 2"]:
    places = [[names.index(part) for part in _sources(name, names)] for name in skeleton.names]
    return np.stack([px[:, place].mean(1) for place in places], axis=1)


def _prefix(config: CustomConfig, labels: Labels) -> str:
    """Find the folder in which a file's pictures are, such as train2017/: the first that holds one of them."""
    first = next(iter(labels.images.values()), {}).get("file_name", "")
    own = labels.path.stem.rpartition("_")[2]
    base = config.path / config.images if config.images else config.path
    for folder in ("", "images/", f"{own}/", f"images/{own}/"):
        if (base / folder / first).is_file():
            return folder
    return ""


def _add(labels: Labels, keypoints: Keypoints, prefix: str, rows: dict[str, list[Any]]) -> int:
    """Add the people of a file; returns how many annotations were left out."""
    left_out = 0
    order = {key: number for number, key in enumerate(labels.images, start=1)}
    for number, annotation in enumerate(labels.annotations):
        where = (
            f"{labels.path.name}, annotation {annotation.get('id', number) if isinstance(annotation, dict) else number}"
        )
        key = _id(annotation.get("image_id")) if isinstance(annotation, dict) else None
        if key not in labels.images:
            raise DataError(f"{where}: no image_id, or of no image of this file")
        image = labels.images[key]
        with readable(where, "keypoints or bbox are no numbers", "x, y, visibility of each joint; left, top, w, h"):
            flat = np.array(keypoints(annotation), float).ravel()
            if annotation.get("iscrowd") or not flat.any():
                left_out += 1
                continue
            box = _square(annotation.get("bbox"))
        with readable(where, "width or height of its image is no number", "px of the picture"):
            size = [float(image.get(name) or np.nan) for name in ("width", "height")]
        if len(flat) != 3 * len(labels.names):
            pairs = len(flat) == 2 * len(labels.names)
            why = "x, y without visibility: write a 2 behind each pair" if pairs else "another skeleton's?"
            raise DataError(f"{where}: {len(flat)} numbers for {len(labels.names)} keypoints; {why}")
        triples = flat.reshape(-1, 3)
        if not (triples[:, 2] > 0).any():
            left_out += 1
            continue
        rows["place"].append(where)
        rows["image"].append(prefix + image["file_name"])
        rows["action"].append("pictures")
        rows["trial"].append(1 + order[key] % _PARTS)
        rows["frame"].append(len(rows["frame"]) + 1)
        rows["box"].append(box)
        rows["px"].append(np.where(triples[:, 2:] > 0, triples[:, :2], np.nan))
        rows["size"].append(size)
    return left_out


def _check_boxes(labels: Labels) -> None:
    """Refuse boxes that are left, top, right, bottom: people would be small in boxes twice too large."""
    beyond, seen = [], 0
    for annotation in labels.annotations:
        image = labels.images.get(_id(annotation.get("image_id")) or "", {}) if isinstance(annotation, dict) else {}
        try:
            numbers = [*annotation["bbox"], image["width"], image["height"]]
            left, top, across, down, width, height = map(float, numbers)
        except (KeyError, TypeError, ValueError):
            continue  # what is wrong with it is said where it is read
        if not (left <= across <= width + 1 and top <= down <= height + 1):
            return
        seen += 1
        if left + across > _BEYOND * width or top + down > _BEYOND * height:
            beyond.append(str(annotation.get("id", seen - 1)))
    if len(beyond) > max(_FEW, _RARE * seen):
        raise DataError(
            f"{labels.path}: annotation {beyond[0]}: bbox reaches beyond its picture, as do {len(beyond)} of {seen}, "
            "and none does if they are left, top, right, bottom; COCO's are left, top, width, height"
        )


def _square(box: Any) -> list[float]:
    """Make the square about a box's middle, as left, top, side; NaN where there is none."""
    if not box:
        return [np.nan] * 3
    left, top, width, height = map(float, box)
    side = max(width, height)
    return [left + (width - side) / 2, top + (height - side) / 2, side] if side > 0 else [np.nan] * 3


def _shares(config: CustomConfig, images: list[str]) -> list[str]:
    """Training and test by pictures, where one file holds all: its last pictures are the test."""
    different = list(dict.fromkeys(images))
    if config.test_share == 0 or len(different) < 2:
        return ["train"] * len(images)
    last = set(different[-max(1, round(config.test_share * len(different))) :])
    return ["test" if name in last else "train" for name in images]
