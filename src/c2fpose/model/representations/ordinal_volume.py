"""Ordinal depth from a volume: the 2D heatmap by its likelihoods, depth by which of two joints is nearer.

Source: Pavlakos et al., Ordinal Depth Supervision for 3D Human Pose Estimation (CVPR 2018). Relations come from the
labels' depths, as that paper's do on Human3.6M. The volume is made a distribution by a softmax; its sum along depth is
trained towards a 2D Gaussian, its mean depth by the ranking loss. Its depths are in order, not in millimetres: the
network that reconstructs metric depths afterwards is not part of this package.

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from c2fpose.model.representations.integral import Integral
from c2fpose.model.representations.interface import Labels
from c2fpose.model.volumes.decoding import mean_with_mirrored
from c2fpose.model.volumes.modes import mean_position, softmax
from c2fpose.model.volumes.targets import target_profiles


def ranking_loss(
    depth: Float[Tensor, "B J"], truth: Float[Tensor, "B J"], visible: Bool[Tensor, "B J"], equal: float
) -> Float[Tensor, ""]:
    """Compare the order of depths with the true one: mean over all pairs of visible joints, each pair once.

    ``log(1 + exp(near - far))`` where one is nearer by more than ``equal``, the squared difference where they are
    about equally far. ``truth`` and ``equal`` share a unit, which ``depth`` need not have.
    """
    first, second = torch.triu_indices(depth.shape[1], depth.shape[1], 1, device=depth.device)
    difference = depth[:, first] - depth[:, second]
    true_difference = truth[:, first] - truth[:, second]
    equally = true_difference.abs() < equal
    # the nearer joint's depth less the other's, which should be negative
    ordered = F.softplus(torch.where(true_difference < 0, difference, -difference))
    counted = visible[:, first] & visible[:, second]
    loss = torch.where(equally, difference.square(), ordered) * counted
    return loss.sum() / counted.sum().clamp_min(1)


class OrdinalVolume(Integral):
    """The volume of ``Integral``, trained by ranks along depth. Depth is counted in volumes: 0..1."""

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        return [self._ranked(volume, labels) for volume in outputs]

    def _ranked(self, volume: Float[Tensor, "B J D H W"], labels: Labels) -> Float[Tensor, ""]:
        keys = self.config.representation
        mass = softmax(volume)
        heat = mass.sum(2)
        target = target_profiles(labels.points, labels.visible, (1, *heat.shape[2:]), self.config.target)
        plane = target.y[..., :, None] * target.x[..., None, :] * labels.visible[..., None, None]
        # a softmax sums to 1, and so must the Gaussian
        flat = plane / plane.sum((2, 3), keepdim=True).clamp_min(1e-12)
        errors = (heat - flat).square().sum((2, 3)) * labels.visible
        loss = keys.heatmap_weight * errors.sum() / labels.visible.sum().clamp_min(1)
        if volume.shape[2] == 1:  # a single bin has no order
            return loss
        equal = keys.equal_mm / self.space.depth_mm
        return loss + ranking_loss(mean_position(mass)[..., 2], labels.points[..., 2], labels.visible, equal)

    def read(
        self, output: Float[Tensor, "B J D H W"], mirrored: Float[Tensor, "B J D H W"] | None = None
    ) -> Float[Tensor, "B J D H W"]:
        straight = softmax(output)
        return straight if mirrored is None else mean_with_mirrored(straight, softmax(mirrored), self.skeleton)


REPRESENTATION = OrdinalVolume
