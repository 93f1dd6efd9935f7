"""The paper's figure: each person with joints, and the pose from the camera's view and turned by 90 degrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from c2fpose.pictures.figure import save_png
from c2fpose.pictures.people import Person, pose_figure, sheet
from c2fpose.prediction.outputs.conventions import FOCAL_MEANINGS
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.photo import crop_box
from c2fpose.prediction.result import Frame, PersonPose, PoseResult

FORMAT = Format(endings=(".png",), needs_pictures=True)
CROP_PX = 640  # side of a crop in the figure
MOST_PEOPLE = 12  # of a picture
MOST_TRACKS, FRAMES_EACH = 3, 5  # people of a video, those seen longest, and frames of each, evenly spread

Drawn = tuple[Frame, PersonPose]


def write(result: PoseResult, pictures: Pictures, path: Path) -> list[Path]:
    """Write a PNG of everybody in a picture, or of a video's people at several times. None where nobody was found."""
    groups = _chosen(result)
    frames = {frame.index for group in groups.values() for frame, _ in group}
    images = {frame.index: image for frame, image in zip(result.frames, pictures, strict=True) if frame.index in frames}
    drawn = {
        name: [_person(result, frame, pose, images[frame.index]) for frame, pose in group]
        for name, group in groups.items()
    }
    everybody = [person for group in drawn.values() for person in group]
    if not everybody:
        return []
    return [save_png(pose_figure(everybody[0]) if len(everybody) == 1 else sheet(drawn), path)]


def _chosen(result: PoseResult) -> dict[str, list[Drawn]]:
    """Who is drawn, by the heading of a column."""
    if result.source.kind != "video":
        everybody = list(result.people())
        people = everybody[:MOST_PEOPLE]
        first = -(-len(people) // 2) if len(people) > 3 else len(people)  # two columns of many people
        name = Path(result.source.file or "picture").name
        beside = f"the first {MOST_PEOPLE} of {len(everybody)} people" if len(everybody) > MOST_PEOPLE else " "
        parts = {name: people[:first], beside: people[first:]}
        return {heading: part for heading, part in parts.items() if part}
    seen = _when_seen(result)
    groups = {}
    for id in sorted(sorted(seen, key=lambda id: len(seen[id]), reverse=True)[:MOST_TRACKS]):
        spread = np.unique(np.linspace(0, len(seen[id]) - 1, FRAMES_EACH).round().astype(int))
        frames = [result.frames[seen[id][number]] for number in spread]
        groups[f"person {id}"] = [(frame, each) for frame in frames for each in frame.people if each.id == id]
    if len(seen) > MOST_TRACKS:
        heading = next(iter(groups))
        groups = {f"{heading}, one of {len(seen)}": groups.pop(heading), **groups}
    return groups


def _when_seen(result: PoseResult) -> dict[int, list[int]]:
    """Tell in which of the frames each person is, by rising id; of long videos the poses stay on disk."""
    seen: dict[int, list[int]] = {}
    for place, frame in enumerate(result.frames):
        for person in frame.people:
            seen.setdefault(person.id, []).append(place)
    return dict(sorted(seen.items()))


def _person(result: PoseResult, frame: Frame, pose: PersonPose, image: UInt8[np.ndarray, "_ _ 3"]) -> Person:
    crop, box = crop_box(image, pose.box, CROP_PX)
    across = (pose.joints_px - [box.left, box.top]) / box.side
    if result.source.kind == "video":
        caption = f"{frame.time_s:.2f} s, root at {pose.root_depth_mm / 1000:.2f} m"
    else:
        sure = "" if pose.chance is None else f" ({100 * pose.chance:.0f} % a person)"
        caption = f"person {pose.id}{sure}, root at {pose.root_depth_mm / 1000:.2f} m"
        caption += f"; focal length {FOCAL_MEANINGS[result.camera.focal_from].split(':')[0].split(';')[0]}"
    return Person(
        crop, across, pose.joints_cam_mm, None, caption, confidence=pose.confidence,
        covariance_mm2=pose.covariance_mm2, skeleton=result.skeleton,
    )  # fmt: skip
