"""The poses of people in the boxes of one picture, and the second look that puts a rough box right."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8

from c2fpose.config.representations import schema_of
from c2fpose.evaluation.calibration import Calibration
from c2fpose.model.inference import reading_of
from c2fpose.model.representations import representation_of
from c2fpose.model.representations.interface import Certainty
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.camera import back_project, project, root_depth_mm
from c2fpose.pose.strong_perspective import SizedPoses
from c2fpose.pose.to_millimetres import box_to_frame_px, poses_cam_mm
from c2fpose.prediction.certainty import calibration_of, joint_certainty
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box, crop_box
from c2fpose.prediction.result import BoxFrom, PersonPose

ROOT_DEPTH_RULE = "mean_limbs"  # of poses that have no size of their own: it needs to know nothing about the person
TOGETHER = 16  # crops of one batch
RESTS = 0.02  # of a box's side: one that moves by less from look to look is at rest
LOOKS = 2  # at most, by default
LOOSE = 1.1  # sides of the box of a person found that are looked at: a cut head costs more than some surroundings
LEAST_SHARE = 0.8  # of the first box's side: joints of which a network is unsure draw together, and boxes would shrink
_LEAST_SIDE_PX = 4.0

Image = UInt8[np.ndarray, "_ _ 3"]
# Hears each batch's volumes (B, J, D, H, W), mirror images averaged, with their boxes
Volumes = Callable[[torch.Tensor, list[Box]], None]


class Seen(NamedTuple):
    """A box to look at, and where it is from."""

    box: Box
    source: BoxFrom
    score: float | None = None
    id: int | None = None  # the person's, if a file of boxes says so


class Look(NamedTuple):
    """What a network says of crops; None for what it does not say or nobody asked for."""

    points: Float[torch.Tensor, "B J 3"]
    volume: Float[torch.Tensor, "B J D H W"] | None = None
    sure: Certainty | None = None
    sized: SizedPoses | None = None


def root_depth_rule(predictor: Predictor) -> str:
    """Name the rule by which a network's poses are placed, of ``camera.ROOT_DEPTH_RULES``."""
    return "strong_perspective" if schema_of(predictor.config.network.head).sized else ROOT_DEPTH_RULE


def poses_in(
    predictor: Predictor,
    image: Image,
    boxes: list[Seen],
    intrinsics_px: Float[np.ndarray, " 4"],
    volumes: Volumes | None = None,
) -> list[PersonPose]:
    """Predict the person in each box of an upright RGB picture; the root's depth by ``root_depth_rule``.

    Ids count from 0 in the order of the boxes. Certainties are those of a calibrated network; others have none.
    """
    cameras = np.broadcast_to(np.asarray(intrinsics_px, float), (len(boxes), 4))
    return poses_of(predictor, [image] * len(boxes), boxes, cameras, volumes)


def poses_of(
    predictor: Predictor,
    images: list[Image],
    boxes: list[Seen],
    intrinsics_px: Float[np.ndarray, "N 4"],
    volumes: Volumes | None = None,
) -> list[PersonPose]:
    """As ``poses_in``, a picture and a camera for each box; boxes of different pictures share batches."""
    people: list[PersonPose] = []
    for first in range(0, len(boxes), TOGETHER):
        part = slice(first, first + TOGETHER)
        people += _batch(predictor, images[part], boxes[part], intrinsics_px[part], volumes, first)
    return people


def crops_of(
    predictor: Predictor, images: list[Image], boxes: list[Box]
) -> tuple[UInt8[torch.Tensor, "B 3 S S"], list[Box]]:
    """Cut boxes out as the network was trained on them; the crops, and the boxes that they show."""
    size, mode = predictor.config.network.image_size, predictor.config.crop_mode
    cut = [crop_box(image, box, size, mode) for image, box in zip(images, boxes, strict=True)]
    crops = torch.from_numpy(np.stack([crop.transpose(2, 0, 1) for crop, _ in cut]))
    return crops, [box for _, box in cut]


def _batch(
    predictor: Predictor,
    images: list[Image],
    boxes: list[Seen],
    intrinsics_px: Float[np.ndarray, "B 4"],
    volumes: Volumes | None,
    first_id: int,
) -> list[PersonPose]:
    crops, shown = crops_of(predictor, images, [each.box for each in boxes])
    space = predictor.config.pose_space
    calibration, rule = calibration_of(predictor.provenance), root_depth_rule(predictor)
    if volumes is None and calibration is None and rule == ROOT_DEPTH_RULE:
        look = Look(predictor.predict_points(crops))
    else:
        look = _looked_at(predictor, crops, calibration)
        if volumes is not None and look.volume is not None:
            volumes(look.volume, shown)
    joints_box, depth_rel_mm = (part.double().cpu().numpy() for part in from_points(look.points, space))
    left_top, side = np.array([box[:2] for box in shown]), np.array([box.side for box in shown])
    joints_px = box_to_frame_px(joints_box, left_top, side)
    if look.sized is None:
        root_mm = root_depth_mm(ROOT_DEPTH_RULE, joints_px, depth_rel_mm, intrinsics_px, space=space)
        joints_cam_mm = back_project(joints_px, depth_rel_mm + root_mm[:, None], intrinsics_px)
    else:
        joints_cam_mm = poses_cam_mm(joints_px, depth_rel_mm, intrinsics_px, rule, space=space, sized=look.sized)
        root_mm = joints_cam_mm[:, space.skeleton.root, 2]
        # Beyond the crop the pose in mm is all that is known
        beyond = ~look.sized.in_view & (joints_cam_mm[..., 2] > 1)
        joints_px[beyond] = project(joints_cam_mm, intrinsics_px)[beyond]
    certain = joint_certainty(
        look.sure, calibration, joints_px, joints_cam_mm, root_mm, left_top, side, intrinsics_px, space
    )
    return [
        PersonPose(
            first_id + at, shown[at], joints_px[at], joints_cam_mm[at], float(root_mm[at]), boxes[at].source,
            boxes[at].score, **certain.of(at),
        )
        for at in range(len(boxes))
    ]  # fmt: skip


