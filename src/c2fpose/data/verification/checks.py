"""Checks of one split against what is known of Human3.6M; arrays in, findings out. Units: px of the full frame, mm."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.data.crops.standard import MOST_PIXELS, PADDING, size_px
from c2fpose.data.custom.cameras import Camera
from c2fpose.data.fields import MADE_ELSEWHERE
from c2fpose.data.schema import SplitReader
from c2fpose.pose.box import person_box
from c2fpose.pose.camera import project
from c2fpose.pose.protocol import (
    ACTIONS,
    BOX_SCALE_UNIT_PX,
    TEST_FRAMES_10FPS,
    TEST_FRAMES_50FPS,
    TRAIN_FRAMES_10FPS,
)
from c2fpose.pose.skeleton import C2F17, left_is_left
from c2fpose.pose.space import PAPER, space_of

KNOWN_RECORDS = {"train": TRAIN_FRAMES_10FPS, "test": TEST_FRAMES_10FPS}
STRIDE_10FPS = 5
TEST_VIDEOS_PER_ACTION = 16  # 2 subjects, 2 trials, 4 cameras
SHOWN = 3  # records named in a finding

PASS, NOTE, FAIL = "pass", "note", "fail"


@dataclass
class Finding:
    """The result of one check."""

    check: str
    status: str  # PASS, NOTE (worth knowing) or FAIL
    text: str
    figures: dict[str, Any] = field(default_factory=dict)


def grade(value: float, passes_below: float, fails_from: float) -> str:
    """PASS, NOTE or FAIL of a figure that should be small."""
    return PASS if value < passes_below else NOTE if value < fails_from else FAIL


def _worst(reader: SplitReader, amount: np.ndarray) -> str:
    """Name the records with the largest amounts, in words."""
    return ", ".join(reader.name(int(record)) for record in np.argsort(amount)[::-1][:SHOWN])


# --- counts -------------------------------------------------------------------------------------------------------


def counts(reader: SplitReader) -> Finding:
    """Count records by subject, action and camera, the total against the published one."""
    table = reader.annotations
    figures = {
        "records": len(reader),
        "by_subject": {
            reader.info.subject_name(int(s)): int((table["subject"] == s).sum()) for s in np.unique(table["subject"])
        },
        "by_action": {name: int((table["action"] == i).sum()) for i, name in enumerate(reader.info.action_names)},
        "by_camera": {name: int((table["camera"] == i).sum()) for i, name in enumerate(reader.info.camera_names)},
        "expected": None,
    }
    reason = _not_comparable(reader)
    if reason:
        return Finding(
            "counts", NOTE, f"{len(reader):,} records; not compared with the published count: {reason}", figures
        )
    expected = KNOWN_RECORDS[reader.info.split]
    figures["expected"] = expected
    if len(reader) != expected:
        gap = len(reader) - expected
        return Finding("counts", FAIL, f"{len(reader):,} records, {gap:+,} against the published {expected:,}", figures)
    return Finding("counts", PASS, f"{len(reader):,} records, as published", figures)


def _not_comparable(reader: SplitReader) -> str | None:
    """Why the published counts do not apply, or None where they do."""
    if reader.info.dataset != "h36m":
        return f"the data set is {reader.info.dataset}"
    subset = reader.info.provenance.get("subset")
    if subset:
        return f"a subset was asked for ({', '.join(sorted(subset))})"
    if np.gcd.reduce(reader.annotations["frame"] - 1) != STRIDE_10FPS:
        return "frames are not 1, 6, 11, ... (10 fps)"
    return None


def action_counts(reader: SplitReader) -> Finding | None:
    """Test records by action within what the published 50-fps counts allow (every 5th frame, rounded up by video)."""
    if reader.info.split != "test" or _not_comparable(reader):
        return None
    found = np.bincount(reader.annotations["action"], minlength=len(ACTIONS))
    low = np.ceil(np.array(TEST_FRAMES_50FPS) / STRIDE_10FPS)
    high = np.floor((np.array(TEST_FRAMES_50FPS) + (STRIDE_10FPS - 1) * TEST_VIDEOS_PER_ACTION) / STRIDE_10FPS)
    odd = np.flatnonzero((found < low) | (found > high))
    figures = {
        ACTIONS[i]: {"found": int(found[i]), "expected": [int(low[i]), int(high[i])]} for i in range(len(ACTIONS))
    }
    if len(odd):
        words = ", ".join(f"{ACTIONS[i]} {found[i]:,} (expected {low[i]:,.0f} to {high[i]:,.0f})" for i in odd)
        return Finding("actions", FAIL, words, figures)
    return Finding("actions", PASS, "every action has the published number of frames", figures)


def sequences(reader: SplitReader) -> Finding:
    """No record twice, and each sequence in all cameras with about as many frames."""
    table = reader.annotations
    keys = np.stack([table[name] for name in ("subject", "action", "trial", "camera", "frame")], axis=-1)
    unique, first = np.unique(keys, axis=0, return_index=True)
    figures: dict[str, Any] = {"sequences": len(np.unique(keys[:, :4], axis=0)), "duplicates": len(keys) - len(unique)}
    if len(unique) < len(keys):
        again = np.setdiff1d(np.arange(len(keys)), first)[0]
        return Finding(
            "sequences", FAIL, f"{len(keys) - len(unique)} records occur twice, first {reader.name(again)}", figures
        )
    takes, take = np.unique(keys[:, :3], axis=0, return_inverse=True)
    cameras, camera = np.unique(keys[:, 3], return_inverse=True)
    gaps: list[str] = []
    if reader.info.dataset in MADE_ELSEWHERE and not reader.info.trial_is_person:
        # else each image has its own camera, or people need not have been seen by all
        seen = np.zeros((len(takes), len(cameras)), bool)
        seen[take.ravel(), camera.ravel()] = True
        gaps = [
            f"{reader.info.subject_name(int(takes[i, 0]))}_{reader.info.action_names[takes[i, 1]]}_{takes[i, 2]} lacks "
            f"{reader.info.camera_names[cameras[c]]}"
            for i, c in np.argwhere(~seen)
        ]
    figures["gaps"] = gaps
    text = f"{figures['sequences']} sequences, {len(takes)} takes, {len(cameras)} cameras, no record twice"
    expected = {"S11_Directions_2 lacks 54138969"}  # the corrupt video
    if set(gaps) - expected:
        return Finding("sequences", NOTE, f"{text}; {len(gaps)} gaps: {', '.join(gaps[:SHOWN])}", figures)
    return Finding("sequences", PASS, text, figures)


# --- geometry -----------------------------------------------------------------------------------------------------


def reprojection(reader: SplitReader) -> Finding:
    """Image labels against the projection of the poses, with the lens that the file names, if any."""
    table = reader.annotations
    projected, lens = _projected(reader)
    error = np.linalg.norm(projected - table["joints_px"], axis=-1)
    labelled = np.isfinite(error).any(1)
    if not labelled.any():
        return Finding("reprojection", NOTE, "no joint has a label both in px and in mm", {})
    error = np.where(np.isnan(error), 0, error).max(1)
    median, worst = float(np.median(error[labelled])), float(error.max())
    figures = {
        "median_px": median,
        "p999_px": float(np.quantile(error[labelled], 0.999)),
        "max_px": worst,
        "lens": lens,
    }
    status = FAIL if median > 0.5 else grade(worst, 0.5, 5)
    if reader.info.dataset not in MADE_ELSEWHERE and status == FAIL:  # labels by hand are rough; prepare bounds them
        status = NOTE
    text = f"labels lie {median:.3g} px from projected joints (median of each record's worst; largest {worst:.3g} px)"
    return Finding(
        "reprojection", status, text + ("" if status == PASS else f"; worst: {_worst(reader, error)}"), figures
    )


def _projected(reader: SplitReader) -> tuple[np.ndarray, bool]:
    """Poses in the picture, px, and whether a lens was known: the file's own cameras, or Human3.6M's form."""
    table, own = reader.annotations, reader.info.provenance.get("lenses")
    if own:
        result = np.empty_like(table["joints_px"], np.float64)
        for number, name in enumerate(reader.info.camera_names):
            for row in np.flatnonzero(table["camera"] == number):
                lens = own.get(name, {"model": "opencv", "coefficients": []})
                intrinsics = tuple(table["intrinsics_px"][row].astype(float).tolist())
                camera = Camera(intrinsics, lens=lens["model"], distortion=tuple(lens["coefficients"]))
                result[row] = camera.project(table["joints_cam_mm"][row])
        return result, True
    lens = reader.info.provenance.get("lens_distortion")
    distortion = None if lens is None else np.array(lens)[table["camera"]]
    return project(table["joints_cam_mm"], table["intrinsics_px"], distortion), lens is not None


def limbs(reader: SplitReader) -> Finding:
    """Limb lengths by subject: constant in time, alike left and right, near the published means."""
    skeleton = reader.info.skeleton
    published = np.array(PAPER.mean_limb_lengths_mm) if skeleton == C2F17 else None
    lengths = skeleton.limb_lengths_mm(reader.annotations["joints_cam_mm"].astype(np.float64))
    subject = reader.annotations["subject"]
    names = [f"{skeleton.names[a]}-{skeleton.names[b]}" for a, b in skeleton.limbs]
    figures, faults, spread_of_all = {}, [], []
    for number in np.unique(subject):
        own = lengths[subject == number]
        own = own[np.isfinite(own).all(1)]
        if not len(own):
            continue
        mean, spread = own.mean(0), own.std(0)
        if reader.info.trial_is_person:
            spread = (own - _means_of_groups(own, reader.annotations["trial"][subject == number])).std(0)
        name = reader.info.subject_name(int(number))
        figures[name] = {
            "mean_mm": dict(zip(names, mean.round(2).tolist(), strict=True)),
            "std_mm": spread.max(),
        }
        spread_of_all.append(spread.max())
        varying = np.argmax(spread / mean)
        if (spread / mean)[varying] > 0.1:
            faults.append(f"{name}: {names[varying]} varies by {spread[varying]:.0f} of {mean[varying]:.0f} mm")
        if published is not None:
            odd = np.argmax(np.abs(np.log(mean / published)))
            if not 0.6 < mean[odd] / published[odd] < 1.6:
                faults.append(f"{name}: {names[odd]} is {mean[odd]:.0f} mm, published mean {published[odd]:.0f}")
    figures = {name: value | {"std_mm": float(value["std_mm"])} for name, value in figures.items()}
    if faults:  # labels by hand are rough: only a known data set's must be better
        known = reader.info.dataset in MADE_ELSEWHERE
        return Finding("limbs", FAIL if known else NOTE, "; ".join(faults[:SHOWN]), figures)
    if not spread_of_all:
        return Finding("limbs", NOTE, "no record has all of its limbs in mm", figures)
    text = f"constant within each subject (largest standard deviation {max(spread_of_all):.2g} mm)"
    return Finding("limbs", PASS if max(spread_of_all) < 10 else NOTE, text, figures)


def _means_of_groups(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """For each row the mean over the rows of its group."""
    _, index, count = np.unique(group, return_inverse=True, return_counts=True)
    total = np.zeros((len(count), *values.shape[1:]))
    np.add.at(total, index, values)
    return (total / count[:, None])[index]


def handedness(reader: SplitReader) -> Finding:
    """Whether left is the body's left, by geometry, in nearly all records of each subject."""
    holds = left_is_left(reader.annotations["joints_cam_mm"].astype(np.float64), reader.info.skeleton)
    if holds is None:
        text = "cannot be told of these joints: it takes pelvis, thorax, nose, shoulders and hips"
        return Finding("handedness", NOTE, text, {})
    whole = np.isfinite(reader.annotations["joints_cam_mm"]).all((1, 2))
    if not whole.any():
        return Finding("handedness", NOTE, "no record has all of its joints in mm", {})
    holds, subject = holds[whole], reader.annotations["subject"][whole]
    figures = {
        reader.info.subject_name(int(n)): dict(
            zip(("shoulders", "hips"), holds[subject == n].mean(0).tolist(), strict=True)
        )
        for n in np.unique(subject)
    }
    low = {part: min(figures.items(), key=lambda item: item[1][part]) for part in ("shoulders", "hips")}
    status = grade(1 - min(low[part][1][part] for part in low), 0.05, 0.2)
    words = ", ".join(f"{part} {low[part][1][part]:.1%} ({low[part][0]})" for part in low)
    text = f"left is left, lowest share: {words}"
    if status == FAIL:
        order = (
            "the legs are in right-first order"
            if low["shoulders"][1]["shoulders"] > 0.8
            else "left and right are exchanged"
        )
        text = f"{order}; share where left is left: {words}"
    return Finding("handedness", status, text, figures)


