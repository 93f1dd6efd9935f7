"""Hydra's hook after a sweep: its tables."""

import sys
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from c2fpose.reports.tables import summarise
from c2fpose.sweeps.hooks import sweep_hook
from c2fpose.sweeps.job import state
from c2fpose.sweeps.rows import jobs


class SweepTables(Callback):
    """Make a sweep's tables after its last job, and exit with 1 if a job did not finish."""

    @sweep_hook
    def on_multirun_end(self, config: DictConfig) -> None:
        """Write the sweep's tables when its last job has ended."""
        directory = Path(config.sweep_dir)
        summarise((directory,), directory / "tables", accept_code=bool(config.accept_code))
        names = jobs(config)
        unfinished = [name for name in names if state(directory / name) != "finished"]
        if unfinished:
            print(
                f"error: {len(unfinished)} of {len(names)} jobs did not finish: {', '.join(unfinished)}",
                file=sys.stderr,
            )
            raise SystemExit(1)
