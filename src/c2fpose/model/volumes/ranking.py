"""Depth by ranks: which of two joints is nearer (Pavlakos et al., CVPR 2018, equation 2)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F


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
