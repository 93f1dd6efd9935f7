"""What is wrong with which record of one's own data: units, frames, cameras, sides, sizes.

A label in px and one in mm say the same twice, once through the camera. Where they disagree, the usual mistakes are
tried in turn, and the one that makes them agree is named.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float

from c2fpose.data.custom.cameras import Camera
from c2fpose.data.custom.records import Records
from c2fpose.data.custom.sides import exchanged

AGREES = 0.05  # of the person's extent in the picture: px and projected mm lie closer, in the mean over joints
METRES, CENTIMETRES = 10.0, 200.0  # mm; a person of a smaller extent is measured in these
LEAST_PX = 2.0  # most people of a smaller extent: not measured in px
RARE = 1e-4  # of all labelled joints, up to which such as lie at 0, 0 may be labels
FEWEST = 3  # labelled joints from which a record can be judged
NEAREST, FARTHEST_IN_METRES = 0.01, 20.0  # mm from the world's origin; all cameras' places within are in metres
MANY, SMALLER = 20, 0.6  # records from which a share of the pictures in which all labels lie is worth a word
OFF_CENTRE = 0.2  # of the picture, from its middle to a camera's cx, cy: more have cut pictures alone
FEWEST_PLACED, MOST_TRIED = 6, 50  # joints from which a camera's place is found, and records for which it is


@dataclass(frozen=True)
class Fault:
    """One kind of mistake and the records that have it."""

    text: str
    records: tuple[int, ...]

    def in_words(self, records: Records) -> str:
        """Say it in a line that names the first record."""
        first = self.records[0]
        image = f" ({records.image[first]})" if records.image[first] else ""
        more = f" ({len(self.records)} such records of {len(records)})" if len(self.records) > 1 else ""
        return f"{records.places[first]}{image}: {self.text}{more}"


def faults(
    records: Records, sizes_px: Float[np.ndarray, "N 2"], trust_sides: bool = False, trust_size: bool = False
) -> list[Fault]:
    """List what is wrong, the gravest first; empty if nothing is.

    ``sizes_px``: of each picture, NaN without one. ``trust_sides``: do not ask whether left is the body's left;
    ``trust_size``: nor whether bodies are as large as people.
    """
    found: list[Fault] = []

    def report(rows: Bool[np.ndarray, " N"], text: str) -> None:
        if rows.any():
            found.append(Fault(text, tuple(np.flatnonzero(rows).tolist())))

    no_px, no_mm = (np.isnan(joints[..., 0]).all(1) for joints in (records.joints_px, records.joints_mm))
    report(no_px & no_mm, "no joint has a label: label one, or leave the record out")
    moments = list(zip(records.subject, records.action, records.trial, records.camera, records.frame, strict=True))
    first = dict(zip(reversed(moments), range(len(moments) - 1, -1, -1), strict=True))
    report(
        np.array([first[moment] != number for number, moment in enumerate(moments)], bool),
        "the same subject, action, trial, camera and frame as an earlier record: leave one out, or tell them apart",
    )
    _report_splits(records, found)
    _report_not_labelled(records, report)
    if not trust_size:
        _report_size(_extent(records.joints_mm), report)
    extent_px = _extent(_filled_px(records))
    report(
        (extent_px < LEAST_PX) & (np.sum(extent_px < LEAST_PX) > 0.5 * np.isfinite(extent_px).sum()),
        f"the person is smaller than {LEAST_PX:.0f} px: shares of the picture for px? Multiply joints, or intrinsics, "
        "by its width and height",
    )
    _report_cameras(records, sizes_px, report)
    if not trust_sides:
        report(
            exchanged(records, in_camera_frame(records)),
            "joints called left are on the body's right: left and right exchanged, or a mirrored frame? "
            "If they are right, say trust_sides=true",
        )
    return found


def doubts(records: Records, sizes_px: Float[np.ndarray, "N 2"]) -> list[str]:
    """Say what may be right and seldom is, a line each, of records without faults."""
    found = []
    agree = _apart(records.joints_px, projected(records, in_camera_frame(records))) < AGREES
    doubtful = ~agree & np.isfinite(records.joints_px[..., 0]).any(1) & np.isfinite(sizes_px).all(1)
    if records.said_size_px is not None:
        doubtful &= np.isnan(records.said_size_px).any(1)
    if doubtful.sum() >= MANY:
        width, height = np.nanmax(records.joints_px[doubtful] / sizes_px[doubtful, None], axis=(0, 1))
        if max(width, height) < SMALLER:
            found.append(
                f"no joint in px lies beyond {width:.0%} of the pictures' width and {height:.0%} of their height: "
                "were the pictures smaller when they were labelled?"
            )
    unseen = np.isfinite(records.joints_mm[..., 0]).any(1) & np.isnan(records.joints_px[..., 0]).all(1)
    for name, camera in records.cameras.items():
        sizes = sizes_px[unseen & (np.array(records.camera) == name)]
        different = np.unique(sizes[np.isfinite(sizes).all(1)], axis=0)
        if len(different) > 1:
            several = " and ".join(f"{width:.0f} x {height:.0f}" for width, height in different[:2])
            found.append(f"camera {name}: pictures of {several} px, and intrinsics_px are of one size")
        elif len(different) and (np.abs(camera.intrinsics_px[2:] / different[0] - 0.5) > OFF_CENTRE).any():
            shares = " and ".join(f"{share:.0%}" for share in camera.intrinsics_px[2:] / different[0])
            found.append(
                f"camera {name}: cx, cy lie at {shares} of its pictures' width and height: are intrinsics_px those of "
                "pictures of another size?"
            )
    return found


def in_camera_frame(records: Records) -> Float[np.ndarray, "N J 3"]:
    """Give all joints in the frame of their record's camera, mm; NaN where it is needed and has no pose."""
    if records.joints_frame == "camera":
        return records.joints_mm
    return _by_camera(
        records,
        lambda camera, joints: camera.to_camera(joints) if camera.has_pose else np.full_like(joints, np.nan),
        records.joints_mm,
    )


