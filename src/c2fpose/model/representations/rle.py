"""Residual log-likelihood: the spread of ``laplace``, and a flow that learns how the errors are really distributed.

Source: Li et al., Human Pose Regression with Residual Log-likelihood Estimation (ICCV 2021), equation 8; the released
code computes another loss (``form: released``): log sigma enters twice, and the flow's likelihood, one number a joint,
is added to each of its three coordinates. Head and optimiser are this package's, the same for every row of a table.
The flow is learned beside the network and not needed to predict.

Shapes: B batch, J joints, N points.
"""

import itertools
import math
from typing import ClassVar, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from c2fpose.model.representations.laplace import Laplace

_MASKS = ((0.0, 0.0, 1.0), (1.0, 1.0, 0.0))  # which coordinates a coupling leaves as they are
_COUPLINGS, _WIDTH = 6, 64


class Flow(nn.Module):
    """RealNVP in three dimensions: six affine couplings, each with two small networks; a standard normal before it.

    It begins as the identity: the last layers are zero.
    """

    def __init__(self) -> None:
        super().__init__()
        self.masks: Tensor
        masks = torch.tensor(list(itertools.islice(itertools.cycle(_MASKS), _COUPLINGS)))
        self.register_buffer("masks", masks)
        self.scales = nn.ModuleList(_small_network(nn.Tanh()) for _ in range(_COUPLINGS))
        self.shifts = nn.ModuleList(_small_network() for _ in range(_COUPLINGS))

    def log_density(self, x: Float[Tensor, "N 3"]) -> Float[Tensor, " N"]:
        """Find the logarithm of the density at some points, by the way back to the normal distribution."""
        z, volume = x, torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for mask, scale, shift in reversed(list(zip(self.masks.to(x.dtype), self.scales, self.shifts, strict=True))):
            kept = mask * z
            s, t = scale(kept) * (1 - mask), shift(kept) * (1 - mask)
            z = kept + (1 - mask) * (z - t) * torch.exp(-s)
            volume = volume - s.sum(-1)
        normal = -0.5 * (z.square().sum(-1) + 3 * math.log(2 * math.pi))
        return normal + volume

    def moved(self, z: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        """Move draws of the normal distribution to where this one has them."""
        x = z
        for mask, scale, shift in zip(self.masks.to(z.dtype), self.scales, self.shifts, strict=True):
            kept = mask * x
            x = kept + (1 - mask) * (x * torch.exp(scale(kept)) + shift(kept))
        return x


def _small_network(*end: nn.Module) -> nn.Sequential:
    last = nn.Linear(_WIDTH, 3)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    layers = [nn.Linear(3, _WIDTH), nn.LeakyReLU(), nn.Linear(_WIDTH, _WIDTH), nn.LeakyReLU(), last]
    return nn.Sequential(*layers, *end)


class ResidualLogLikelihood(Laplace):
    """As ``Laplace`` but for the loss."""

    random_loss: ClassVar[bool] = True

    def learned(self) -> Flow:
        return Flow()

    def negative_log_likelihood(
        self,
        error: Float[Tensor, "B J 3"],
        spread: Float[Tensor, "B J 3"],
        visible: Bool[Tensor, "B J"],
        learned: nn.Module | None,
    ) -> Float[Tensor, "B J"]:
        flow = cast(Flow, learned)
        scaled = error / spread
        # Far from what it has seen the flow is not asked: an invisible joint's label may be anywhere
        log_flow = error.new_zeros(error.shape[:-1])
        log_flow[visible] = flow.log_density(scaled[visible].to(flow.masks.dtype)).to(error.dtype)
        if self.keys.form == "released":
            each = math.log(math.sqrt(2 * math.pi)) + 2 * spread.log() + error.abs() / (math.sqrt(2) * spread)
            return (each - log_flow[..., None]).sum(-1)
        laplace = (math.log(2) + scaled.abs()).sum(-1)
        return laplace - log_flow + self._log_mass(flow).to(error.dtype) + spread.log().sum(-1)

    def _log_mass(self, flow: Flow) -> Float[Tensor, ""]:
        """Estimate the logarithm of the integral of flow times Laplace, from draws of either, half and half.

        Each draw is weighed by the mixture of both (the balance heuristic of Veach and Guibas, SIGGRAPH 1995). Draws
        of the Laplace distribution alone miss a flow that has gone elsewhere: going there would look ever likelier.
        """
        half = self.keys.samples // 2
        if not half:
            return flow.masks.new_zeros(())
        uniform = torch.rand(half, 3, dtype=flow.masks.dtype, device=flow.masks.device) - 0.5
        of_laplace = -uniform.sign() * torch.log1p(-2 * uniform.abs().clamp_max(0.5 - 1e-7))
        draws = torch.cat([of_laplace, flow.moved(torch.randn_like(uniform))])
        log_flow, log_laplace = flow.log_density(draws), -draws.abs().sum(-1) - 3 * math.log(2)
        log_mixture = torch.logaddexp(log_flow, log_laplace) - math.log(2)
        return torch.logsumexp(log_flow + log_laplace - log_mixture, 0) - math.log(2 * half)


REPRESENTATION = ResidualLogLikelihood
