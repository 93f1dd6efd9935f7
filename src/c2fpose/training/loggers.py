"""Where values, tables and pictures of a run go: CSV and W&B."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wandb
from pytorch_lightning.loggers import CSVLogger, WandbLogger

from c2fpose.base.errors import ConfigError, first_line
from c2fpose.base.rank import rank
from c2fpose.config.run import LoggerConfig

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def make_loggers(config: LoggerConfig, name: str, run_dir: Path, origin: dict[str, Any]) -> list[Logger]:
    """CSV and W&B; the latter's run holds configuration and data fingerprints."""
    loggers: list[Logger] = []
    if config.csv:
        if rank() == 0:
            _keep_log(run_dir)
        loggers.append(CSVLogger(run_dir, name="logs", version=""))
    if config.wandb and os.environ.get("WANDB_MODE") != "disabled":
        os.environ.setdefault("WANDB_SILENT", "true")
        if config.mode == "online":
            _check_account()
        logger = WandbLogger(
            name=name, project=config.project, group=config.group, tags=list(config.tags), save_dir=run_dir,
            offline=config.mode == "offline", config=origin,
            settings=wandb.Settings(console="off", x_disable_stats=config.mode == "offline", silent=True),
        )  # fmt: skip
        # Lightning hands on a setting that W&B has given up, and W&B warns of it in every run
        getattr(logger, "_wandb_init", {}).pop("anonymous", None)
        loggers.append(logger)
    return loggers


def _check_account() -> None:
    """Refuse an online run without an account before anything is trained. Raises ``ConfigError``."""
    if not wandb.api.api_key:
        raise ConfigError("logger.mode=online: not logged in to W&B; run `wandb login`, or leave logger.mode=offline")


def begin_loggers(loggers: list[Logger]) -> None:
    """Begin the run in W&B, which may not be reached. Raises ``ConfigError``."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            try:
                _ = logger.experiment
            except wandb.errors.Error as error:
                reason = first_line(error)
                line = f"logger.mode: W&B cannot be reached ({reason}); logger.mode=offline needs no network"
                if getattr(logger, "_offline", False):  # what it refuses then is a setting
                    line = f"logger: W&B says: {reason}"
                raise ConfigError(line) from None


def _keep_log(run_dir: Path) -> None:
    """Move aside what was logged until now: the CSV logger begins its file again when training is resumed."""
    log = run_dir / "logs" / "metrics.csv"
    if log.is_file():
        kept = [int(path.stem[8:]) for path in log.parent.glob("metrics_*.csv") if path.stem[8:].isdecimal()]
        log.rename(log.with_name(f"metrics_{max(kept, default=-1) + 1:03d}.csv"))


def close_loggers(loggers: list[Logger]) -> None:
    """End this run in W&B, as failed if an error is on its way: two jobs of one process would share it otherwise."""
    failed = sys.exc_info()[0] is not None
    for logger in loggers:
        logger.finalize("failed" if failed else "success")
        if isinstance(logger, WandbLogger):
            wandb.finish(exit_code=int(failed))
