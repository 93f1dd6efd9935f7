"""The running mean of the weights is what is evaluated and kept, whatever happens behind the last step."""

import shutil

import pytest
import torch
from hydra import compose, initialize_config_dir
from toy_sweeps import TOY, write_files

from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
from c2fpose.evaluate import main as evaluate
from c2fpose.evaluation.scores import Evaluation
from c2fpose.training.averaging import warn_if_short
from c2fpose.training.callbacks import PredictionPictures
from c2fpose.training.run import run


def settings_for(overrides, run_dir):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return train_settings(compose("train", overrides=[*overrides, f"run_dir={run_dir}"]))


def test_a_training_too_short_for_its_mean_is_told_so(capsys):
    warn_if_short(0.998, 3000)
    assert not capsys.readouterr().err
    warn_if_short(0.998, 500)
    assert "after 500 steps 37% of the mean" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["model.batch_norm=recalibrated", "model.recalibration_batches=2"]])
def test_stopped_behind_the_last_step_it_ends_the_same(tmp_path, more):
    """Statistics of BatchNorm that are measured again among what is kept."""
    words = [*TOY, *write_files(tmp_path), "trainer.ema_decay=0.99", "trainer.max_steps=4", *more]
    whole, again = tmp_path / "whole", tmp_path / "again"
    error_mm = run(settings_for(words, whole), whole)
    final = whole / "checkpoints" / "final.ckpt"
    evaluate([f"ckpt={final}", f"out={tmp_path / 'evaluated'}", "precision=32-true"])
    assert Evaluation.read(tmp_path / "evaluated" / "evaluation").mpjpe_mm("ground_truth") == pytest.approx(error_mm)
    (again / "checkpoints").mkdir(parents=True)
    shutil.copy(whole / "checkpoints" / "last.ckpt", again / "checkpoints")  # killed while it was evaluated
    assert run(settings_for([*words, f"resume={again}/checkpoints/last.ckpt"], again), again) == error_mm
    first, second = (
        torch.load(folder / "checkpoints" / "final.ckpt", weights_only=False)["state_dict"] for folder in (whole, again)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_pictures_are_of_the_mean_that_was_validated(tmp_path, monkeypatch):
    """Lightning puts the weights themselves back before the pictures' turn."""
    seen = []

    def looked(self, dataset, module):
        seen.append({name: value.clone() for name, value in module.state_dict().items()})
        return real(self, dataset, module)

    real = PredictionPictures._batch
    monkeypatch.setattr(PredictionPictures, "_batch", looked)
    words = [*TOY, *write_files(tmp_path), "trainer.ema_decay=0.99", "trainer.max_steps=12", "logger.pictures_every=1"]
    run(settings_for(words, tmp_path / "run"), tmp_path / "run")
    kept = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=False)["state_dict"]
    assert [name for name in kept if not torch.equal(seen[-1][name], kept[name])] == []
