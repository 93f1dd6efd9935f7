"""Between the camera frame and the image: pinhole, lens distortion, depth bins, and the depth of the root.

Camera frame: x right, y down, z forward, millimetres. Image: continuous pixels, x right, y down; pixel i covers
[i, i + 1). Intrinsics are always ``(fx, fy, cx, cy)`` in pixels. All functions take any leading dimensions, broadcast
them, and compute in float64; the depth-bin functions are plain arithmetic and take NumPy arrays and torch tensors.
"""

from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import ConfigError
from c2fpose.pose.protocol import DEPTH_BINS
from c2fpose.pose.skeleton import C2F17, Skeleton
from c2fpose.pose.space import PAPER, PAPER_RANGE_MM, PoseSpace

Array = TypeVar("Array", bound=Any)  # np.ndarray or torch.Tensor

# How the depth of the root is found, which a volume relative to the root cannot tell.
ROOT_DEPTH_RULES = {
    "ground_truth": "root depth given",
    "own_limbs": "root depth fitted to the person's own limb lengths",
    "mean_limbs": "root depth fitted to mean limb lengths",
    "strong_perspective": "root placed by strong perspective of a pose in mm",
}
# The last takes a pose in mm; these take positions in the picture and depths from the root
RULES_OF_DEPTHS = ("ground_truth", "own_limbs", "mean_limbs")

FIT_START_MM = 2000.0  # where the released code starts its fit; it decides between two minima
_FIT_CHUNK = 2048  # people fitted together: the intermediate arrays stay in the processor's cache


