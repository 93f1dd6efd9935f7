"""``python -m c2fpose.train``: train, evaluate on the test subjects, print the table, draw pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

from c2fpose.errors import UserError, exits_cleanly
from c2fpose.settings import TrainSettings, conf_dir, train_settings

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import Logger

    from c2fpose.data.datamodule import PoseData
    from c2fpose.module import PoseModule


@hydra.main(config_path=conf_dir(), config_name="train", version_base="1.3")
@exits_cleanly
def main(cfg: DictConfig) -> float:
    """One run; returns its MPJPE on the test subjects, root depth given, for sweepers."""
    settings = train_settings(cfg)
    run_dir = Path(settings.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(cfg, run_dir / "config.yaml", resolve=True)
    return run(settings, run_dir)


def run(settings: TrainSettings, run_dir: Path) -> float:
    """Train, evaluate, write everything to ``run_dir``; returns the MPJPE in mm, root depth given."""
    import pytorch_lightning as pl

    from c2fpose.data.datamodule import PoseData
    from c2fpose.evaluate import evaluate_and_report
    from c2fpose.module import PoseModule, recalibrate
    from c2fpose.provenance import provenance

    pl.seed_everything(settings.seed, workers=True, verbose=False)
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    module = PoseModule(settings.model.model_dump(mode="json"), provenance(settings, data))
    loggers = make_loggers(settings, run_dir, module)
    trainer = make_trainer(settings, run_dir, loggers)
    try:
        started = time.monotonic()
        trainer.fit(module, datamodule=data, ckpt_path=_checkpoint_to_resume(settings))
        seconds = time.monotonic() - started
        if settings.model.batch_norm == "recalibrated":
            batches = (batch["image"] for batch, _ in zip(data.train_dataloader(), range(settings.model.recalibration_batches), strict=False))
            recalibrate(module.network, batches)
        final = run_dir / "checkpoints" / "final.ckpt"
        trainer.save_checkpoint(final)
        evaluation = evaluate_and_report(module, data, run_dir, final, settings, loggers, train_seconds=seconds)
    finally:
        close_loggers(loggers)
    return evaluation.mpjpe_mm("ground_truth")
