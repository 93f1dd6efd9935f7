"""Where a pose stands whose size is known: a metric pose and its picture give the place of its root by least squares.

With ``(u, v, 1)`` the viewing ray of a joint in the picture and ``(X, Y, Z)`` its place from a reference point in mm,
the reference point t satisfies ``t_x - u t_z = u Z - X`` and ``t_y - v t_z = v Z - Y``. Source: Sarandi et al., MeTRAbs
(T-BIOM 2021): the strong perspective of its released code, without the small ridge there; its weak perspective stands
beside. No mean limb lengths enter. Of a pose whose x and y were themselves found with an assumed depth, the fit returns
that depth.

Plain arithmetic on NumPy arrays and torch tensors, any leading dimensions, differentiable. ``ray``: ``(..., J, 3)`` as
of ``camera.rays``; ``relative_mm``: ``(..., J, 3)``; ``in_view``: ``(..., J)``, 1 for joints that the picture shows.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float

Array = TypeVar("Array", bound=Any)  # np.ndarray or torch.Tensor

_OUT_OF_VIEW = 1e-8  # weight of a joint that the picture does not show: it decides where too few others do
_LEAST_SPREAD = 1e-10  # of rays, squared: where all joints are seen in one point, distance is not determined


@dataclass(frozen=True)
class SizedPoses:
    """Poses whose size is known, as a network says them."""

    relative_mm: Float[np.ndarray, "*batch J 3"]  # camera frame, from the root
    in_view: Bool[np.ndarray, "*batch J"]  # joints whose place in the picture is known


def strong_perspective_mm(ray: Array, relative_mm: Array, in_view: Array) -> Array:
    """Find the reference point of a pose, ``(..., 3)`` mm in the camera frame; exact where picture and pose agree."""
    share = _shares(in_view)
    offset_mm = ray * relative_mm[..., 2:] - relative_mm
    middle, middle_mm = (share * ray).sum(-2), (share * offset_mm).sum(-2)
    apart = ray - middle[..., None, :]
    spread = (share * apart**2).sum(-1).sum(-1).clip(_LEAST_SPREAD)
    depth_mm = -(share * apart * (offset_mm - middle_mm[..., None, :])).sum(-1).sum(-1) / spread
    return middle_mm + middle * depth_mm[..., None]


def weak_perspective_mm(ray: Array, relative_mm: Array, in_view: Array) -> Array:
    """Estimate the same from means and spreads alone, as if all joints were equally far: rough, steady always."""
    share = _shares(in_view)
    middle, middle_mm = (share * ray).sum(-2), (share * relative_mm).sum(-2)
    apart, apart_mm = ray - middle[..., None, :], (relative_mm - middle_mm[..., None, :])[..., :2]
    spread, spread_mm2 = ((share * each**2).sum(-1).sum(-1).clip(_LEAST_SPREAD) for each in (apart, apart_mm))
    return middle * ((spread_mm2 / spread) ** 0.5)[..., None] - middle_mm


def placed_mm(ray: Array, relative_mm: Array, in_view: Array, reference_mm: Array, mix: Any = 0.5) -> Array:
    """Put a pose at its reference point, ``(..., J, 3)`` mm in the camera frame.

    A joint in view is where picture and pose say, ``mix`` the share of the pose (0.5: MeTRAbs in prediction); one out
    of view is where the pose alone says.
    """
    by_pose_mm = relative_mm + reference_mm[..., None, :]
    by_picture = (in_view * (1 - mix))[..., None]
    return by_picture * ray * by_pose_mm[..., 2:] + (1 - by_picture) * by_pose_mm


def _shares(in_view: Array) -> Array:
    weight = in_view + _OUT_OF_VIEW
    return (weight / weight.sum(-1)[..., None])[..., None]
