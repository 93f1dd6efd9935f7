"""Whether the joints called left are on the body's left, told by nose and knees, which point forward."""

import numpy as np
from jaxtyping import Bool, Float

from c2fpose.data.custom.records import Records
from c2fpose.pose.anatomy import Part, part_of, parts_of
from c2fpose.pose.skeleton import Skeleton

# Of the rendered people 8 in 10,000 photographed ones look exchanged, twisted as they are, and none of the walking ones
SHARE = 0.002  # of all records, up to which such ones are taken to be twisted


def exchanged(records: Records, joints_mm: Float[np.ndarray, "N J 3"]) -> Bool[np.ndarray, " N"]:
    """Say of which records left and right are exchanged (or of all, where a frame is mirrored).

    A record is meant where the nose before the shoulders, the nose before the hips and the knees before the legs all
    say so; or all records of which shoulders and hips say so, where these are the most. Nothing can be told of joints
    without these names, and of records without these labels.
    """
    cues = _cues(records.skeleton, joints_mm)
    if cues is None:
        return np.zeros(len(records), bool)
    known = np.isfinite(cues).all(1)
    with np.errstate(invalid="ignore"):
        clear = np.asarray((cues < 0).all(1))
        likely = np.asarray((cues[:, :2] < 0).any(1)) & known
    if likely.sum() > 0.5 * known.sum():
        return likely
    return clear if clear.sum() > SHARE * max(known.sum(), 1) else np.zeros(len(records), bool)


def unpaired(skeleton: Skeleton) -> tuple[str, str] | None:
    """Find a left and a right joint, by their names, that ``mirror`` does not exchange; None if there are none.

    In mirrored pictures of a training each would be called by the other's name.
    """
    parts = parts_of(skeleton.names)
    for left, (side, part) in enumerate(parts):
        other = Part("right", part)
        if side == "left" and parts.count(Part(side, part)) == parts.count(other) == 1:
            right = parts.index(other)
            if (left, right) not in skeleton.mirror_pairs:
                return skeleton.names[left], skeleton.names[right]
    return None


def _cues(skeleton: Skeleton, joints_mm: Float[np.ndarray, "N J 3"]) -> Float[np.ndarray, "N 3"] | None:
    """How far left lies on the left, in areas, by nose and shoulders, nose and hips, knees and hips."""
    places = {part_of(name): place for place, name in enumerate(skeleton.names)}

    def at(part: str, side: str = "middle") -> np.ndarray:
        if (place := places.get(Part(side, part))) is not None:
            return joints_mm[:, place]
        pair = {"pelvis": "hip", "thorax": "shoulder"}[part]
        return (at(pair, "left") + at(pair, "right")) / 2

    try:
        pelvis, thorax, nose = at("pelvis"), at("thorax"), at("nose")
        hips, shoulders = (at(part, "left") - at(part, "right") for part in ("hip", "shoulder"))
        knees = sum(
            at("knee", side) - (at("hip", side) + at("ankle", side)) / 2 for side in ("left", "right")
        )  # fmt: skip
    except KeyError:
        return None
    up = thorax - pelvis
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    forward = nose - thorax
    return np.stack([
        (np.cross(up, front) * across).sum(-1)
        for front, across in ((forward, shoulders), (forward, hips), (knees, hips))
    ], axis=1)  # fmt: skip
