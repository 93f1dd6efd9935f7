"""The coarse-to-fine volumetric network (paper, section 3): one depth schedule makes it.

Shapes: B batch, J joints, D depth bins, H rows, W columns, C channels, M channels of a stack's maps: J times D where
they are a volume. Volumes leave the network as (B, J, D, H, W), one a supervised stack; ``D`` follows the schedule.
"""

from contextlib import nullcontext
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from c2fpose.config.model import NetworkConfig
from c2fpose.model.networks.batch_norm import unchanged_statistics
from c2fpose.model.networks.heads import Heads, volume_heads
from c2fpose.model.networks.hourglass import Hourglass, Lin, Stem, residuals


class Stack(nn.Module):
    """One hourglass, the features after it, and its heatmaps unless the stack is unsupervised."""

    def __init__(self, config: NetworkConfig, inputs: int, features: int, depth: int, maps: int | None) -> None:
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
        self.heatmaps = None if maps is None else nn.Conv2d(features, maps, 1)
        if self.heatmaps is not None:
            _set_spread(self.heatmaps, config.head_std_by_depth.get(depth, config.head_std))

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B C2 H W"], Float[Tensor, "B M H W"] | None]:
        features = self.features(self.hourglass(x))
        return features, None if self.heatmaps is None else self.heatmaps(features)


def _set_spread(conv: nn.Conv2d, deviation: float | None) -> None:
    if deviation is not None:
        nn.init.normal_(conv.weight, std=deviation)
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)


class Link(nn.Module):
    """What the next hourglass sees of the one before (paper, section 3.2).

    separated: features and heatmaps, fused. direct: the heatmaps alone. none: the features alone, not even convolved
    in the stacked family (the released network without intermediate supervision).
    """

    def __init__(self, config: NetworkConfig, carried: int, features: int, outputs: int, maps: int) -> None:
        super().__init__()
        self.adds_carried = config.family == "uniform"
        from_features = features if self.adds_carried else features + carried
        mixes = config.supervision == "separated" or (config.supervision == "none" and self.adds_carried)
        self.from_features = nn.Conv2d(from_features, outputs, 1) if mixes else None
        self.passes_features = config.supervision != "direct"
        self.from_heatmaps = None if config.supervision == "none" else nn.Conv2d(maps, outputs, 1)

    def forward(
        self,
        carried: Float[Tensor, "B C1 H W"],
        features: Float[Tensor, "B C2 H W"],
        heatmaps: Float[Tensor, "B M H W"] | None,
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
    """Image to one output for each supervised stack, volumes unless other heads are given; or one output at the end.

    In the stacked family a link carries the stem's pooled features first and the previous stack's features later; in
    the uniform one it carries the previous hourglass's input.
    """

    def __init__(self, config: NetworkConfig, heads: Heads | None = None) -> None:
        super().__init__()
        self.config = config
        heads = heads or volume_heads(config.joint_count)
        uniform, width = config.family == "uniform", config.width
        self.stem = Stem(config)
        self.stacks, self.links, readers = nn.ModuleList(), nn.ModuleList(), []
        inputs, carried = width, width if uniform else width // 2
        for index, depth in enumerate(config.depths):
            last = index == len(config.depths) - 1
            features = 2 * width if last and not uniform else width
            supervised = heads.maps is not None and (last or config.supervision != "none")
            maps = heads.maps(depth) if supervised and heads.maps is not None else None
            self.stacks.append(Stack(config, inputs, features, depth, maps))
            if supervised:
                assert heads.read is not None, "heads with maps say how they are read"
                readers.append(heads.read(depth))
            if not last:
                outputs = width if uniform else features + carried
                self.links.append(Link(config, carried, features, outputs, maps or 0))
                inputs, carried = outputs, width
        # Made after all stacks, so that a head with weights of its own leaves theirs as they would be without it
        self.readers = nn.ModuleList(readers)
        # The name is that of the first head of this kind, in whose checkpoints it stands
        self.coordinates = heads.end(features) if heads.end else None
        self.after = heads.after() if heads.after else None

    @property
    def supervised_depths(self) -> tuple[int, ...]:
        """Depths of the outputs along the stacks, in order."""
        return self.config.depths[-1:] if self.config.supervision == "none" else self.config.depths

    def forward(self, image: Float[Tensor, "B 3 S S"]) -> list[Float[Tensor, "B J ..."]] | Float[Tensor, "B J N"]:
        x, carried = self.stem(image)
        if self.config.family == "uniform":
            carried = x
        outputs: list[Tensor] = []
        for index, stack in enumerate(self.stacks):
            features, heatmaps = self._run(cast(Stack, stack), x)
            if heatmaps is not None:
                outputs.append(self.readers[len(outputs)](heatmaps))
            if index < len(self.links):
                x = self.links[index](carried, features, heatmaps)
                carried = x if self.config.family == "uniform" else features
        said = outputs if self.coordinates is None else self.coordinates(features)
        if self.after is None or self.training:
            return said
        return self.after(said[-1] if isinstance(said, list) else said)

    def _run(self, stack: Stack, x: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.config.checkpoint_activations and self.training:
            return checkpoint(
                stack, x, use_reentrant=False, context_fn=lambda: (nullcontext(), unchanged_statistics(stack))
            )
        return stack(x)
