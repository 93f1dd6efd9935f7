"""Each person looked at in boxes moved a little to four sides, and joint by joint the middle of the looks.

Where a network is not at home, such as in photographs, a joint jumps to another place when the box moves by a few
pixels, and back when it moves on. The median of five looks stays where most of them are.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from jaxtyping import Float

from c2fpose.config.prediction import SHIFT
from c2fpose.pose.camera import along_rays, back_project, root_depth_mm
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.people import ROOT_DEPTH_RULE, Image, Seen, poses_of, root_depth_rule
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose

_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


def steadied_poses(
    predictor: Predictor,
    images: list[Image],
    people: list[PersonPose],
    intrinsics_px: Float[np.ndarray, "N 4"],
    shift: float = SHIFT,
) -> list[PersonPose]:
    """Look at each person four times more, the box moved by ``shift`` of its side, and take the median of five.

    ``people``: one of each of ``images``, as ``poses_of`` gives them; 0 leaves them as they are. Medians are of the
    joints in the picture and of their depths from the root; the root's depth is fitted to those (poses in mm: the
    median of all three coordinates). Confidences are means; covariance and second mode of a joint are those of the look
    that is nearest to its median. The box stays the unmoved one.
    """
    if not shift or not people:
        return people
    looks = [people] + [
        poses_of(predictor, images, [_moved(each, x * shift, y * shift) for each in people], intrinsics_px)
        for x, y in _SIDES
    ]
    return [_middle(predictor, same, camera) for *same, camera in zip(*looks, intrinsics_px, strict=True)]


def _moved(person: PersonPose, right: float, down: float) -> Seen:
    """Put a person's box elsewhere, by shares of its side."""
    box = person.box
    return Seen(Box(box.left + right * box.side, box.top + down * box.side, box.side), person.box_from)


def _middle(predictor: Predictor, looks: Sequence[PersonPose], camera: Float[np.ndarray, "4"]) -> PersonPose:
    """Make one pose of several looks at the same person; the first look's is whatever they share."""
    space = predictor.config.pose_space
    joints_px = np.median([each.joints_px for each in looks], axis=0)
    sized = root_depth_rule(predictor) != ROOT_DEPTH_RULE
    if sized:
        joints_cam_mm = np.median([each.joints_cam_mm for each in looks], axis=0)
        root_mm = float(joints_cam_mm[space.skeleton.root, 2])
    else:
        depth_rel_mm = np.median([each.joints_cam_mm[:, 2] - each.root_depth_mm for each in looks], axis=0)
        root_mm = float(root_depth_mm(ROOT_DEPTH_RULE, joints_px, depth_rel_mm, camera, space=space))
        joints_cam_mm = back_project(joints_px, depth_rel_mm + root_mm, camera)

    def placed(points_cam_mm: Float[np.ndarray, "J 3"], look: PersonPose) -> Float[np.ndarray, "J 3"]:
        """Where a look's points are, its root as deep as this pose's."""
        return points_cam_mm if sized else along_rays(points_cam_mm, root_mm - look.root_depth_mm)

    apart = [np.linalg.norm(placed(each.joints_cam_mm, each) - joints_cam_mm, axis=-1) for each in looks]
    joints, nearest = np.arange(len(joints_px)), np.argmin(apart, axis=0)

    def of_nearest(values: list[np.ndarray | None]) -> np.ndarray | None:
        return None if values[0] is None else np.stack(cast(list[np.ndarray], values))[nearest, joints]

    seconds = [(each.second_mode_cam_mm, each) for each in looks]
    sure = [each.confidence for each in looks if each.confidence is not None]
    return replace(
        looks[0],
        joints_px=joints_px,
        joints_cam_mm=joints_cam_mm,
        root_depth_mm=root_mm,
        confidence=np.mean(sure, axis=0) if sure else None,
        covariance_mm2=of_nearest([each.covariance_mm2 for each in looks]),
        second_mode_cam_mm=of_nearest([None if second is None else placed(second, each) for second, each in seconds]),
        second_mode_weight=of_nearest([each.second_mode_weight for each in looks]),
    )