def projected(records: Records, joints_cam_mm: Float[np.ndarray, "N J 3"]) -> Float[np.ndarray, "N J 2"]:
    """Project joints by each record's camera, px; NaN without one."""
    return _by_camera(records, lambda camera, joints: camera.project(joints), joints_cam_mm, width=2)


def _by_camera(records: Records, work: Callable, joints: np.ndarray, width: int = 3) -> np.ndarray:
    result = np.full((*joints.shape[:2], width), np.nan)
    owner = np.array(records.camera)
    for name, camera in records.cameras.items():
        rows = owner == name
        if rows.any():
            result[rows] = work(camera, joints[rows])
    return result


def _extent(joints: Float[np.ndarray, "N J D"]) -> Float[np.ndarray, " N"]:
    """Measure the largest extent along an axis of labelled joints; NaN of fewer than ``FEWEST``."""
    known = np.isfinite(joints[..., 0])
    low = np.where(known[..., None], joints, np.inf).min(1)
    high = np.where(known[..., None], joints, -np.inf).max(1)
    return np.where(known.sum(1) >= FEWEST, (high - low).max(-1), np.nan)


def _report_size(extent_mm: Float[np.ndarray, " N"], report: Callable) -> None:
    report(extent_mm < METRES, "the person is smaller than 10 mm: metres for millimetres? Multiply them by 1000")
    small = extent_mm < CENTIMETRES  # of a few: a head, or a hand, labelled alone
    report(
        (extent_mm >= METRES) & small & (small.sum() > 0.5 * np.isfinite(extent_mm).sum()),
        "the person is smaller than 200 mm: centimetres for millimetres? Multiply them by 10; of hands or mice say "
        "trust_size=true",
    )


def _filled_px(records: Records) -> Float[np.ndarray, "N J 2"]:
    """Take joints in px, and the projected ones where these are not labelled."""
    return np.where(np.isnan(records.joints_px), projected(records, in_camera_frame(records)), records.joints_px)