def _looked_at(predictor: Predictor, crops: UInt8[torch.Tensor, "B 3 S S"], calibration: Calibration | None) -> Look:
    """Points as ``predict_points`` gives them, the volumes that they were read from, how sure, and poses in mm."""
    representation = representation_of(predictor.config)
    with torch.inference_mode():
        reading = reading_of(crops, representation, predictor.engine)
        volume = reading if schema_of(predictor.config.network.head).volumetric else None
        sure = None if calibration is None else representation.certainty(reading)
        metric = representation.metric(reading)
        sized = None if metric is None else SizedPoses(*(part.cpu().numpy() for part in metric))
        return Look(representation.points(reading), volume, sure, sized)


def seen_of(found: list[tuple[Box, float]]) -> list[Seen]:
    """Make boxes to look at of those that a finder gives, a tenth wider."""
    return [Seen(resized(box, LOOSE * box.side), "found", score) for box, score in found]


def second_looks(
    predictor: Predictor, image: Image, boxes: list[Seen], intrinsics_px: Float[np.ndarray, " 4"], looks: int = LOOKS
) -> tuple[list[Seen], list[PersonPose]]:
    """Predict, take the box of the joints found, and predict again, until each box rests or ``looks`` are over.

    Returns the boxes and the poses of the last look at each.
    """
    boxes, first = list(boxes), [each.box for each in boxes]
    people = poses_in(predictor, image, boxes, intrinsics_px)
    moving = list(range(len(boxes)))
    for _ in range(looks - 1):
        new = {at: not_below(box_of_pose(people[at], image), LEAST_SHARE * first[at].side) for at in moving}
        moving = [at for at in moving if moved(new[at], boxes[at].box) >= RESTS]
        if not moving:
            break
        for at in moving:
            boxes[at] = boxes[at]._replace(box=new[at])
        for at, person in zip(
            moving, poses_in(predictor, image, [boxes[at] for at in moving], intrinsics_px), strict=True
        ):
            people[at] = person
    return boxes, [_with_id(person, at) for at, person in enumerate(people)]


def box_of_pose(person: PersonPose, image: Image) -> Box:
    """Give the box that a pose asks for, by ``square_box``; kept within reach of the picture."""
    center, side = square_box(person.joints_px)
    rows, columns = image.shape[:2]
    side_px = float(np.clip(side, _LEAST_SIDE_PX, 2 * max(rows, columns)))
    center = np.clip(center, 0, [columns, rows])
    return Box(float(center[0] - side_px / 2), float(center[1] - side_px / 2), side_px)


def resized(box: Box, side: float) -> Box:
    """Give a box of another side about the same centre."""
    shift = (box.side - side) / 2
    return Box(box.left + shift, box.top + shift, side)


def not_below(box: Box, side: float) -> Box:
    """Widen a box to a side, if it is smaller."""
    return resized(box, max(box.side, side))


def moved(first: Box, second: Box) -> float:
    """Give by how much two boxes differ: the largest shift of an edge, as a share of the second's side."""
    edges = np.array([(box.left, box.top, box.left + box.side, box.top + box.side) for box in (first, second)])
    return float(np.abs(edges[0] - edges[1]).max() / second.side)


def same_person(first: PersonPose, second: PersonPose, mirror: Sequence[int], share: float = 0.12) -> bool:
    """Tell whether two poses of one picture are of the same person: joints apart by a small share of the box.

    Poses that differ in which side is left are the same too. ``mirror``: each joint's other side
    (``Skeleton.mirror``).
    """
    apart = min(
        np.linalg.norm(first.joints_px - joints_px, axis=-1).mean()
        for joints_px in (second.joints_px, second.joints_px[list(mirror)])
    )
    return bool(apart < share * min(square_box(first.joints_px)[1], square_box(second.joints_px)[1]))


def without_doubles(people: list[PersonPose], mirror: Sequence[int]) -> list[PersonPose]:
    """Drop who has the pose of somebody surer: two boxes that came to rest on the same person."""
    kept: list[PersonPose] = []
    for person in people:
        if not any(same_person(other, person, mirror) for other in kept):
            kept.append(replace(person, id=len(kept)))
    return kept


def named_as_given(people: Sequence[PersonPose], boxes: Sequence[Seen]) -> list[PersonPose]:
    """Give people the ids of their boxes; those whose box has none are numbered from the highest one on."""
    free = count(1 + max((each.id for each in boxes if each.id is not None), default=-1))
    return [
        _with_id(person, next(free) if each.id is None else each.id) for person, each in zip(people, boxes, strict=True)
    ]


def _with_id(person: PersonPose, id: int) -> PersonPose:
    return replace(person, id=id)
