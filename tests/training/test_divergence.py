"""A training whose numbers are no numbers ends in one line, and leaves its last good checkpoint."""

import json

import pytest
import torch
from toy_sweeps import TOY


@pytest.mark.slow
@pytest.mark.parametrize("method", ["argmax", "subvoxel", "expectation"])
def test_a_rate_that_is_far_too_high_is_no_result(method, files, tmp_path, ready):
    words = [*TOY, *files, "model.optimizer.learning_rate=1e30", "model.optimizer.schedule=constant",
             "trainer.log_every=1", f"model.decoding.method={method}", f"run_dir={tmp_path / 'run'}"]  # fmt: skip
    done = ready.run(["-m", "c2fpose.train", *words], tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "has diverged" in line and "model.optimizer.learning_rate" in line
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "evaluation").exists()
    assert not (tmp_path / "run" / "checkpoints" / "final.ckpt").exists()


class Trainer:
    global_step = 20


def test_a_weight_that_is_no_number_is_named_with_the_checkpoint_before(tmp_path):
    from c2fpose.training.divergence import DivergedError, StopsDiverged

    last = tmp_path / "last.ckpt"
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    watch = StopsDiverged(10, last)
    watch.on_validation_start(Trainer, network)
    network[1].running_var[0] = torch.inf
    last.write_text(json.dumps({}))
    with pytest.raises(DivergedError, match=r"step 20: 1\.running_var is not finite.*last\.ckpt is from before it"):
        watch.on_validation_start(Trainer, network)


@pytest.mark.parametrize(("step", "looked_at"), [(20, True), (19, False)])
def test_the_loss_is_looked_at_now_and_then(step, looked_at, tmp_path):
    from c2fpose.training.divergence import DivergedError, StopsDiverged

    class AtStep:
        global_step = step

    watch = StopsDiverged(10, tmp_path / "none.ckpt")
    if looked_at:
        with pytest.raises(DivergedError, match="the loss is nan"):
            watch.on_train_batch_end(AtStep, None, {"loss": torch.tensor(torch.nan)})
    watch.on_train_batch_end(AtStep, None, {"loss": torch.tensor(1.0)})
