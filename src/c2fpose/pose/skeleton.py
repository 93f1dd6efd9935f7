"""The 17 joints: names, order, tree, mirror pairs, and the ways from other data sets' orders.

The C2F order (the order of the paper's released data) puts the LEFT leg first. Most other code puts the right leg
first: ``RIGHT_LEG_FIRST`` converts, and is its own inverse.
"""

import numpy as np
from jaxtyping import Float

JOINTS = (
    "pelvis",
    "left_hip", "left_knee", "left_ankle",
    "right_hip", "right_knee", "right_ankle",
    "spine", "thorax", "nose", "head",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
NUM_JOINTS = len(JOINTS)
ROOT = 0

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)

# Limbs in the order of the authors' table of mean lengths (``protocol.MEAN_LIMB_LENGTHS_MM``).
EDGES = (
    (0, 1), (0, 4), (0, 7), (1, 2), (2, 3), (4, 5), (5, 6), (7, 8),
    (8, 9), (8, 11), (8, 14), (9, 10), (11, 12), (12, 13), (14, 15), (15, 16),
)  # fmt: skip

# Where each joint of a mirrored image comes from; its own inverse.
MIRROR = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13)

RIGHT_LEG_FIRST = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
# Human3.6M's own 32-joint layout (``D3_Positions``) to C2F order.
FROM_HUMAN36M_32 = (0, 6, 7, 8, 1, 2, 3, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)

LEFT_SHOULDER, RIGHT_SHOULDER = JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder")
LEFT_HIP, RIGHT_HIP = JOINTS.index("left_hip"), JOINTS.index("right_hip")
THORAX, NOSE = JOINTS.index("thorax"), JOINTS.index("nose")


def limb_lengths_mm(joints_mm: Float[np.ndarray, "*batch 17 3"]) -> Float[np.ndarray, "*batch 16"]:
    """Measure the lengths of ``EDGES``, millimetres.

    >>> limb_lengths_mm(np.arange(51.0).reshape(17, 3))[:2].round(2)
    array([ 5.2 , 20.78])
    """
    start, end = np.transpose(EDGES)
    return np.linalg.norm(joints_mm[..., end, :] - joints_mm[..., start, :], axis=-1)


def left_is_left(joints_mm: Float[np.ndarray, "*batch 17 3"]) -> np.ndarray:
    """Whether shoulders and hips marked left lie on the body's left, ``(*batch, 2)`` bool: shoulders, hips.

    With up = thorax - pelvis and forward = nose - thorax, up x forward points to the left in any right-handed frame
    (camera frames with y down included). It holds on nearly all frames of correct data, not on each.
    """
    up = joints_mm[..., THORAX, :] - joints_mm[..., ROOT, :]
    forward = joints_mm[..., NOSE, :] - joints_mm[..., THORAX, :]
    left = np.cross(up, forward)
    shoulders = joints_mm[..., LEFT_SHOULDER, :] - joints_mm[..., RIGHT_SHOULDER, :]
    hips = joints_mm[..., LEFT_HIP, :] - joints_mm[..., RIGHT_HIP, :]
    return np.stack([(left * shoulders).sum(-1) > 0, (left * hips).sum(-1) > 0], axis=-1)
