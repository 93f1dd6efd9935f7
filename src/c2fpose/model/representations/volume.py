"""The paper's own: a volume of likelihoods for each joint, trained towards a Gaussian (section 3.1).

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.base.errors import DataError
from c2fpose.model.networks.heads import Heads, volume_heads
from c2fpose.model.representations.interface import Certainty, Labels, Representation, Shown
from c2fpose.model.volumes.decoding import decode, mean_with_mirrored
from c2fpose.model.volumes.expectation import Expectation, expectation_error
from c2fpose.model.volumes.modes import covariance, modes
from c2fpose.model.volumes.partial import partial_volume_loss
from c2fpose.model.volumes.points import within_depth
from c2fpose.model.volumes.ranking import ranking_loss
from c2fpose.model.volumes.targets import Profiles, target_profiles, volume_loss


class Volume(Representation):
    """One volume a joint and stack; mean squared error; its highest voxel, or another of ``DecodingConfig``."""

    output_name: ClassVar[str] = "volume"
    takes_parts: ClassVar[bool] = True
    needs_depth: ClassVar[bool] = False

    def heads(self) -> Heads:
        return volume_heads(self.config.network.joint_count)

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        """Mean squared errors over all voxels, and what ``loss.expectation`` adds.

        Invisible joints are trained towards an empty volume. Joints without depth teach as ``loss.without_depth``
        says, those without any label nothing, and an order of depths the last volume.
        """
        points = labels.points if labels.in_part else labels.seen_points
        points = within_depth(points, self.config.network.depth_bins)
        grown = self.grown_depth(done)
        losses = [self._loss(volume, labels._replace(points=points), grown) for volume in outputs]
        if labels.ranks is not None:
            losses[-1] = losses[-1] + self._ranked(outputs[-1], labels)
        return losses

    @property
    def without_depth(self) -> Literal["marginals", "mask", "one_bin"]:
        """How labels without depth teach: as configured, or by the schedule, as three seeds of an experiment found."""
        said = self.config.loss.without_depth
        if said != "auto":
            return said
        return "one_bin" if 1 in self.config.network.depths else "marginals"

    def check(self, labels: Labels) -> None:
        """Raise ``DataError`` where labels without depth teach nothing: ``one_bin``, and no stack has one bin."""
        super().check(labels)
        if not labels.in_part or labels.points.device.type != "cpu":
            return
        if self.without_depth == "one_bin" and 1 not in self.config.network.depths:
            if (labels.visible & ~labels.points[..., 2].isfinite()).any():
                raise DataError(
                    f"labels without depth, loss.without_depth=one_bin, and depths={list(self.config.network.depths)}: "
                    "no stack has one bin; begin the schedule with 1, or say marginals or mask"
                )

    def _ranked(self, volume: Float[Tensor, "B J D H W"], labels: Labels) -> Float[Tensor, ""]:
        """Compare the order of expected depths against the labels', in units of ``ordinal_mm``."""
        keys = self.config.loss
        unit = keys.ordinal_mm / self.space.depth_mm
        assert labels.ranks is not None, "asked for where there are some"
        known = labels.visible & labels.ranks.isfinite()
        depths = Expectation.apply(volume)[..., 2] / unit
        return keys.ordinal * ranking_loss(depths, labels.ranks / unit, known, 1.0)

    def _loss(self, volume: Float[Tensor, "B J D H W"], labels: Labels, grown: int) -> Float[Tensor, ""]:
        depth = min(volume.shape[2], grown)
        if depth < volume.shape[2]:
            volume = volume.unflatten(2, (depth, -1)).mean(3)
        if labels.in_part:
            loss = partial_volume_loss(
                volume, labels.points, labels.visible, self.config.target, self.config.network.depth_bins,
                self.without_depth,
            )  # fmt: skip
        else:
            loss = volume_loss(volume, self.targets(labels, (depth, *volume.shape[3:])))
        if self.config.loss.expectation:
            loss = loss + self.config.loss.expectation * expectation_error(volume, labels.points, labels.visible)
        return loss

    def targets(self, labels: Labels, shape: Sequence[int]) -> Profiles:
        """Make separable target volumes of shape (D, H, W), on the labels' device."""
        return target_profiles(labels.points, labels.visible, shape, self.config.target, self.config.network.depth_bins)

    def grown_depth(self, done: float) -> int:
        """Find the finest depth in training: doubling up to the full one where ``grow_depth`` says when.

        Before its time, a volume's bins are averaged in groups and trained towards the coarser target.
        """
        to_come = sum(stage > done for stage in self.config.grow_depth)
        return max(1, self.config.network.depth_bins >> to_come)

    def read(
        self, output: Float[Tensor, "B J D H W"], mirrored: Float[Tensor, "B J D H W"] | None = None
    ) -> Float[Tensor, "B J D H W"]:
        """Average the volumes before any decision is made of them: the paper's way."""
        return output if mirrored is None else mean_with_mirrored(output, mirrored, self.skeleton)

    def points(self, reading: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 3"]:
        return decode(reading, self.config.decoding.method, self.config.decoding.power)

    def certainty(self, reading: Float[Tensor, "B J D H W"]) -> Certainty:
        """Say how high the highest voxel is, of the target's peak, and how the squared volume spreads about the point.

        Squared, because a background that is not quite 0 would outweigh a peak over so many voxels.
        """
        mass = reading.float().clamp_min(0).square().contiguous()  # read many times: faster row by row
        found = modes(mass)
        target = self.config.target
        peak = 1.0 if target.definition == "released_code" else 1 / (2 * math.pi * target.sigma**2)
        height = (found.height.sqrt() / peak).clamp(0, 1)
        return Certainty(height, covariance(mass, self.points(reading)), found.second, found.second_share)

    def shown(self, outputs: list[Tensor], labels: Labels | None = None) -> Shown | None:
        volumes = [volume[0].float().cpu() for volume in outputs]
        if labels is None:
            return Shown(volumes, None)
        first = Labels(labels.points[:1].cpu(), labels.visible[:1].cpu())
        return Shown(volumes, self.targets(first, tuple(volumes[-1].shape[1:])).volume()[0])


REPRESENTATION = Volume
