"""The coarse-to-fine volumetric network (paper, section 3): one depth schedule makes it.

Shapes: B batch, J joints, D depth bins, H rows, W columns, C channels. Volumes leave the network as (B, J, D, H, W),
one a supervised stack; ``D`` follows the schedule.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from c2fpose.config.model import NetworkConfig
from c2fpose.model.networks.coordinates import CoordinateHead
from c2fpose.model.networks.hourglass import Hourglass, Lin, Stem, residuals


class Stack(nn.Module):
    """One hourglass, the features after it, and its heatmaps unless the stack is unsupervised."""

    def __init__(self, config: NetworkConfig, inputs: int, features: int, depth: int | None) -> None:
        super().__init__()
        if config.family == "uniform":
            self.hourglass = Hourglass(config, config.levels, inputs, config.width)
            self.features = nn.Sequential(
                residuals(config, [config.width] * (config.residuals + 1)), Lin(config, config.width, features)
            )
        else:
            wide = 2 * config.width
            self.hourglass = Hourglass(config, config.levels, inputs, wide)
            self.features = nn.Sequential(Lin(config, wide, wide), Lin(config, wide, features))
        self.heatmaps = None if depth is None else nn.Conv2d(features, config.joints * depth, 1)
        if self.heatmaps is not None:
            _set_spread(self.heatmaps, config.head_std_by_depth.get(depth, config.head_std))

    def forward(
        self, x: Float[Tensor, "B C H W"]
    ) -> tuple[Float[Tensor, "B C2 H W"], Float[Tensor, "B JD H W"] | None]:
        features = self.features(self.hourglass(x))
        return features, None if self.heatmaps is None else self.heatmaps(features)


def _set_spread(conv: nn.Conv2d, deviation: float | None) -> None:
    if deviation is not None:
        nn.init.normal_(conv.weight, std=deviation)
        nn.init.zeros_(conv.bias)


class Link(nn.Module):
    """What the next hourglass sees of the one before (paper, section 3.2).

    separated: features and heatmaps, fused. direct: the heatmaps alone. none: the features alone, not even convolved
    in the stacked family (the released network without intermediate supervision).
    """

    def __init__(self, config: NetworkConfig, carried: int, features: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.adds_carried = config.family == "uniform"
        from_features = features if self.adds_carried else features + carried
        mixes = config.supervision == "separated" or (config.supervision == "none" and self.adds_carried)
        self.from_features = nn.Conv2d(from_features, outputs, 1) if mixes else None
        self.passes_features = config.supervision != "direct"
        self.from_heatmaps = None if config.supervision == "none" else nn.Conv2d(config.joints * depth, outputs, 1)

    def forward(
        self,
        carried: Float[Tensor, "B C1 H W"],
        features: Float[Tensor, "B C2 H W"],
        heatmaps: Float[Tensor, "B JD H W"] | None,
    ) -> Float[Tensor, "B C3 H W"]:
        parts = []
        if self.passes_features:
            seen = features if self.adds_carried else torch.cat([features, carried], 1)
            parts.append(seen if self.from_features is None else self.from_features(seen))
            if self.adds_carried:
                parts.append(carried)
        if self.from_heatmaps is not None:
            parts.append(self.from_heatmaps(heatmaps))
        return sum(parts[1:], start=parts[0])


class CoarseToFine(nn.Module):
    """Image to volumes, one for each supervised stack; with ``head: coordinates`` to one set of coordinates.

    In the stacked family a link carries the stem's pooled features first and the previous stack's features later; in
    the uniform one it carries the previous hourglass's input.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        uniform, width = config.family == "uniform", config.width
        self.stem = Stem(config)
        self.stacks, self.links = nn.ModuleList(), nn.ModuleList()
        inputs, carried = width, width if uniform else width // 2
        for index, depth in enumerate(config.depths):
            last = index == len(config.depths) - 1
            features = 2 * width if last and not uniform else width
            supervised = config.head == "volume" and (last or config.supervision != "none")
            self.stacks.append(Stack(config, inputs, features, depth if supervised else None))
            if not last:
                outputs = width if uniform else features + carried
                self.links.append(Link(config, carried, features, outputs, depth))
                inputs, carried = outputs, width
        if config.head == "coordinates":
            self.coordinates = CoordinateHead(config, features)

    @property
    def supervised_depths(self) -> tuple[int, ...]:
        """Depths of the volumes that the network puts out, in order."""
        return self.config.depths[-1:] if self.config.supervision == "none" else self.config.depths

    def forward(self, image: Float[Tensor, "B 3 S S"]) -> list[Float[Tensor, "B J D H W"]] | Float[Tensor, "B J 3"]:
        x, carried = self.stem(image)
        if self.config.family == "uniform":
            carried = x
        outputs = []
        for index, stack in enumerate(self.stacks):
            features, heatmaps = self._run(stack, x)
            if heatmaps is not None:
                outputs.append(heatmaps.unflatten(1, (self.config.joints, -1)))
            if index < len(self.links):
                x = self.links[index](carried, features, heatmaps)
                carried = x if self.config.family == "uniform" else features
        return self.coordinates(features) if self.config.head == "coordinates" else outputs

    def _run(self, stack: Stack, x: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.config.checkpoint_activations and self.training:
            return checkpoint(stack, x, use_reentrant=False)
        return stack(x)