def _report_not_labelled(records: Records, report: Callable) -> None:
    """Report joints at the places that programs write for a joint without a label: a network would learn them."""
    px, mm, root = records.joints_px, records.joints_mm, records.skeleton.root
    at_origin = (mm == 0).all(-1)
    name = records.skeleton.names[root]
    if records.joints_frame == "camera":  # in the world's frame the root may be what all counts from
        report(at_origin[:, root], f"{name} lies at 0, 0, 0 mm: are poses relative to it? They count from the camera")
    at_origin[:, root] = False
    at_nothing = (px == 0).all(-1) | _is_sign(px)
    at_origin |= _is_sign(mm)
    for rows, joints, unit in ((at_nothing, px, "px"), (at_origin, mm, "mm")):
        if rows.sum() > RARE * np.isfinite(joints[..., 0]).sum():
            row, joint = np.argwhere(rows)[0]
            where = ", ".join(f"{number:g}" for number in joints[row, joint])
            text = f"{records.skeleton.names[joint]} lies at exactly {where} {unit}, which some write for no label"
            report(rows.any(1), f"{text}: leave that empty")


def _is_sign(joints: Float[np.ndarray, "N J D"]) -> Bool[np.ndarray, "N J"]:
    """Tell numbers such as -1, -1 and -999, -999, which mean that there is no label."""
    return (joints == joints[..., :1]).all(-1) & ((joints[..., 0] == -1) | (joints[..., 0] <= -99))


# --- who is in which split ------------------------------------------------------------------------------------------


def _report_splits(records: Records, found: list[Fault]) -> None:
    if not records.split:
        return
    split, subject = np.array(records.split), np.array(records.subject)
    both = sorted(set(subject[split == "train"]) & set(subject[split == "test"]))
    if both:
        rows = np.flatnonzero((split == "test") & (subject == both[0]))
        text = f"subject {both[0]} is in training and test: errors would be of a person that the network has seen; "
        text += "give all of a person's records one split"
        found.append(Fault(text, tuple(rows.tolist())))


# --- cameras and pictures -------------------------------------------------------------------------------------------


def _report_cameras(records: Records, sizes_px: np.ndarray, report: Callable) -> None:
    has_mm = np.isfinite(records.joints_mm[..., 0]).any(1)
    known = np.array([name in records.cameras for name in records.camera])
    report(has_mm & ~known, "joints in mm and no camera of this name in cameras.yaml")
    world = records.joints_frame == "world"
    posed = np.array([name in records.cameras and records.cameras[name].has_pose for name in records.camera])
    report(has_mm & known & ~posed & world, "joints in the world's frame and a camera without rotation and place")
    usable = known & (posed | (not world))
    declared = np.array([
        records.cameras[name].image_size_px or (np.nan, np.nan) if name in records.cameras else (np.nan, np.nan)
        for name in records.camera
    ], float).reshape(-1, 2)  # fmt: skip
    other = (np.abs(declared - sizes_px) > 0.5).any(1)
    for first in np.flatnonzero(other)[:1]:
        width, height = sizes_px[first].astype(int)
        said = " x ".join(str(int(value)) for value in declared[first])
        report(
            other,
            f"the picture has {width} x {height} px, its camera {said}: {_why_other(sizes_px[first], declared[first])} "
            "Take the pictures that were labelled, or give image_size_px and intrinsics_px of these; if a camera's "
            "pictures are of several sizes, leave image_size_px out",
        )
    said_px = np.full_like(sizes_px, np.nan) if records.said_size_px is None else records.said_size_px
    other_labels = (np.abs(said_px - sizes_px) > 0.5).any(1)
    for first in np.flatnonzero(other_labels)[:1]:
        (width, height), (wide, high) = sizes_px[first].astype(int), said_px[first].astype(int)
        why = _why_other(sizes_px[first], said_px[first])
        report(
            other_labels, f"the picture has {width} x {height} px, when it was labelled it had {wide} x {high}: {why}"
        )
    joints_cam_mm = in_camera_frame(records)
    if world:
        report(
            _placed_in_metres(records, has_mm & posed, joints_cam_mm),
            f"its camera and all others stand within {FARTHEST_IN_METRES:.0f} mm of the world's origin: metres for "
            "millimetres? Multiply translation_mm or position_mm by 1000; joints in px beside would tell",
        )
    behind = usable & (joints_cam_mm[..., 2] <= 0).any(1)
    wrong_frame = "world for camera frame? Then say joints_frame=world" if not world else "rotation and place fit?"
    report(behind & ~_disagree(records, joints_cam_mm, usable), f"joints behind the camera: {wrong_frame}")
    off = _disagree(records, joints_cam_mm, usable) & ~other
    texts, fits = [], []
    for text, px, cam in _mistakes(records, joints_cam_mm, sizes_px):
        texts.append(text)
        before = np.where(cam[..., 2:] > 0, cam, np.nan)  # what lies behind a camera is no explanation
        fits.append(np.nan_to_num(_apart(px, projected(records, before)), nan=np.inf))
    best = np.argmin(fits, axis=0)
    explained = off & (np.min(fits, axis=0) < AGREES)
    for number, text in enumerate(texts):
        report(explained & (best == number), text)
    elsewhere = _from_elsewhere(records, off & ~explained)
    report(elsewhere, "joints in px fit those in mm seen from another place: " + (
        "are rotation and place in cameras.yaml those of x_cam = R x_world + t?" if world
        else "are they in the world's frame? Then give rotation and place in cameras.yaml, and say joints_frame=world"
    ))  # fmt: skip
    report(off & ~explained & ~elsewhere, "joints in px do not lie where those in mm are projected by the camera")
    _report_outside(records, projected(records, joints_cam_mm), sizes_px, report)


