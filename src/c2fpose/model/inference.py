"""Points out of images, whichever engine runs the network, and poses from them while training."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from c2fpose.config.model import ModelConfig
from c2fpose.model.representations import representation_of
from c2fpose.model.representations.interface import MetricPose, Representation
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.metrics import joint_errors_mm
from c2fpose.pose.space import PoseSpace
from c2fpose.pose.to_millimetres import box_to_frame_px, poses_cam_mm


def points_and_metric_of(
    image: UInt8[Tensor, "B 3 S S"], config: ModelConfig, output_of: Callable[[Tensor], Tensor]
) -> tuple[Float[Tensor, "B J 3"], MetricPose | None]:
    """Find the points of a batch of crops, and the poses in mm: None where the representation has none."""
    representation = representation_of(config)
    reading = reading_of(image, representation, output_of)
    return representation.points(reading), representation.metric(reading)


def points_of(
    image: UInt8[Tensor, "B 3 S S"], config: ModelConfig, output_of: Callable[[Tensor], Tensor]
) -> Float[Tensor, "B J 3"]:
    """Find the points of a batch of crops; ``output_of`` is ``last_output`` or an equal of it."""
    representation = representation_of(config)
    return representation.points(reading_of(image, representation, output_of))


def reading_of(
    image: UInt8[Tensor, "B 3 S S"], representation: Representation, output_of: Callable[[Tensor], Tensor]
) -> Any:
    """Read a batch of crops, ready for the representation's ``points`` and ``certainty``.

    Mirror images, if the decoding wants them, go through the network in the same batch.
    """
    if not representation.config.decoding.flip:
        return representation.read(output_of(image))
    return representation.read(*output_of(torch.cat([image, image.flip(-1)])).chunk(2))


def labelled_errors(
    points: Float[Tensor, "B J 3"], batch: Mapping[str, Any], space: PoseSpace
) -> tuple[Float[Tensor, "B J"], Float[Tensor, "B J"]]:
    """Measure errors of joints with the labels there are, NaN where there are none.

    First in mm from the root, the root's depth given; then in the picture, in percent of the side of the person's box.
    """
    poses_mm = poses_given_root_depth(points, batch, space).cpu().numpy()
    in_mm = joint_errors_mm(poses_mm, batch["joints_cam_mm"].cpu().numpy(), space.skeleton.root)
    joints_box = from_points(points, space)[0]
    off = torch.linalg.vector_norm(joints_box - batch["joints_box"].to(joints_box), dim=-1)
    return torch.as_tensor(in_mm, dtype=points.dtype, device=points.device), 100 * off


def poses_given_root_depth(
    points: Float[Tensor, "B J 3"], batch: Mapping[str, Any], space: PoseSpace
) -> Float[Tensor, "B J 3"]:
    """Poses in the camera frame, mm, with the root's true depth: for validation on the way."""
    joints_box, depth_rel_mm = from_points(points, space)
    given = {
        key: batch[key].cpu().numpy() for key in ("box_left_top_px", "box_side_px", "intrinsics_px", "joints_cam_mm")
    }
    joints_px = box_to_frame_px(joints_box.cpu().numpy(), given["box_left_top_px"], given["box_side_px"])
    poses = poses_cam_mm(
        joints_px, depth_rel_mm.cpu().numpy(), given["intrinsics_px"], "ground_truth", given["joints_cam_mm"], space
    )
    return torch.as_tensor(poses, dtype=points.dtype, device=points.device)