def depth_range(reader: SplitReader) -> Finding:
    """Depths from the root against the limits of the 64 bins; what lies outside is clipped in training."""
    info = reader.info
    low, high = space_of(info.skeleton, info.dataset, reader.annotations["joints_cam_mm"]).depth_range_mm
    depth = reader.annotations["joints_cam_mm"][..., 2]
    relative = depth - depth[:, [info.skeleton.root]]
    relative = relative[np.isfinite(relative)]
    if not len(relative):
        return Finding("depth range", NOTE, "no joint has a depth", {})
    outside = (relative < low) | (relative > high)
    share = float(outside.mean())
    figures = {"min_mm": float(relative.min()), "max_mm": float(relative.max()), "share_outside": share}
    text = (
        f"{relative.min():.0f} to {relative.max():.0f} mm from the root; bins hold {low:.0f} to "
        f"{high:.0f} mm; {share:.3%} of joints outside"
    )
    return Finding("depth range", grade(share, 1e-6, 0.005), text, figures)


def boxes(reader: SplitReader) -> Finding:
    """Hold stored boxes against the C2F rule on the stored labels."""
    if reader.info.boxes_hold_visible_parts:
        text = "around what can be seen of each person, not by the C2F rule"
        return Finding("boxes", NOTE, text, {})
    table = reader.annotations
    if reader.info.dataset not in MADE_ELSEWHERE:
        off = np.abs(table["joints_px"] - table["center_px"][:, None]).max(-1) * 2 / BOX_SCALE_UNIT_PX
        inside = float((off <= table["scale"][:, None])[np.isfinite(off)].mean())
        text = f"as given, or a little wider than the joints; {inside:.1%} of the labelled joints are inside"
        return Finding("boxes", PASS if inside > 0.9 else NOTE, text, {"inside": inside})
    center, scale = person_box(table["joints_px"])
    apart_center = np.abs(center - table["center_px"]).max(-1)
    apart_side = BOX_SCALE_UNIT_PX * np.abs(scale - table["scale"])
    worst = np.maximum(apart_center, apart_side)
    figures = {"max_center_px": float(apart_center.max()), "max_side_px": float(apart_side.max())}
    status = grade(float(worst.max()), 0.1, 1)
    text = f"centre within {apart_center.max():.2g} px and side within {apart_side.max():.2g} px of the C2F rule"
    return Finding("boxes", status, text + ("" if status == PASS else f"; worst: {_worst(reader, worst)}"), figures)


