"""Begin a training with another network's weights: what fits is taken over, joints by their names.

The channels of maps belong to joints and depth bins. A joint of the same name gets the channels of the other network's,
its bins interpolated where the two ranges of depth or numbers of bins differ. Joints without a namesake keep their
random start, as does whatever else has no counterpart of its shape. A network twice as wide, or more times, begins as
the same function.
"""

import re
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from c2fpose.base.errors import ConfigError
from c2fpose.config.model import ModelConfig
from c2fpose.config.representations import schema_of
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.saved import Saved, check_numbers
from c2fpose.model.checkpoints.widen import widened
from c2fpose.model.module import PoseModule
from c2fpose.pose.space import PoseSpace

# Networks that differ in these have next to no weight in common
_TRUNK = ("family", "levels", "residuals", "norm", "width")
# Weights that belong to joints, and along which of their dimensions
_OF_JOINTS = (
    (re.compile(r"network\.stacks\.(\d+)\.heatmaps\.(weight|bias)"), 0),
    (re.compile(r"network\.links\.(\d+)\.from_heatmaps\.weight"), 1),
    (re.compile(r"network\.coordinates\.linear\.(weight|bias)"), 0),
    (re.compile(r"network\.after\.lifter\.first\.linear\.weight"), 1),
    (re.compile(r"network\.after\.lifter\.last\.(weight|bias)"), 0),
)
_SHARED = ("network.stem.", "network.stacks.", "network.links.")  # whatever the head is
_NAMED = 5  # joints that the line names


def begin_with(module: PoseModule, saved: dict[str, Any], where: str) -> str | None:
    """Give a module the weights of a checkpoint (as of ``read_checkpoint``), in place, as far as they fit.

    ``where``: how the user named it. Returns a line on what was not taken over, None if all was. Raises
    ``ConfigError`` where the networks have nothing in common, and ``UserError`` for weights that are no numbers.
    """
    check_numbers(saved["state_dict"], where)
    theirs = parse(ModelConfig, Saved.of(saved["hyper_parameters"], where).model, "model")
    _check_trunk(theirs, module.config, where)
    times = module.config.network.width // theirs.network.width
    weights = saved["state_dict"] if times == 1 else widened(saved["state_dict"], times)
    ours = module.state_dict()
    same_head = _same_head(theirs, module.config)
    names = [name for name in theirs.pose_space.skeleton.names if name in module.config.pose_space.skeleton.names]
    taken, untouched = dict(ours), []
    for name, weight in ours.items():
        other = weights.get(name)
        dimension = next((along for pattern, along in _OF_JOINTS if pattern.fullmatch(name)), None)
        if other is None or (dimension is not None and not same_head):
            untouched.append(name)
        elif dimension is not None:
            channels = _Channels(theirs, module.config, name, dimension).carried(other, weight)
            taken[name] = weight if channels is None else channels
            untouched += [name] if channels is None else []
        elif other.shape == weight.shape and (same_head or name.startswith(_SHARED)):
            taken[name] = other.to(weight.dtype)
        else:
            untouched.append(name)
    module.load_state_dict(taken)
    return _words(theirs, module, untouched, names, where)


def _same_head(theirs: ModelConfig, ours: ModelConfig) -> bool:
    """Whether outputs mean the same: one representation, and of coordinates, relative to the same."""
    first, second = theirs.network, ours.network
    return first.head == second.head and first.coordinates == second.coordinates


def _check_trunk(theirs: ModelConfig, ours: ModelConfig, where: str) -> None:
    for name in _TRUNK:
        their_value, our_value = getattr(theirs.network, name), getattr(ours.network, name)
        wider = name == "width" and our_value % their_value == 0 and ours.network.norm == "batch"
        if their_value != our_value and not wider:
            raise ConfigError(
                f"{where}: a checkpoint of another network, model.network.{name} is {their_value} in it and "
                f"{our_value} here"
            )


