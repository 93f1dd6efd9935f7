"""From a pose in the picture with depths in order to one in metres: two residual blocks of fully connected layers.

Source: the reconstruction component of Pavlakos et al., Ordinal Depth Supervision for 3D Human Pose Estimation (CVPR
2018), shaped as in Martinez et al. (ICCV 2017). It sees no image.

Shapes: B batch, J joints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

_LEAST_SPREAD = 1e-6


class Lifter(nn.Module):
    """Points whose depths are only in order, root-relative metres out. The unit of those depths does not matter."""

    def __init__(self, joints: int, root: int, width: int) -> None:
        super().__init__()
        self.joints, self.root = joints, root
        self.first = _Layer(3 * joints, width)
        self.blocks = nn.ModuleList(nn.Sequential(_Layer(width, width), _Layer(width, width)) for _ in range(2))
        self.last = nn.Linear(width, 3 * joints)

    def forward(self, points: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 3"]:
        x = self.first(self.standardised(points).flatten(1))
        for block in self.blocks:
            x = x + block(x)
        joints = self.last(x).unflatten(1, (self.joints, 3))
        return joints - joints[:, self.root : self.root + 1]

    def standardised(self, points: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 3"]:
        """Move the pose's middle to 0; scale x and y alike as the box has them, depth to a spread of 1."""
        points = points - points.mean(1, keepdim=True)
        spread = points[..., 2:].square().mean(1, keepdim=True).sqrt().clamp_min(_LEAST_SPREAD)
        return torch.cat([points[..., :2] / 0.2, points[..., 2:] / spread], -1)  # 0.2: about the spread in a box


class _Layer(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)

    def forward(self, x: Float[Tensor, "B C"]) -> Float[Tensor, "B C2"]:
        return F.relu(self.norm(self.linear(x)))