# --- images -------------------------------------------------------------------------------------------------------


def images(reader: SplitReader, records: np.ndarray, advance: Callable[[], Any] = lambda: None) -> Finding:
    """Decode some records' images: each is whole, not blank, and holds most of the box."""
    if reader.info.images == "none":
        return Finding("images", NOTE, "poses alone, no images", {"decoded": 0})
    faults = {}
    for record in records:
        fault = image_fault(reader, int(record))
        if fault:
            faults[int(record)] = f"{reader.name(int(record))}: {fault}"
        advance()
    figures = {"decoded": len(records), "faults": faults}
    if faults:
        shown = "; ".join(list(faults.values())[:SHOWN])
        return Finding("images", FAIL, f"{len(faults)} of {len(records)} images are unusable: {shown}", figures)
    if not len(records):
        return Finding("images", NOTE, "none was looked at", figures)
    return Finding("images", PASS, f"{len(records):,} of {len(reader):,} decoded, all readable", figures)


def image_fault(reader: SplitReader, record: int) -> str | None:
    """Find what is wrong with a record's image, or None."""
    try:
        jpeg = reader.jpeg(record)
    except DataError as error:
        return str(error)
    if jpeg[:2].tobytes() != b"\xff\xd8":
        return "not a JPEG"
    if b"\xff\xd9" not in jpeg[-PADDING:].tobytes():
        return f"JPEG cut off after {len(jpeg)} bytes"
    width, height = size_px(jpeg)
    if width * height > MOST_PIXELS:
        return f"{width} x {height} px, more than {MOST_PIXELS / 1e6:.0f} megapixels"
    try:
        image = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        return "cannot be decoded"
    if image.std() < 1:
        return "blank"
    table = reader.annotations
    shown_px = np.array(image.shape[1::-1]) * table["stored_step_px"][record]
    joints = table["joints_px"][record] - table["stored_left_top_px"][record]
    labelled = np.isfinite(joints).all(-1)
    if not labelled.any():
        return None
    inside = ((joints >= 0) & (joints <= shown_px)).all(-1)[labelled].mean()
    # People leave the frame a little in correct data; a wrong cut or wrong person leaves it altogether.
    least = 0.1 if reader.info.boxes_hold_visible_parts else 0.5
    return f"only {inside:.0%} of the joints lie in the image" if inside < least else None