def project(
    joints_cam_mm: Float[np.ndarray, "*batch J 3"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
    distortion: Float[np.ndarray, "*#batch 5"] | None = None,
) -> Float[np.ndarray, "*batch J 2"]:
    """Project joints of the camera frame onto the image, with lens distortion ``(k1, k2, k3, p1, p2)`` if given.

    >>> project(np.array([[500.0, 0.0, 5000.0]]), np.array([1145.0, 1145.0, 512.0, 512.0]))
    array([[626.5, 512. ]])
    """
    joints = np.asarray(joints_cam_mm, np.float64)
    xy = joints[..., :2] / joints[..., 2:]
    if distortion is not None:
        xy = distort(xy, distortion)
    intrinsics = np.asarray(intrinsics_px, np.float64)[..., None, :]
    return xy * intrinsics[..., :2] + intrinsics[..., 2:]


def back_project(
    joints_px: Float[np.ndarray, "*batch J 2"],
    depth_mm: Float[np.ndarray, "*batch J"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
) -> Float[np.ndarray, "*batch J 3"]:
    """Image and depth to the camera frame, millimetres; no distortion, as in the released evaluation.

    >>> back_project(np.array([[626.5, 512.0]]), np.array([5000.0]), np.array([1145.0, 1145.0, 512.0, 512.0]))
    array([[ 500.,    0., 5000.]])
    """
    depth = np.asarray(depth_mm, np.float64)[..., None]
    return rays(joints_px, intrinsics_px) * depth


def rays(
    joints_px: Float[np.ndarray, "*batch J 2"], intrinsics_px: Float[np.ndarray, "*#batch 4"]
) -> Float[np.ndarray, "*batch J 3"]:
    """Compute the viewing rays of image points, scaled so that their z is 1."""
    intrinsics = np.asarray(intrinsics_px, np.float64)[..., None, :]
    xy = (np.asarray(joints_px, np.float64) - intrinsics[..., 2:]) / intrinsics[..., :2]
    return np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1)


def along_rays(points_cam_mm: Float[np.ndarray, "*batch J 3"], deeper_mm: float) -> Float[np.ndarray, "*batch J 3"]:
    """Move points along their viewing rays until all are so much deeper; their places in the image stay.

    >>> along_rays(np.array([[500.0, 0.0, 5000.0]]), 1000.0)
    array([[ 600.,    0., 6000.]])
    """
    return points_cam_mm * (1 + deeper_mm / points_cam_mm[..., 2:])


def distort(
    xy: Float[np.ndarray, "*batch J 2"], distortion: Float[np.ndarray, "*#batch 5"]
) -> Float[np.ndarray, "*batch J 2"]:
    """Lens distortion of normalised image coordinates by ``(k1, k2, k3, p1, p2)``, in Human3.6M's own form.

    ``xy * (1 + k1 r^2 + k2 r^4 + k3 r^6 + p1 y + p2 x) + (p2, p1) r^2``: the tangential sum enters once, where OpenCV
    has it twice. Only this form reproduces the released boxes.
    """
    xy = np.asarray(xy, np.float64)
    k1, k2, k3, p1, p2 = np.moveaxis(np.asarray(distortion, np.float64)[..., None, :], -1, 0)
    x, y = xy[..., 0], xy[..., 1]
    r2 = x**2 + y**2
    gain = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + p1 * y + p2 * x
    return np.stack([x * gain + p2 * r2, y * gain + p1 * r2], axis=-1)


def world_to_camera(
    joints_world_mm: Float[np.ndarray, "*batch J 3"],
    rotation: Float[np.ndarray, "*#batch 3 3"],
    position_mm: Float[np.ndarray, "*#batch 3"],
) -> Float[np.ndarray, "*batch J 3"]:
    """``R (X - T)``: T is the camera's position in the world, not the translation of ``R X + t``."""
    offset = np.asarray(joints_world_mm, np.float64) - np.asarray(position_mm, np.float64)[..., None, :]
    return np.einsum("...ij,...kj->...ki", np.asarray(rotation, np.float64), offset)


# --- depth bins ---------------------------------------------------------------------------------------------------


def check_depth_bins(bins: int) -> int:
    """``bins`` if it divides 64, else ``ConfigError``."""
    if bins < 1 or DEPTH_BINS % bins:
        raise ConfigError(f"{bins} depth bins: must divide {DEPTH_BINS} (1, 2, 4, 8, 16, 32 or 64)")
    return bins


def depth_step_mm(bins: int = DEPTH_BINS, depth_range_mm: tuple[float, float] = PAPER_RANGE_MM) -> float:
    """Compute the thickness of one of ``bins`` depth bins, millimetres.

    >>> depth_step_mm(64)
    31.03196507515625
    """
    return (depth_range_mm[1] - depth_range_mm[0]) / check_depth_bins(bins)


def depth_limits_mm(bins: int = DEPTH_BINS) -> Float[np.ndarray, " limits"]:
    """List the limits of the depth bins, millimetres from the root.

    >>> depth_limits_mm(4)
    array([-1005.18590298,  -508.67446178,   -12.16302058,   484.34842063,
             980.85986183])
    """
    return PAPER_RANGE_MM[0] + depth_step_mm(bins) * np.arange(bins + 1)


def depth_centres_mm(bins: int = DEPTH_BINS) -> Float[np.ndarray, " bins"]:
    """Centres of the depth bins, millimetres from the root."""
    return depth_of_bin_mm(np.arange(bins, dtype=np.float64), bins)


def depth_bin_coordinate(
    depth_rel_mm: Array, bins: int = DEPTH_BINS, depth_range_mm: tuple[float, float] = PAPER_RANGE_MM
) -> Array:
    """Depth from the root to a continuous bin coordinate: the centre of bin i is at i; not clipped."""
    return (depth_rel_mm - depth_range_mm[0]) / depth_step_mm(bins, depth_range_mm) - 0.5


def depth_of_bin_mm(
    bin_coordinate: Array, bins: int = DEPTH_BINS, depth_range_mm: tuple[float, float] = PAPER_RANGE_MM
) -> Array:
    """Inverse of ``depth_bin_coordinate``; a whole bin gives the depth of its centre.

    >>> depth_of_bin_mm(np.array([0.0, 63.0]), 64)
    array([-989.66992044,  965.34387929])
    """
    return (bin_coordinate + 0.5) * depth_step_mm(bins, depth_range_mm) + depth_range_mm[0]


def depth_bin(
    depth_rel_mm: Array, bins: int = DEPTH_BINS, depth_range_mm: tuple[float, float] = PAPER_RANGE_MM
) -> Array:
    """Find the bin that holds a depth, 0 to ``bins - 1``; what lies outside goes to the first or last bin.

    With coarser bins this is the released code's ``ceil(zind * d / 64)``, counted from 0: bin limits coincide.

    >>> depth_bin(np.array([-2000.0, 0.0, 500.0]), 64)
    array([ 0, 32, 48])
    """
    whole = ((depth_bin_coordinate(depth_rel_mm, bins, depth_range_mm) + 0.5) // 1).clip(0, bins - 1)
    return whole.astype(np.int64) if isinstance(whole, np.ndarray | np.generic) else whole.long()  # type: ignore[return-value]


# --- depth of the root --------------------------------------------------------------------------------------------


def root_depth_mm(
    rule: str,
    joints_px: Float[np.ndarray, "*batch J 2"],
    depth_rel_mm: Float[np.ndarray, "*batch J"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
    true_joints_cam_mm: Float[np.ndarray, "*batch J 3"] | None = None,
    space: PoseSpace = PAPER,
) -> Float[np.ndarray, "*batch"]:
    """Depth of the root by one of ``RULES_OF_DEPTHS``, millimetres (released evaluation code of the authors).

    The first two rules read the ground truth; ``mean_limbs``, the published default, does not.
    Raises ``ConfigError`` for another rule, or where the ground truth that a rule needs is not given.
    """
    if rule not in RULES_OF_DEPTHS:
        raise ConfigError(f"root depth rule {rule!r}: must be one of {', '.join(RULES_OF_DEPTHS)}")
    if rule == "mean_limbs":
        lengths = np.array(space.mean_limb_lengths_mm)
        return fit_root_depth_mm(joints_px, depth_rel_mm, intrinsics_px, lengths, space.skeleton)
    if true_joints_cam_mm is None:
        raise ConfigError(f"root depth rule {rule!r} needs the true joints; use mean_limbs without them")
    truth = np.asarray(true_joints_cam_mm, np.float64)
    if rule == "ground_truth":
        return truth[..., space.skeleton.root, 2]
    lengths = space.skeleton.limb_lengths_mm(truth)
    return fit_root_depth_mm(joints_px, depth_rel_mm, intrinsics_px, lengths, space.skeleton)


def fit_root_depth_mm(
    joints_px: Float[np.ndarray, "*batch J 2"],
    depth_rel_mm: Float[np.ndarray, "*batch J"],
    intrinsics_px: Float[np.ndarray, "*#batch 4"],
    target_limb_lengths_mm: Float[np.ndarray, "*#batch limbs"],
    skeleton: Skeleton = C2F17,
) -> Float[np.ndarray, "*batch"]:
    """Root depth z that minimises ``sqrt(sum((limb_lengths(z) - target)^2))``, millimetres, exact to 1e-6 mm.

    The released code descends from 2000 mm, and the start matters: a second minimum, mostly behind the camera, can be
    the lower one. Ours is the minimum next downhill from the same start. Where the limbs do not depend on z at all
    (every joint in one pixel) it is the start itself. Limbs whose target is NaN do not count.
    """
    batch = np.shape(depth_rel_mm)[:-1]
    ray = rays(joints_px, intrinsics_px).reshape(-1, skeleton.joints, 3)
    relative = np.asarray(depth_rel_mm, np.float64).reshape(-1, skeleton.joints)
    target = np.broadcast_to(target_limb_lengths_mm, (*batch, len(skeleton.limbs))).reshape(-1, len(skeleton.limbs))
    depths = np.empty(len(relative))
    for first in range(0, len(relative), _FIT_CHUNK):
        chunk = slice(first, first + _FIT_CHUNK)
        parabolas = _limb_parabolas(ray[chunk], relative[chunk], skeleton)
        # With the root at ``front`` the nearest joint is in the camera.
        depths[chunk] = _descend(*parabolas, target[chunk], front_mm=-relative[chunk].min(-1))
    return depths.reshape(batch)


Terms = Float[np.ndarray, "people edges"]
Depths = Float[np.ndarray, " people"]


def _limb_parabolas(
    ray: Float[np.ndarray, "people J 3"], depth_rel_mm: Float[np.ndarray, "people J"], skeleton: Skeleton
) -> tuple[Terms, Terms, Terms]:
    """Squared limb lengths over the root depth z, as ``a + 2 b z + c z^2``: a limb is offset + z * slope."""
    start, end = np.transpose(skeleton.limbs)
    at_zero = ray * depth_rel_mm[..., None]
    offset = at_zero[:, end] - at_zero[:, start]
    slope = ray[:, end] - ray[:, start]
    return (
        np.einsum("pec,pec->pe", offset, offset),
        np.einsum("pec,pec->pe", offset, slope),
        np.einsum("pec,pec->pe", slope, slope),
    )


def _descend(a: Terms, b: Terms, c: Terms, target: Terms, front_mm: Depths) -> Depths:
    """Walk downhill from the start until the slope turns, then close in on the minimum by safeguarded Newton steps."""
    z = np.full(len(a), FIT_START_MM)
    slope, _ = _cost_slope(z, a, b, c, target)
    direction = -np.sign(slope)
    near, far = z.copy(), z.copy()  # the slope leads from near towards far, and turns between the two
    walking = np.flatnonzero(direction)
    for _ in range(60):
        if not len(walking):
            break
        # Double or halve the distance of the nearest joint from the camera: a longer step could jump from the minimum
        # in front of the camera to its mirror image behind. Only where the descent leads there, it is followed.
        distance = near[walking] - front_mm[walking]
        halve = (direction[walking] < 0) & (distance > 1)
        step = np.where(halve, distance / 2, np.maximum(np.abs(distance), 1))
        far[walking] = near[walking] + direction[walking] * step
        slope, _ = _cost_slope(far[walking], a[walking], b[walking], c[walking], target[walking])
        walking = walking[slope * direction[walking] < 0]
        near[walking] = far[walking]
    # Newton on the slope from the middle; where a step leaves the bracket or the cost is not convex, bisect.
    z = (near + far) / 2
    active = np.flatnonzero(near != far)
    for _ in range(100):
        if not len(active):
            break
        now = z[active]
        slope, curvature = _cost_slope(now, a[active], b[active], c[active], target[active])
        downhill = slope * direction[active] < 0
        near[active] = np.where(downhill, now, near[active])
        far[active] = np.where(downhill, far[active], now)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = now - slope / curvature
        low, high = np.minimum(near[active], far[active]), np.maximum(near[active], far[active])
        inside = (curvature > 0) & (newton >= low) & (newton <= high)
        z[active] = np.where(inside, newton, (low + high) / 2)
        active = active[np.abs(z[active] - now) > 1e-10 * (1 + np.abs(now))]
    return z


def _cost_slope(z: Depths, a: Terms, b: Terms, c: Terms, target: Terms) -> tuple[Depths, Depths]:
    """First and second derivative over z of half the summed squared differences of limb lengths."""
    half_slope = b + c * z[:, None]
    length = np.sqrt(np.maximum(a + z[:, None] * (b + half_slope), 1e-12))
    known = np.isfinite(target)  # a limb of unknown length pulls nowhere
    rate = np.where(known, half_slope / length, 0.0)
    difference = np.where(known, length - target, 0.0)
    slope = np.einsum("pe,pe->p", difference, rate)
    squared_rate = rate * rate
    curvature = np.einsum("pe->p", squared_rate + difference * (c - squared_rate) / length)
    return slope, curvature
