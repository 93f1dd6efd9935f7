"""One page to look at: the picture beside the 3D pose, and inside the volumes. Self-contained; nothing is fetched.

The page holds the pictures themselves, made smaller: whoever gets it sees them. Long videos are thinned out.
"""

from __future__ import annotations

import base64
import json
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup

from c2fpose.base.files import write_text
from c2fpose.pictures.palette import joint_side
from c2fpose.prediction.outputs.conventions import head
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.result import Frame, PersonPose, PoseResult

FORMAT = Format(endings=(".html",))
MOST_FRAMES, MOST_PICTURES, MOST_VOLUMES = 1500, 120, 6
STILL_PX, MOVING_PX = 1280, 640  # longest side of the pictures in the page: of an image, of a video
_VIEWER = files("c2fpose.prediction.outputs") / "viewer"


def write(result: PoseResult, pictures: Pictures | None, path: Path) -> list[Path]:
    """Write ``path``; without ``pictures`` the page shows the 3D poses alone."""
    write_text(path, page(result, pictures))
    return [path]


def page(result: PoseResult, pictures: Pictures | None) -> str:
    """Make the page's text."""
    chosen = _spread(len(result.frames), MOST_FRAMES)
    frames = [result.frames[position] for position in chosen]
    embedded = _embedded(pictures, chosen) if pictures is not None else {}
    content = _content(result, chosen, embedded)
    people = [pose for frame in frames for pose in frame.people]
    missing = len(result.frames) - len(frames)
    left_out = [f"{missing} of {len(result.frames)} frames"] if missing else []
    left_out += [f"the pictures of all but {len(embedded)} frames"] if 0 < len(embedded) < len(frames) else []
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_read("page.html.j2")).render(
        title=Path(result.source.file or "3D pose").name,
        summary=_summary(result),
        head=head(result),
        has_pictures=bool(embedded),
        has_covariance=any(pose.covariance_mm2 is not None for pose in people),
        has_confidence=any(pose.confidence is not None for pose in people),
        has_second=any(pose.second_mode_cam_mm is not None for pose in people),
        volumes=bool(content["volumes"]),
        frame_count=max(len(frames), 1),
        left_out=", ".join(left_out),
        style=Markup(_read("viewer.css")),
        script=Markup("\n".join([_read("viewer.js"), _read("volume.js"), "start();", "startVolumes();"])),
        data=Markup(json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")),  # no tag
    )


def _read(name: str) -> str:
    return (_VIEWER / name).read_text("utf-8")


def _content(result: PoseResult, chosen: list[int], embedded: dict[int, str]) -> dict[str, Any]:
    """Write what the page's script reads: the frames at ``chosen`` positions, each with the picture nearest to it."""
    frames = [result.frames[position] for position in chosen]
    shown = np.array(list(embedded))
    nearest = [int(abs(shown - position).argmin()) if len(shown) else None for position in chosen]
    return {
        "joint_names": list(result.skeleton.names),
        "sides": [joint_side(joint, result.skeleton) for joint in range(result.skeleton.joints)],
        "edges": [list(edge) for edge in result.skeleton.limbs],
        "size_px": list(result.source.size_px),
        "intrinsics_px": np.asarray(result.camera.intrinsics_px, float).tolist(),
        "depth_range": dict(zip(("min_mm", "max_mm"), result.space.depth_range_mm, strict=True)),
        "ids": list(result.ids),
        "pictures": list(embedded.values()),
        "frames": [_frame(frame, picture) for frame, picture in zip(frames, nearest, strict=True)],
        "volumes": _volumes(frames),
    }


def _summary(result: PoseResult) -> str:
    columns, rows = result.source.size_px
    people = len(result.ids)
    who = {0: "nobody found", 1: "one person"}.get(people, f"{people} people")
    if result.source.kind != "video" or len(result.frames) < 2:
        return f"{who} in a picture of {columns} x {rows} px"
    seconds = result.frames[-1].time_s - result.frames[0].time_s
    return f"{who} in {len(result.frames)} frames of {columns} x {rows} px, {seconds:.1f} s"


def _spread(count: int, most: int) -> list[int]:
    """At most so many positions out of ``count``, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist() if count else []


def _embedded(pictures: Pictures, frames: list[int]) -> dict[int, str]:
    """Small pictures as data URIs, by their position among all frames."""
    wanted = {frames[number] for number in _spread(len(frames), MOST_PICTURES)}
    longest, quality = (STILL_PX, 88) if len(frames) < 2 else (MOVING_PX, 78)
    found = {}
    for position, image in enumerate(pictures):
        if position in wanted:
            found[position] = _data_uri(image, longest, quality)
        if len(found) == len(wanted):
            break
    return found


def _data_uri(image: UInt8[np.ndarray, "_ _ 3"], longest: int, quality: int) -> str:
    scale = min(1.0, longest / max(image.shape[:2]))
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _frame(frame: Frame, picture: int | None) -> dict[str, Any]:
    return {
        "index": frame.index,
        "time_s": round(frame.time_s, 4),
        "picture": picture,
        "people": [_person(pose) for pose in frame.people],
    }


def _person(pose: PersonPose) -> dict[str, Any]:
    """Flat lists, mm without decimals, px with one: the page shows them, the JSON file keeps more."""
    said: dict[str, Any] = {
        "id": pose.id,
        "box": _listed(np.array(pose.box, float), 1),
        "root": round(pose.root_depth_mm),
        "px": _listed(pose.joints_px, 1),
        "mm": _listed(pose.joints_cam_mm, 0),
    }
    if pose.chance is not None:
        said["chance"] = round(pose.chance, 4)
    if pose.confidence is not None:
        said["confidence"] = _listed(pose.confidence, 3)
    if pose.covariance_mm2 is not None:
        said["cov"] = _listed(pose.covariance_mm2[:, *np.triu_indices(3)], 0)
    if pose.second_mode_cam_mm is not None:
        said["second"] = _listed(pose.second_mode_cam_mm, 0)
    return said


def _listed(values: Float[np.ndarray, ...], digits: int) -> list[float | int | None]:
    flat = np.round(np.asarray(values, float), digits).reshape(-1).tolist()
    return [None if value != value else int(value) if digits == 0 else value for value in flat]


def _volumes(frames: list[Frame]) -> list[dict[str, Any]]:
    """Volumes as deflated bytes, 255 at each joint's highest value in each stack; of the first people with any."""
    found = [(number, pose) for number, frame in enumerate(frames) for pose in frame.people if pose.volumes is not None]
    return [
        {
            "frame": number,
            "id": pose.id,
            "box": [float(value) for value in pose.box],
            "root": float(pose.root_depth_mm),
            "stacks": [_stack(volume) for volume in pose.volumes or ()],
        }
        for number, pose in found[:MOST_VOLUMES]
    ]


def _stack(volume: Float[np.ndarray, "J D H W"]) -> dict[str, Any]:
    positive = np.maximum(np.asarray(volume, np.float32), 0)
    peak = np.maximum(positive.max((1, 2, 3), keepdims=True), 1e-12)
    packed = zlib.compress(np.round(255 * positive / peak).astype(np.uint8).tobytes(), 9)
    _, depth, rows, columns = volume.shape
    return {"depth": depth, "rows": rows, "columns": columns, "bytes": base64.b64encode(packed).decode()}
