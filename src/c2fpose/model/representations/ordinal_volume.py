"""Ordinal depth from a volume: the 2D heatmap by its likelihoods, depth by which of two joints is nearer.

Source: Pavlakos et al., Ordinal Depth Supervision for 3D Human Pose Estimation (CVPR 2018). Relations come from the
labels' depths, as that paper's do on Human3.6M. The volume is made a distribution by a softmax; its sum along depth is
trained towards a 2D Gaussian, its mean depth by the ranking loss. Its depths are in order, not in millimetres:
``ordinal_reconstructed`` has the network that makes those of them.

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.model.representations.integral import Integral
from c2fpose.model.representations.interface import Labels
from c2fpose.model.volumes.decoding import mean_with_mirrored
from c2fpose.model.volumes.modes import mean_position, softmax
from c2fpose.model.volumes.ranking import ranking_loss
from c2fpose.model.volumes.targets import target_profiles


class OrdinalVolume(Integral):
    """The volume of ``Integral``, trained by ranks along depth. Depth is counted in volumes: 0..1."""

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        return [self._ranked(volume, labels) for volume in outputs]

    def _ranked(self, volume: Float[Tensor, "B J D H W"], labels: Labels) -> Float[Tensor, ""]:
        keys = self.keys
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
