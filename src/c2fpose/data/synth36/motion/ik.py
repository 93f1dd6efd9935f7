"""Rotations and two-bone inverse kinematics, vectorised over frames.

Body frame: x forward, y to the body's left, z up; right-handed, millimetres. Rotations act on column vectors.
"""

import numpy as np
from jaxtyping import Float

UP = np.array([0.0, 0.0, 1.0])


def unit(v: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors scaled to length one (zero vectors stay near zero)."""
    return v / np.maximum(np.sqrt((v * v).sum(-1, keepdims=True)), 1e-9)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product over the last axis; several times faster than ``np.cross`` on small arrays."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def apply(rotation: Float[np.ndarray, "*#batch 3 3"], v: Float[np.ndarray, "*#batch 3"]) -> np.ndarray:
    """Rotate vectors."""
    return (rotation @ v[..., None])[..., 0]


def rotation_from_vector(rotvec: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rodrigues' formula: axis times angle in radians."""
    angle = np.sqrt((rotvec * rotvec).sum(-1))[..., None, None]
    x, y, z = rotvec[..., 0], rotvec[..., 1], rotvec[..., 2]
    zero = np.zeros_like(x)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*rotvec.shape, 3)
    # np.sinc(x) = sin(pi x) / (pi x): finite at no rotation.
    sine = np.sinc(angle / np.pi)
    half = np.sinc(angle / (2 * np.pi))
    return np.eye(3) + sine * k + 0.5 * half * half * (k @ k)


def rotation_z(angle: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Turn to the left by ``angle`` radians."""
    angle = np.asarray(angle, dtype=float)
    return rotation_from_vector(angle[..., None] * UP)


def frame_from(direction: Float[np.ndarray, "*batch 3"], normal: Float[np.ndarray, "*batch 3"]) -> np.ndarray:
    """Columns: bone direction, hinge axis (made perpendicular to it), their cross product."""
    d = unit(direction)
    n = unit(normal - (normal * d).sum(-1, keepdims=True) * d)
    return np.stack([d, n, cross(d, n)], axis=-1)


def soft_min(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Smooth minimum: never above either argument, ``width / 2`` below them where they meet."""
    return 0.5 * (a + b - np.sqrt((a - b) ** 2 + width**2))


def transported_pole(
    direction: Float[np.ndarray, "*batch 3"], base: Float[np.ndarray, "*#batch 3"], pole: Float[np.ndarray, "*#batch 3"]
) -> Float[np.ndarray, "*batch 3"]:
    """``pole`` (perpendicular to ``base``) carried along by the shortest rotation from ``base`` to ``direction``.

    Smooth everywhere but at ``-base``: the way to give every reach its elbow without flips.
    """
    total = direction + base
    along = (direction * pole).sum(-1, keepdims=True)
    return pole - along / np.maximum(1.0 + (direction * base).sum(-1, keepdims=True), 1e-3) * total


def swivelled(direction: np.ndarray, pole: np.ndarray, swivel_rad: np.ndarray) -> np.ndarray:
    """``pole`` turned about ``direction`` by the swivel angle."""
    s = swivel_rad[..., None]
    return np.cos(s) * pole + np.sin(s) * cross(direction, pole)


def two_bone(
    origin: Float[np.ndarray, "*batch 3"],
    target: Float[np.ndarray, "*batch 3"],
    upper_mm: float,
    lower_mm: float,
    base: np.ndarray,
    pole: np.ndarray,
    swivel_rad: Float[np.ndarray, "*batch"],
    least_angle_rad: float = 0.5,
    reach: float = 0.999,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle joint, end joint and hinge axis of a limb that reaches for ``target``.

    The end lies on the line to the target, between the distance at which the hinge closes to ``least_angle_rad`` and
    ``reach`` times the full length. The middle joint bends towards the transported pole, so the hinge opens one way
    only.
    """
    offset = target - origin
    distance = np.sqrt((offset * offset).sum(-1))
    direction = offset / np.maximum(distance, 1e-6)[..., None]
    nearest = np.sqrt(upper_mm**2 + lower_mm**2 - 2 * upper_mm * lower_mm * np.cos(least_angle_rad))
    span = -soft_min(-soft_min(distance, np.asarray((upper_mm + lower_mm) * reach), 2.0), np.asarray(-nearest), 6.0)
    along = (upper_mm**2 - lower_mm**2 + span**2) / (2 * span)
    height = np.sqrt(np.maximum(upper_mm**2 - along**2, 0.0))
    side = swivelled(direction, transported_pole(direction, base, pole), swivel_rad)
    middle = origin + along[..., None] * direction + height[..., None] * side
    return middle, origin + span[..., None] * direction, cross(direction, side)
