"""Ordinal depth from a volume, and a second network that makes millimetres of it, trained on poses without images.

Source: as ``ordinal_volume``; the second network is that paper's reconstruction component. It learns beside the first,
in the same steps, from the labels' poses alone: their x and y in the picture and their depths, both made noisy, are its
input, the pose in mm is its target. No error of it reaches the first network, so the images are still used by the order
of depths alone. What prediction reads is its pose: depths in millimetres, and lengths across the view.

Ours and not theirs: the two learn at once, the noise is ours (the paper gives none), and there is no dropout.

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

from dataclasses import replace
from typing import ClassVar, NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.model.networks.heads import Heads
from c2fpose.model.networks.lifting import Lifter
from c2fpose.model.representations.interface import Certainty, Labels, MetricPose, Shown
from c2fpose.model.representations.ordinal_volume import OrdinalVolume
from c2fpose.model.volumes.modes import mean_position, softmax
from c2fpose.model.volumes.points import mirror_points


class Reconstruction(nn.Module):
    """Makes of a volume its ordinal points, and of those a pose in metres: six numbers a joint."""

    def __init__(self, joints: int, root: int, width: int) -> None:
        super().__init__()
        self.lifter = Lifter(joints, root, width)

    def forward(self, volume: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 6"]:
        points = mean_position(softmax(volume))
        return torch.cat([points, self.lifter(points.to(self.lifter.last.weight.dtype))], -1)


class Reading(NamedTuple):
    """What both networks say."""

    points: Float[Tensor, "B J 3"]  # x and y of the picture, depth of the second network
    pose: MetricPose


class OrdinalReconstructed(OrdinalVolume):
    """The loss of ``OrdinalVolume``, and beside it that of the second network."""

    output_name: ClassVar[str] = "ordinal_and_metric"
    random_loss: ClassVar[bool] = True

    def heads(self) -> Heads:
        width = self.keys.width
        skeleton = self.skeleton
        return replace(super().heads(), after=lambda: Reconstruction(skeleton.joints, skeleton.root, width))

    def check(self, labels: Labels) -> None:
        super().check(labels)
        if labels.joints_mm is None:
            raise DataError(f"labels without a camera: head={self.config.network.head} is trained by poses in mm")

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        *coarse, last = super().losses(outputs, labels, done)
        return [*coarse, last + self.reconstruction_loss(cast(Reconstruction, learned).lifter, labels)]

    def reconstruction_loss(self, lifter: Lifter, labels: Labels) -> Float[Tensor, ""]:
        """Mean squared error of the poses that noisy points of the labels give, in square metres."""
        keys, root = self.keys, self.skeleton.root
        assert labels.joints_mm is not None, "as check() has seen"
        known = labels.joints_mm.isfinite().all((1, 2)) & labels.points.isfinite().all((1, 2))
        points = self.noisy(labels.points.nan_to_num().repeat_interleave(keys.draws, 0))
        truth = labels.joints_mm.nan_to_num().repeat_interleave(keys.draws, 0) / 1000
        if lifter.training and len(points) < 2:
            raise ConfigError(
                f"head={self.config.network.head}: one pose a step, which has no statistics for BatchNorm; set "
                "data.batch_size or model.representation.draws to 2 or more"
            )
        kind = lifter.last.weight.dtype
        found, truth = lifter(points.to(kind)), truth.to(kind)
        squared = (found - (truth - truth[:, root : root + 1])).square().mean((1, 2))
        counted = known.repeat_interleave(keys.draws)
        return torch.where(counted, squared, 0).sum() / counted.sum().clamp_min(1)

    def noisy(self, points: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 3"]:
        """Draw what the first network might have said of these poses."""
        keys, noise = self.keys, torch.randn_like(points)
        spread = points[..., 2:].std(1, keepdim=True)
        return points + noise * torch.cat(
            [(keys.xy_noise + 0 * spread).expand(-1, -1, 2), keys.depth_noise * spread], -1
        )

    # What it reads is no volume, which is why these three say other types than the class above
    def read(  # type: ignore[override]
        self, output: Float[Tensor, "B J 6"], mirrored: Float[Tensor, "B J 6"] | None = None
    ) -> Reading:
        """Average positions, and poses in mm."""
        points, pose_mm = _parts(output)
        if mirrored is not None:
            other_points, other_mm = _parts(mirrored)
            points = (points + mirror_points(other_points, self.skeleton)) / 2
            turned = other_mm[:, list(self.skeleton.mirror)] * other_mm.new_tensor([-1.0, 1.0, 1.0])
            pose_mm = (pose_mm + turned) / 2
        z = (pose_mm[..., 2:] - self.space.depth_range_mm[0]) / self.space.depth_mm
        in_view = torch.ones_like(z[..., 0], dtype=torch.bool)
        return Reading(torch.cat([points[..., :2], z], -1), MetricPose(pose_mm, in_view))

    def points(self, reading: Reading) -> Float[Tensor, "B J 3"]:  # type: ignore[override]
        return reading.points

    def metric(self, reading: Reading) -> MetricPose:
        return reading.pose

    def certainty(self, reading: Reading) -> Certainty | None:  # type: ignore[override]
        """Say nothing: the volume's spread in depth has no length, and the second network gives none."""
        return None

    def shown(self, outputs: list[Tensor], labels: Labels | None = None) -> Shown | None:
        return super().shown(outputs, labels) if outputs[-1].ndim == 5 else None


def _parts(output: Float[Tensor, "B J 6"]) -> tuple[Float[Tensor, "B J 3"], Float[Tensor, "B J 3"]]:
    points, metres = output.chunk(2, -1)
    return points, 1000 * metres


REPRESENTATION = OrdinalReconstructed