class _Channels:
    """One weight whose channels belong to joints: how the other network's become ours."""

    def __init__(self, theirs: ModelConfig, ours: ModelConfig, name: str, dimension: int) -> None:
        self.theirs, self.ours, self.dimension = theirs.pose_space, ours.pose_space, dimension
        self.joint_first = schema_of(ours.network.head).joints_first
        self.bins = schema_of(ours.network.head).volumetric and "coordinates" not in name

    def carried(self, other: Tensor, start: Tensor) -> Tensor | None:
        """Put the channels of joints of the same name into ``start``, our own weight; returns a new one.

        None where the other's have no counterpart.
        """
        from_joints, to_joints = (space.skeleton.joints for space in (self.theirs, self.ours))
        if other.shape[self.dimension] % from_joints:
            return None
        source, target = self._by_joint(other, from_joints), self._by_joint(start, to_joints).clone()
        if source.shape[2:] != target.shape[2:] or (source.shape[1] != target.shape[1] and not self.bins):
            return None
        for place, joint in enumerate(self.ours.skeleton.names):
            their_place = self.theirs.skeleton.index(joint)
            if their_place is not None:
                values = source[their_place].to(target.dtype)
                target[place] = self._resampled(values, target.shape[1]) if self.bins else values
        return self._together(target)

    def _by_joint(self, weight: Tensor, joints: int) -> Tensor:
        """Bring a weight to (joints, channels of each, all else)."""
        channels = weight.movedim(self.dimension, 0)
        if self.joint_first:
            return channels.unflatten(0, (joints, -1))
        return channels.unflatten(0, (-1, joints)).transpose(0, 1)

    def _together(self, parts: Tensor) -> Tensor:
        channels = parts if self.joint_first else parts.transpose(0, 1)
        return channels.flatten(0, 1).movedim(0, self.dimension).contiguous()

    def _resampled(self, values: Float[Tensor, "D ..."], bins: int) -> Float[Tensor, "D2 ..."]:
        """Interpolate along the depth bins; what reads a volume weighs thinner bins less."""
        if len(values) == bins and self.theirs.depth_range_mm == self.ours.depth_range_mm:
            return values
        if len(values) == 1:
            return values.expand(bins, *values.shape[1:])
        depths = _centres_mm(self.ours, bins, values)
        step = self.theirs.depth_mm / len(values)
        at = ((depths - self.theirs.depth_range_mm[0]) / step - 0.5).clamp(0, len(values) - 1)
        below = at.floor().long().clamp(max=len(values) - 2)
        share = (at - below).view(-1, *[1] * (values.ndim - 1))
        between = values[below] * (1 - share) + values[below + 1] * share
        return between if self.dimension == 0 else between * (self.ours.depth_mm / bins / step)


def _centres_mm(space: PoseSpace, bins: int, like: Tensor) -> Tensor:
    return space.depth_range_mm[0] + (torch.arange(bins, dtype=like.dtype) + 0.5) * space.depth_mm / bins


def _words(theirs: ModelConfig, module: PoseModule, untouched: list[str], joints: list[str], where: str) -> str | None:
    ours = module.config
    new = [name for name in ours.pose_space.skeleton.names if name not in joints]
    said = []
    if theirs.network.width != ours.network.width:
        said.append(f"channels copied, width {theirs.network.width} to {ours.network.width}")
    same_head = _same_head(theirs, ours)
    if theirs.network.head != ours.network.head:
        said.append(f"heads are new (head={theirs.network.head} in it, {ours.network.head} here)")
    elif not same_head:
        said.append(f"heads are new (coordinates={theirs.network.coordinates} in it, {ours.network.coordinates} here)")
    elif new:
        said.append(f"{len(joints)} of {ours.pose_space.skeleton.joints} joints found in it by name, new: {_some(new)}")
    left = [name for name in theirs.pose_space.skeleton.names if name not in joints]
    if left and same_head:
        said.append(f"not needed: {_some(left)}")
    ranges = [config.pose_space.depth_range_mm for config in (theirs, ours)]
    if ranges[0] != ranges[1] and same_head:
        brought = "brought to" if schema_of(ours.network.head).volumetric else "taken as they are, here for"
        said.append(f"depths from {_span(ranges[0])} {brought} {_span(ranges[1])}")
    roots = [space.skeleton.names[space.skeleton.root] for space in (theirs.pose_space, ours.pose_space)]
    if roots[0] != roots[1] and same_head and joints:
        said.append(f"depths count from {roots[0]} in it and from {roots[1]} here, and begin as if these were one")
    heads = ("heatmaps", "coordinates")
    other_parts = {_part(name) for name in untouched if same_head or not any(word in name for word in heads)}
    if other_parts:
        said.append(f"no weights in it for {_some(sorted(other_parts))}")
    return f"{where}: " + "; ".join(said) if said else None


def _part(name: str) -> str:
    """Take the first words of a weight's name."""
    words = name.split(".")
    if words[0] != "network":
        return words[0]
    return ".".join(words[1 : 4 if "heatmaps" in words else 3])


def _some(words: Iterable[str]) -> str:
    words = list(words)
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _span(range_mm: tuple[float, float]) -> str:
    return f"{range_mm[0]:.0f}..{range_mm[1]:.0f} mm"
