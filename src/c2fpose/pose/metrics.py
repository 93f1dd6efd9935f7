"""Errors of poses: pure functions, and the table of their sums; ``running_errors`` sums them over batches.

All lengths are millimetres, all poses root-relative when compared, and every mean over joints runs over all, the
root (always 0 before alignment) included: the definition of the released evaluation code of the authors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from c2fpose.pose.protocol import ACTIONS, TEST_FRAMES_50FPS
from c2fpose.pose.skeleton import ROOT

PCK_LIMIT_MM = 150.0  # usual limit of the percentage of correct keypoints in 3D
AUC_LIMITS_MM = tuple(5.0 * step for step in range(31))

Joints = Float[np.ndarray, "*batch J 3"]
Errors = Float[np.ndarray, "*batch J"]


def root_relative(joints_mm: Joints, root: int = ROOT) -> Joints:
    """Joints relative to the root, float64."""
    joints = np.asarray(joints_mm, np.float64)
    return joints - joints[..., root : root + 1, :]


def joint_errors_mm(predicted_mm: Joints, true_mm: Joints, root: int = ROOT) -> Errors:
    """Measure each joint's distance from the truth, both relative to their root; MPJPE is its mean.

    >>> true = np.zeros((1, 17, 3))
    >>> predicted = true + [0.0, 0.0, 30.0]  # the root is off by as much: a shift does not count
    >>> predicted[0, 3] += [3.0, 4.0, 0.0]
    >>> joint_errors_mm(predicted, true)[0, :5]
    array([0., 0., 0., 5., 0.])
    """
    return np.linalg.norm(root_relative(predicted_mm, root) - root_relative(true_mm, root), axis=-1)


def aligned_joint_errors_mm(predicted_mm: Joints, true_mm: Joints) -> Errors:
    """Measure errors after a similarity fit; their mean is the paper's reconstruction error (others' P-MPJPE)."""
    true = np.asarray(true_mm, np.float64)
    return np.linalg.norm(align_similarity(predicted_mm, true) - true, axis=-1)


def scaled_joint_errors_mm(predicted_mm: Joints, true_mm: Joints, root: int = ROOT) -> Errors:
    """Measure the same with only the scale fitted, about the root; its mean is others' N-MPJPE."""
    predicted, true = root_relative(predicted_mm, root), root_relative(true_mm, root)
    power = (predicted**2).sum((-2, -1), keepdims=True)
    scale = (predicted * true).sum((-2, -1), keepdims=True) / np.where(power == 0, 1, power)
    return np.linalg.norm(scale * predicted - true, axis=-1)


def align_similarity(moving_mm: Joints, fixed_mm: Joints) -> Joints:
    """Turn, scale and shift ``moving`` to the least summed squared distance from ``fixed`` (Procrustes).

    A proper rotation: where a reflection would fit better, the weakest axis is turned back, so that a mirrored pose
    stays wrong. A pose collapsed to one point goes to the centre of the fixed one.

    >>> fixed = np.array([[0.0, 0.0, 0.0], [100.0, 0.0, 0.0], [0.0, 50.0, 0.0]])
    >>> turned = 2 * fixed[:, [1, 0, 2]] * [1, -1, 1] + 7.0  # a quarter turn, twice the size, somewhere else
    >>> np.abs(align_similarity(turned, fixed) - fixed).max() < 1e-9
    np.True_
    """
    moving, fixed = np.asarray(moving_mm, np.float64), np.asarray(fixed_mm, np.float64)
    moving_mean, fixed_mean = moving.mean(-2, keepdims=True), fixed.mean(-2, keepdims=True)
    moving, fixed = moving - moving_mean, fixed - fixed_mean
    left, stretch, right = np.linalg.svd(np.swapaxes(moving, -1, -2) @ fixed)
    handedness = np.sign(np.linalg.det(left @ right))
    stretch[..., -1] *= handedness
    left[..., :, -1] *= handedness[..., None]
    power = (moving**2).sum((-2, -1))
    scale = stretch.sum(-1) / np.where(power == 0, 1, power)
    return scale[..., None, None] * (moving @ left @ right) + fixed_mean


def pck(errors_mm: Errors, limit_mm: float = PCK_LIMIT_MM) -> float:
    """Count the share of joints within a limit, 0 to 1.

    >>> pck(np.array([20.0, 149.0, 151.0, 400.0]))
    0.5
    """
    return float((np.asarray(errors_mm) <= limit_mm).mean())


def auc(errors_mm: Errors, limits_mm: Sequence[float] = AUC_LIMITS_MM) -> float:
    """Mean of ``pck`` over limits from 0 to 150 mm."""
    return float(np.mean([pck(errors_mm, limit) for limit in limits_mm]))


@dataclass(frozen=True)
class ActionTable:
    """Summed errors by action and joint, from which every average in use follows. Actions without frames are NaN."""

    sums_mm: Float[np.ndarray, "actions J"]
    frames: Int[np.ndarray, " actions"]

    @classmethod
    def of(
        cls, errors_mm: Float[np.ndarray, "N J"], action: Int[np.ndarray, " N"], actions: int = len(ACTIONS)
    ) -> "ActionTable":
        """From the errors of images, whose ``action`` indexes so many actions: ``protocol.ACTIONS``, or others."""
        sums = np.zeros((actions, errors_mm.shape[1]))
        np.add.at(sums, action, errors_mm)
        return cls(sums, np.bincount(action, minlength=actions))

    def by_action(self) -> Float[np.ndarray, " actions"]:
        """Mean over the frames and joints of each action."""
        with np.errstate(invalid="ignore"):
            return self.sums_mm.mean(1) / self.frames

    def by_joint(self) -> Float[np.ndarray, " J"]:
        """Mean over all frames, for each joint."""
        with np.errstate(invalid="ignore"):
            return self.sums_mm.sum(0) / self.frames.sum()

    def frame_weighted(self) -> float:
        """All frames pooled: how the authors average."""
        return float(self.by_joint().mean())

    def mean_over_actions(self) -> float:
        """Plain mean of the actions that have frames: how many others average."""
        present = self.by_action()[self.frames > 0]
        return float(present.mean()) if len(present) else float("nan")

    def published_weighted(self) -> float:
        """Actions weighted by their frames in Human3.6M's full test set; NaN where one has no frame here.

        NaN too for other actions than Human3.6M's, by their number: whoever has as many of his own has no use for it.
        """
        if len(self.frames) != len(TEST_FRAMES_50FPS):
            return float("nan")
        return float(np.average(self.by_action(), weights=TEST_FRAMES_50FPS))
