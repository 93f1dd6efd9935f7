"""COCO's JSON: results (a list) or annotations (images and annotations), boxes as left, top, width, height in px.

The format leaves open what ``image_id`` is (a number of the annotation file, or a file's name) and which category is a
person (1 in COCO itself, where no categories are named).
"""

import json
from pathlib import Path
from typing import Any

from c2fpose.base.errors import DataError, readable
from c2fpose.prediction.boxes.given import BoxFile, GivenBox

PERSON = 1  # COCO's category
LEAST_SCORE = 0.3  # results hold every guess


def read(path: Path) -> BoxFile:
    """Read boxes; results below a score of 0.3, other categories and crowds are left out."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"boxes={path}: not JSON ({error})") from None
    names: dict[Any, str] = {}
    people: list[Any] = [PERSON]
    if isinstance(content, dict):
        with readable(f"boxes={path}", "images or categories are not as COCO has them", "each is a list of objects"):
            names = {image["id"]: image["file_name"] for image in content.get("images", []) if "file_name" in image}
            called = {each.get("id"): str(each.get("name")) for each in content.get("categories", [])}
        people, content = _people_of(called, path), content.get("annotations")
    if not isinstance(content, list):
        raise DataError(f"boxes={path}: neither a list of results nor an object with annotations, as COCO has them")
    found = BoxFile(path)
    for number, entry in enumerate(content):
        where = f"entry {number}"
        if not isinstance(entry, dict) or "image_id" not in entry:
            raise DataError(f"boxes={path}: {where}: no image_id")
        score = entry.get("score")
        if not isinstance(entry["image_id"], int | str) or not isinstance(score, int | float | None):
            raise DataError(f"boxes={path}: {where}: image_id is a number or a name, score a number")
        if (
            entry.get("category_id", people[0]) not in people
            or entry.get("iscrowd")
            or not (score is None or score >= LEAST_SCORE)
        ):
            continue
        try:
            left, top, width, height = (float(value) for value in entry["bbox"])
        except (KeyError, TypeError, ValueError):
            raise DataError(f"boxes={path}: {where}: no bbox of four numbers (left, top, width, height)") from None
        track = entry.get("track_id", entry.get("instance_id"))
        if not isinstance(track, int | None):
            raise DataError(f"boxes={path}: {where}: track_id is a whole number")
        box = GivenBox(left, top, width, height, track, score)
        image = names.get(entry["image_id"], entry["image_id"])
        if isinstance(image, int):
            found.add(box, where, number=image)
        else:
            found.add(box, where, name=str(image))
    return found


def _people_of(called: dict[Any, str], path: Path) -> list[Any]:
    """Choose the categories that are people: those of that name, or the only one. Raises ``DataError`` for others."""
    if len(called) < 2:
        return list(called) or [PERSON]
    people = [id for id, name in called.items() if name.strip().lower() == "person"]
    if not people:
        named = ", ".join(list(called.values())[:5])
        raise DataError(f"boxes={path}: no category is called person ({named} ...); leave the one that you mean alone")
    return people
