"""Summed errors against the same errors at once, in batches, in half precision, in two processes."""

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from reordered import ORDER, REORDERED

from c2fpose.pose import metrics
from c2fpose.pose.metrics import ActionTable
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.running_errors import MeanPerJointError, ReconstructionError

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0, 250, (12, 17, 3)) + np.array([100, -50, 4000])
PREDICTED = TRUE + RNG.normal(0, 60, TRUE.shape)
ACTION = RNG.integers(0, len(ACTIONS), 12)


@pytest.mark.parametrize(
    ("metric", "errors"),
    [(MeanPerJointError, metrics.joint_errors_mm), (ReconstructionError, metrics.aligned_joint_errors_mm)],
)
def test_metrics_do_not_depend_on_the_batches(metric, errors):
    whole = metric()
    for rows in (slice(0, 5), slice(5, 6), slice(6, 12)):
        whole.update(*(torch.from_numpy(array[rows]) for array in (PREDICTED, TRUE, ACTION)))
    expected = ActionTable.of(errors(PREDICTED, TRUE), ACTION)
    assert whole.compute().item() == pytest.approx(expected.frame_weighted(), rel=1e-6)
    np.testing.assert_allclose(whole.table().sums_mm, expected.sums_mm, rtol=1e-13)
    np.testing.assert_array_equal(whole.table().frames, expected.frames)
    whole.reset()
    assert whole.table().frames.sum() == 0


def test_errors_count_from_the_root_whichever_joint_it_is():
    values = []
    for order, root in ((np.arange(17), 0), (ORDER, REORDERED.root)):
        metric = MeanPerJointError(17, root)
        metric.update(torch.from_numpy(PREDICTED[:, order]), torch.from_numpy(TRUE[:, order]))
        values.append(float(metric.compute()))
    assert values[1] == pytest.approx(values[0])


def test_sums_stay_in_double_precision_when_a_model_is_cast():
    metric = MeanPerJointError()
    torch.nn.ModuleList([metric]).half()
    metric.update(torch.from_numpy(PREDICTED), torch.from_numpy(TRUE))
    assert metric.sums_mm.dtype == torch.float64


def _one_of_two(rank: int, path: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{path}/rendezvous", rank=rank, world_size=2)
    metric = MeanPerJointError()
    rows = slice(0, 5) if rank == 0 else slice(5, 12)
    metric.update(*(torch.from_numpy(array[rows]) for array in (PREDICTED, TRUE, ACTION)))
    value = metric.compute()
    with metric.sync_context():
        table = metric.table()
    np.savez(f"{path}/{rank}.npz", value=value, sums_mm=table.sums_mm, frames=table.frames)
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_give_the_figures_of_one(tmp_path):
    mp.start_processes(_one_of_two, args=(str(tmp_path),), nprocs=2, start_method="fork")
    expected = ActionTable.of(metrics.joint_errors_mm(PREDICTED, TRUE), ACTION)
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz")
        np.testing.assert_allclose(found["sums_mm"], expected.sums_mm, rtol=1e-13)
        np.testing.assert_array_equal(found["frames"], expected.frames)
        assert found["value"] == pytest.approx(expected.frame_weighted(), rel=1e-6)
