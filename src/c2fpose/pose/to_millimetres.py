"""From what a network says of a crop to a pose in the camera frame, ours and exactly as the authors published it.

Box positions are 0..1 across the crop, cells and bins count from 0, lengths are millimetres (see ``camera``).
"""

import numpy as np
from jaxtyping import Float, Int

from c2fpose.base.errors import ConfigError
from c2fpose.pose.box import released_box
from c2fpose.pose.camera import back_project, depth_of_bin_mm, rays, root_depth_mm
from c2fpose.pose.protocol import DEPTH_BINS
from c2fpose.pose.space import PAPER, PoseSpace
from c2fpose.pose.strong_perspective import SizedPoses, placed_mm, strong_perspective_mm

RELEASED_CELLS = 64  # rows and columns of the authors' heatmaps


def box_to_frame_px(
    joints_box: Float[np.ndarray, "*batch J 2"],
    box_left_top_px: Float[np.ndarray, "*batch 2"],
    box_side_px: Float[np.ndarray, "*batch"],
) -> Float[np.ndarray, "*batch J 2"]:
    """Carry positions across the crop to pixels of the full camera frame.

    >>> box_to_frame_px(np.array([[0.5, 0.25]]), np.array([100.0, 200.0]), np.array(400.0))
    array([[300., 300.]])
    """
    corner, side = np.asarray(box_left_top_px, np.float64), np.asarray(box_side_px, np.float64)
    return corner[..., None, :] + np.asarray(joints_box, np.float64) * side[..., None, None]


def poses_cam_mm(
    joints_px: Float[np.ndarray, "*batch J 2"],
    depth_rel_mm: Float[np.ndarray, "*batch J"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
    rule: str,
    true_joints_cam_mm: Float[np.ndarray, "*batch J 3"] | None = None,
    space: PoseSpace = PAPER,
    sized: SizedPoses | None = None,
) -> Float[np.ndarray, "*batch J 3"]:
    """Poses in the camera frame, the root's depth by one of ``camera.ROOT_DEPTH_RULES``.

    ``strong_perspective`` takes poses ``sized`` in mm, the others ``depth_rel_mm``. Raises ``ConfigError`` for another
    rule, or where the rule needs a truth or a size that is not given.
    """
    if rule == "strong_perspective":
        if sized is None:
            raise ConfigError(f"root depth rule {rule!r} needs poses in mm; this network's have no size of their own")
        ray, in_view = rays(joints_px, intrinsics_px), sized.in_view.astype(np.float64)
        relative_mm = np.asarray(sized.relative_mm, np.float64)
        return placed_mm(ray, relative_mm, in_view, strong_perspective_mm(ray, relative_mm, in_view))
    root_mm = root_depth_mm(rule, joints_px, depth_rel_mm, intrinsics_px, true_joints_cam_mm, space)
    return back_project(joints_px, np.asarray(depth_rel_mm, np.float64) + root_mm[..., None], intrinsics_px)


def quantised(
    joints_box: Float[np.ndarray, "*batch J 2"],
    depth_rel_mm: Float[np.ndarray, "*batch J"],
    heatmap_size: int,
    depth_bins: int,
    space: PoseSpace = PAPER,
) -> tuple[Float[np.ndarray, "*batch J 2"], Float[np.ndarray, "*batch J"]]:
    """Compute what the highest voxel of a perfect volume says: joints at the centres of their cells and bins.

    Joints outside the volume go to its border. Any number of bins: a network may have other ones than the paper's.
    """
    cells = np.clip(np.floor(np.asarray(joints_box, np.float64) * heatmap_size), 0, heatmap_size - 1)
    nearest_mm, step_mm = space.depth_range_mm[0], space.depth_mm / depth_bins
    bins = np.clip((np.asarray(depth_rel_mm, np.float64) - nearest_mm) / step_mm // 1, 0, depth_bins - 1)
    return (cells + 0.5) / heatmap_size, (bins + 0.5) * step_mm + nearest_mm


def released_poses_cam_mm(
    voxels: Int[np.ndarray, "*batch J 3"],
    center_px: Float[np.ndarray, "*batch 2"],
    scale: Float[np.ndarray, "*batch"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
    rule: str,
    true_joints_cam_mm: Float[np.ndarray, "*batch J 3"] | None = None,
    depth_bins: int = DEPTH_BINS,
) -> Float[np.ndarray, "*batch J 3"]:
    """From highest voxels (x, y, z; from 0) to poses, step by step as the released evaluation code of the authors.

    Cell i lies at ``left + (i + 0.5) * width / 64`` with the box of ``released_box``, a bin at its centre.
    """
    left_top, size = released_box(center_px, scale)
    joints_px = left_top[..., None, :] + (voxels[..., :2] + 0.5) * size[..., None, :] / RELEASED_CELLS
    depth_rel_mm = depth_of_bin_mm(voxels[..., 2].astype(np.float64), depth_bins)
    return poses_cam_mm(joints_px, depth_rel_mm, intrinsics_px, rule, true_joints_cam_mm)


def covariances_cam_mm2(
    covariance: Float[np.ndarray, "*batch J 3 3"],
    joints_px: Float[np.ndarray, "*batch J 2"],
    depth_mm: Float[np.ndarray, "*batch J"],
    box_side_px: Float[np.ndarray, "*batch"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
    space: PoseSpace = PAPER,
) -> Float[np.ndarray, "*batch J 3 3"]:
    """Turn covariances of points (shares of the box and of the depth range) into square millimetres, camera frame.

    By the derivative of back-projection at the joint, its depth from the camera ``depth_mm``; the root's depth is taken
    as known. An error in depth moves a joint along its ray, so that depth enters x and y too.
    """
    ray = rays(joints_px, intrinsics_px)
    focal = np.asarray(intrinsics_px, np.float64)[..., None, :2]
    across = np.asarray(box_side_px, np.float64)[..., None, None] * np.asarray(depth_mm, np.float64)[..., None] / focal
    derivative = np.zeros((*np.shape(depth_mm), 3, 3))
    derivative[..., 0, 0], derivative[..., 1, 1] = across[..., 0], across[..., 1]
    derivative[..., :, 2] = ray * space.depth_mm
    return derivative @ np.asarray(covariance, np.float64) @ np.swapaxes(derivative, -1, -2)
