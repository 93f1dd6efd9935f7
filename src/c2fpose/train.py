"""``python -m c2fpose.train``: train, evaluate on the test subjects, print the table, draw pictures."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from c2fpose.base.errors import exits_cleanly, refuses_in_one_line
from c2fpose.base.files import gone_if_refused
from c2fpose.base.lock import alone_in
from c2fpose.base.rank import rank
from c2fpose.base.signals import stops_in_one_line
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import refusal_of_key, train_settings
from c2fpose.sweeps.rows import remember_swept

_BEFORE_THE_WORK = ("config.yaml",)  # what a run that is refused has written


@hydra.main(config_path=conf_dir(), config_name="train", version_base="1.3")
@exits_cleanly
def main(cfg: DictConfig) -> float:
    """One run, or one job of a sweep; returns its MPJPE on the test subjects, root depth given, for sweepers."""
    if cfg.job is not None:
        from c2fpose.sweeps.runner import run_job

        return run_job(cfg, Path(cfg.run_dir))
    hydra_config = HydraConfig.get()
    if hydra_config.mode == RunMode.MULTIRUN:  # of overrides: a job's directory is named by its own
        from c2fpose.sweeps.runner import run_job

        directory = Path(hydra_config.sweep.dir) / hydra_config.sweep.subdir
        row = re.sub(r",?seed=\d+", "", directory.name).strip(",") or "defaults"
        return run_job(cfg, directory, row)
    # not cfg.run_dir: further processes of this run, which Lightning starts, are told the first one's directory
    run_dir = Path(hydra_config.run.dir)
    settings = train_settings(cfg).model_copy(update={"run_dir": str(run_dir)})
    from c2fpose.model.checkpoints.formats import LAST
    from c2fpose.training.checkpoints import how_to_go_on
    from c2fpose.training.replacing import claim, replacing
    from c2fpose.training.resuming import changes, going_on
    from c2fpose.training.run import run

    if rank() > 0:  # a further process of this run: the first one keeps the directory
        return run(going_on(settings, run_dir), run_dir)
    with (
        gone_if_refused(run_dir, *_BEFORE_THE_WORK),
        alone_in(run_dir),
        stops_in_one_line(lambda: how_to_go_on(run_dir / LAST)),
    ):
        settings = going_on(settings, run_dir)
        claim(run_dir, settings)
        if changed := changes(settings):
            print(f"warning: {changed}", file=sys.stderr, flush=True)
        with replacing(settings, run_dir):
            OmegaConf.save(cfg, run_dir / "config.yaml", resolve=True)
            return run(settings, run_dir)


if __name__ == "__main__":
    remember_swept(sys.argv[1:])
    refuses_in_one_line(main, refusal_of_key)
