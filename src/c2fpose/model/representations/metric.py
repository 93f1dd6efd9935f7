"""A metric pose beside its picture: joints in mm from one map, their place in the picture from another.

Source: Sarandi et al., MeTRAbs (T-BIOM 2021), and its released code. A stack puts out, for each joint, one map over the
picture and one volume over a metric cube, which is not tied to the picture's edges: a joint may lie beyond the crop.
Both are read by a softmax and its mean. Picture and pose together say where the person stands
(``pose.strong_perspective``), without mean limb lengths.

Ours and not theirs: the maps have the hourglass's cells and the schedule's depths (theirs 8 x 8 and 8), the crop is not
turned towards the camera's axis, and there is no batch of images with 2D labels alone.

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from c2fpose.base.errors import DataError
from c2fpose.model.networks.heads import Heads
from c2fpose.model.representations.interface import Labels, MetricPose, Representation
from c2fpose.model.volumes.modes import mean_position, softmax
from c2fpose.model.volumes.points import mirror_points
from c2fpose.pose.strong_perspective import placed_mm, strong_perspective_mm, weak_perspective_mm

_BORDER = 0.75  # cells from the crop's edge within which a joint counts as out of view: a mean cannot reach the edge
_TOO_NEAR_MM = 300.0  # joints nearer to the camera have no say in picture and place
_FAR_MM = 10_000.0  # beyond it, the error of a place in depth counts less the farther


class Metric(Representation):
    """The loss is on the pose that picture and metric cube make together, so that both heads learn from it."""

    output_name: ClassVar[str] = "picture_and_cube"
    random_loss: ClassVar[bool] = True

    def heads(self) -> Heads:
        joints = self.config.network.joint_count
        return Heads(maps=lambda depth: joints * (1 + depth), read=lambda depth: nn.Unflatten(1, (joints, 1 + depth)))

    # --- training ---

    def check(self, labels: Labels) -> None:
        super().check(labels)
        if labels.joints_mm is None or labels.box_to_ray is None:
            raise DataError(f"labels without a camera: head={self.config.network.head} is trained by poses in mm")

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        """Sum of mean absolute errors in metres: of the pose about its mean, in the picture, and of the place.

        The error in the picture is measured in sides of the crop, times the cube's side. That of the place begins late,
        and the strong perspective a little after the start, where the two heads agree on nothing yet.
        """
        return [self._loss(output, labels, done) for output in outputs]

    def _loss(self, output: Float[Tensor, "B J N H W"], labels: Labels, done: float) -> Float[Tensor, ""]:
        with torch.autocast(output.device.type, enabled=False):  # in bfloat16 rays are off by what depths hang on
            return self._exact_loss(output, labels, done)

    def _exact_loss(self, output: Float[Tensor, "B J N H W"], labels: Labels, done: float) -> Float[Tensor, ""]:
        keys, (in_box, pose_mm) = self.keys, self._read(output)
        in_view = self._in_view(output, in_box).to(in_box.dtype)
        assert labels.box_to_ray is not None and labels.joints_mm is not None, "as check() has seen"
        to_ray = labels.box_to_ray.to(in_box.dtype)
        ray = _rays(in_box, to_ray)
        place = weak_perspective_mm if done < keys.weak_until else strong_perspective_mm
        mix = torch.rand(len(output), 1, device=output.device, dtype=in_box.dtype)
        placed = placed_mm(ray, pose_mm, in_view, place(ray, pose_mm, in_view), mix)

        known = labels.joints_mm.isfinite().all(-1)
        truth = labels.joints_mm.to(in_box.dtype).nan_to_num()
        apart = _about_mean(placed, known) - _about_mean(truth, known)
        loss = _mean_of(apart.abs().mean(-1), known) / 1000

        far = known & (truth[..., 2] > _TOO_NEAR_MM)
        seen = placed[..., :2] / placed[..., 2:].clamp_min(1) - to_ray[:, None, :, 2]
        seen_box = seen @ torch.linalg.inv(to_ray[..., :2]).mT
        compared = far & self._in_view(output, seen_box) & (placed[..., 2] > 1) & labels.visible
        in_picture = (seen_box - labels.points[..., :2].to(in_box.dtype)).abs().mean(-1)
        loss = loss + _mean_of(in_picture, compared) * keys.range_mm / 1000

        if keys.place_weight and done >= keys.place_from:
            off_mm = (placed - truth).abs()
            off_depth_mm = off_mm[..., 2] * (_FAR_MM / truth[..., 2].abs().clamp_min(1)).clamp_max(1)
            loss = loss + keys.place_weight * _mean_of((off_mm[..., :2].sum(-1) + off_depth_mm) / 3, far) / 1000
        return loss

    # --- reading ---

    def _read(self, output: Float[Tensor, "B J N H W"]) -> tuple[Float[Tensor, "B J 2"], Float[Tensor, "B J 3"]]:
        """Find positions across the crop, and poses in mm from the cube's corner."""
        in_box = mean_position(softmax(output[:, :, :1]))[..., :2]
        return in_box, mean_position(softmax(output[:, :, 1:])) * self.keys.range_mm

    def _in_view(self, output: Float[Tensor, "B J N H W"], in_box: Float[Tensor, "B J 2"]) -> Bool[Tensor, "B J"]:
        border = _BORDER / output.shape[-1]
        return ((in_box >= border) & (in_box <= 1 - border)).all(-1)

    def read(self, output: Float[Tensor, "B J N H W"], mirrored: Float[Tensor, "B J N H W"] | None = None) -> "Reading":
        """Average positions, and poses about the root."""
        in_box, pose_mm = self._read(output)
        if mirrored is not None:
            side_mm = self.keys.range_mm
            other_box, other_mm = self._read(mirrored)
            other_box = mirror_points(torch.cat([other_box, other_box[..., :1]], -1), self.skeleton)[..., :2]
            in_box = (in_box + other_box) / 2
            pose_mm = (pose_mm + mirror_points(other_mm / side_mm, self.skeleton) * side_mm) / 2
        relative_mm = pose_mm - pose_mm[:, [self.skeleton.root]]
        return Reading(in_box, MetricPose(relative_mm, self._in_view(output, in_box)))

    def points(self, reading: "Reading") -> Float[Tensor, "B J 3"]:
        """Take x and y from the picture, depth from the cube.

        Joints out of view lie where the pose, scaled and shifted onto the joints in view, says: beyond the crop too.
        """
        in_box, (relative_mm, in_view) = reading
        share = in_view.to(in_box.dtype) + 1e-8
        share = (share / share.sum(-1, keepdim=True))[..., None]
        middle, middle_mm = (share * in_box).sum(1, True), (share * relative_mm[..., :2]).sum(1, True)
        apart_mm = relative_mm[..., :2] - middle_mm
        power = (share * apart_mm.square()).sum((1, 2), True).clamp_min(1e-6)
        scale = (share * apart_mm * (in_box - middle)).sum((1, 2), True) / power
        xy = torch.where(in_view[..., None], in_box, middle + scale * apart_mm)
        z = (relative_mm[..., 2:] - self.space.depth_range_mm[0]) / self.space.depth_mm
        return torch.cat([xy, z], -1)

    def metric(self, reading: "Reading") -> MetricPose:
        return reading.pose


class Reading(NamedTuple):
    """What both heads say."""

    in_box: Float[Tensor, "B J 2"]  # 0..1 across the crop
    pose: MetricPose


def _rays(in_box: Float[Tensor, "B J 2"], to_ray: Float[Tensor, "B 2 3"]) -> Float[Tensor, "B J 3"]:
    xy = in_box @ to_ray[..., :2].mT + to_ray[:, None, :, 2]
    return torch.cat([xy, torch.ones_like(xy[..., :1])], -1)


def _about_mean(joints_mm: Float[Tensor, "B J 3"], counted: Bool[Tensor, "B J"]) -> Float[Tensor, "B J 3"]:
    weight = counted[..., None].to(joints_mm.dtype)
    return joints_mm - (joints_mm * weight).sum(1, True) / weight.sum(1, True).clamp_min(1)


def _mean_of(values: Float[Tensor, "B J"], counted: Bool[Tensor, "B J"]) -> Float[Tensor, ""]:
    return torch.where(counted, values, 0).sum() / counted.sum().clamp_min(1)


REPRESENTATION = Metric
