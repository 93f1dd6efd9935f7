"""What a network with a metric head would put out for known poses."""

import torch

RANGE_MM = 2200.0


def peaked(points: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """Logits whose softmax is a narrow Gaussian about each point."""
    axes = [(torch.arange(n, dtype=torch.float64) + 0.5) / n for n in shape]
    z, y, x = (
        ((axis - points[..., 2 - at, None]) * n) ** 2 for at, (axis, n) in enumerate(zip(axes, shape, strict=True))
    )
    return -(z[..., :, None, None] + y[..., None, :, None] + x[..., None, None, :]) / 2


def output_of(points: torch.Tensor, pose_mm: torch.Tensor, depth: int = 32, cells: int = 32) -> torch.Tensor:
    """What a network would put out for positions across the crop and poses in the cube."""
    flat = torch.cat([points[..., :2], torch.full_like(points[..., :1], 0.5)], -1)
    return torch.cat([peaked(flat, (1, cells, cells)), peaked(pose_mm / RANGE_MM, (depth, cells, cells))], 2)
