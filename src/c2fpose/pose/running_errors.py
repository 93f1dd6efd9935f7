"""Errors of poses summed over batches and processes: thin metrics over ``metrics``.

A file of its own, since torchmetrics takes long to import and prediction does not need it. Lengths and
means are those of ``metrics``.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from c2fpose.pose.metrics import ActionTable, Errors, Joints, aligned_joint_errors_mm, joint_errors_mm
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import NUM_JOINTS, ROOT


class MeanPerJointError(Metric):
    """MPJPE, frame-weighted; sums by action and joint are kept, so ``table`` is exact over several processes."""

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    sums_mm: Float[Tensor, "actions J"]
    frames: Int[Tensor, " actions"]

    def __init__(self, joints: int = NUM_JOINTS, root: int = ROOT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.root = root
        self.add_state("sums_mm", torch.zeros(len(ACTIONS), joints, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("frames", torch.zeros(len(ACTIONS), dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self,
        predicted_mm: Float[Tensor, "B J 3"],
        true_mm: Float[Tensor, "B J 3"],
        action: Int[Tensor, " B"] | None = None,
    ) -> None:
        """Add a batch; without ``action`` all its frames count as the first one's, and only the mean has a meaning."""
        errors = self.errors_mm(predicted_mm.detach().cpu().numpy(), true_mm.detach().cpu().numpy())
        actions = np.zeros(len(errors), np.int64) if action is None else action.cpu().numpy()
        table = ActionTable.of(errors, actions)
        self.sums_mm += torch.as_tensor(table.sums_mm, device=self.sums_mm.device)
        self.frames += torch.as_tensor(table.frames, device=self.frames.device)

    def compute(self) -> Float[Tensor, ""]:
        """Mean over all frames and joints, millimetres."""
        return (self.sums_mm.sum() / (self.frames.sum() * self.sums_mm.shape[1])).float()

    def table(self) -> ActionTable:
        """Return the sums so far; call it after ``compute`` or ``sync`` to have those of all processes."""
        return ActionTable(self.sums_mm.cpu().numpy(), self.frames.cpu().numpy())

    def errors_mm(self, predicted_mm: Joints, true_mm: Joints) -> Errors:
        """Measure what is averaged."""
        return joint_errors_mm(predicted_mm, true_mm, self.root)


class ReconstructionError(MeanPerJointError):
    """Measure the same after a similarity fit of each pose."""

    def errors_mm(self, predicted_mm: Joints, true_mm: Joints) -> Errors:
        """Measure what is averaged."""
        return aligned_joint_errors_mm(predicted_mm, true_mm)