def _why_other(size_px: np.ndarray, said_px: np.ndarray) -> str:
    if np.array_equal(size_px, said_px[::-1]) and size_px[0] != size_px[1]:
        return (
            "labelled without its EXIF orientation? Here pictures are upright by it; label those, or turn the labels."
        )
    return "a reduced or cropped copy?"


def _disagree(records: Records, joints_cam_mm: np.ndarray, usable: np.ndarray) -> np.ndarray:
    apart = _apart(records.joints_px, projected(records, joints_cam_mm))
    return usable & (apart >= AGREES)


def _apart(px: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Measure the mean distance over joints in shares of the extent in the picture; NaN where too few have both."""
    distance = np.linalg.norm(px - expected, axis=-1)
    enough = np.isfinite(distance).sum(1) >= FEWEST
    result = np.full(len(px), np.nan)
    if enough.any():
        result[enough] = np.nanmean(distance[enough], axis=1) / np.maximum(_extent(px)[enough], 1.0)
    return result


def _mistakes(records: Records, joints_cam_mm: np.ndarray, sizes_px: np.ndarray):
    """Try the usual mistakes: a text, and the labels as they would be without it."""
    px, mirror = records.joints_px, list(records.skeleton.mirror)
    yield "left and right are exchanged between joints in px and in mm", px[:, mirror], joints_cam_mm
    width, height = sizes_px[:, None, 0], sizes_px[:, None, 1]
    flipped = np.stack([width - px[..., 0], px[..., 1]], -1)
    yield "a mirrored picture or camera: joints in px fit when x is counted from the right", flipped, joints_cam_mm
    yield "a mirrored picture, left and right exchanged in px", flipped[:, mirror], joints_cam_mm
    upright = np.stack([px[..., 0], height - px[..., 1]], -1)
    yield "joints in px fit when y is counted from below; here it counts from the top", upright, joints_cam_mm
    mirrored_mm = joints_cam_mm * [-1, 1, 1]
    yield "a mirrored camera: joints in px fit when x in mm has the other sign", px, mirrored_mm
    turned = joints_cam_mm * [1, -1, -1]
    yield "a camera frame whose y points up and z backward; here y points down and z forward", px, turned
    if records.joints_frame == "camera":
        posed = {name: camera for name, camera in records.cameras.items() if camera.has_pose}
        moved = np.full_like(joints_cam_mm, np.nan)
        owner = np.array(records.camera)
        for name, camera in posed.items():
            moved[owner == name] = camera.to_camera(records.joints_mm[owner == name])
        yield "joints in the world's frame, not the camera's; say joints_frame=world", px, moved
    else:
        yield "joints in the camera's frame, not the world's; say joints_frame=camera", px, records.joints_mm
        for times, unit in ((1000, "metres"), (10, "centimetres")):
            fits = "joints in px fit when translation_mm or position_mm is multiplied by"
            yield f"its camera's place is in {unit}: {fits} {times}", px, _seen_from(records, times)
    factor = _factor(px, projected(records, joints_cam_mm))
    yield (
        "joints in px fit a picture of another size: was it reduced or enlarged?",
        px * factor[:, None, None],
        joints_cam_mm,
    )


def _seen_from(records: Records, times: float) -> Float[np.ndarray, "N J 3"]:
    """Give joints of the world's frame in the camera's, were cameras placed so many times as far from its origin."""

    def moved(camera: Camera, joints: np.ndarray) -> np.ndarray:
        if camera.translation_mm is None:
            return np.full_like(joints, np.nan)
        x, y, z = camera.translation_mm
        return replace(camera, translation_mm=(x * times, y * times, z * times)).to_camera(joints)

    return _by_camera(records, moved, records.joints_mm)


def _placed_in_metres(
    records: Records, rows: Bool[np.ndarray, " N"], joints_cam_mm: Float[np.ndarray, "N J 3"]
) -> Bool[np.ndarray, " N"]:
    """Tell whether cameras' places are in metres, by how near they are, of records of which no px tell."""
    used = {records.camera[row] for row in np.flatnonzero(rows)}
    far = [float(np.linalg.norm(records.cameras[name].translation_mm or 0.0)) for name in used]
    near = bool(far) and NEAREST < max(far) < FARTHEST_IN_METRES
    apart = _apart(records.joints_px, projected(records, joints_cam_mm))
    return rows & near & np.isnan(apart) & (not (apart < AGREES).any())


def _from_elsewhere(records: Records, rows: Bool[np.ndarray, " N"]) -> Bool[np.ndarray, " N"]:
    """Tell whether these records are explained by cameras of the same intrinsics that stand elsewhere: all or none.

    The first ``MOST_TRIED`` are looked at.
    """
    tried = np.flatnonzero(rows)[:MOST_TRIED].tolist()
    return rows & bool(len(tried) and all(_fits_elsewhere(records, row) for row in tried))


def _fits_elsewhere(records: Records, row: int) -> bool:
    camera, px, mm = records.cameras[records.camera[row]], records.joints_px[row], records.joints_mm[row]
    both = np.isfinite(px).all(1) & np.isfinite(mm).all(1)
    if both.sum() < FEWEST_PLACED:
        return False
    fx, fy, cx, cy = camera.intrinsics_px
    matrix, lens = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), np.array(camera.distortion or [0.0] * 4)
    undistort = cv2.fisheye.undistortPoints if camera.lens == "fisheye" else cv2.undistortPoints
    try:
        straight = undistort(px[both][:, None], matrix, lens, P=matrix)
        placed, turn, place = cv2.solvePnP(mm[both], straight, matrix, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return False
    if not placed:
        return False
    moved = mm @ cv2.Rodrigues(turn)[0].T + place.ravel()
    return bool((moved[both, 2] > 0).all() and _apart(px[None], camera.project(moved)[None])[0] < AGREES)


def _factor(px: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """By how much pixels must be multiplied to fit best."""
    both = np.isfinite(px) & np.isfinite(expected)
    above = np.where(both, px * expected, 0).sum((1, 2))
    return above / np.maximum(np.where(both, px**2, 0).sum((1, 2)), 1e-9)


def _report_outside(records: Records, projected_px: np.ndarray, sizes_px: np.ndarray, report: Callable) -> None:
    px = np.where(np.isnan(records.joints_px), projected_px, records.joints_px)
    with np.errstate(invalid="ignore"):
        outside = ((px < 0) | (px > sizes_px[:, None])).any(-1)
    labelled = np.isfinite(px[..., 0])
    mostly = (labelled.sum(1) > 0) & np.isfinite(sizes_px).all(1) & ((outside & labelled).sum(1) > labelled.sum(1) / 2)
    report(mostly, "most joints lie outside the picture: is it another size than when it was labelled?")
