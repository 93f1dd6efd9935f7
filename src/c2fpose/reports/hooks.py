"""Hydra's hook after a sweep: its tables."""

import sys
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from c2fpose.base.errors import ConfigError
from c2fpose.reports.paper import column, figure
from c2fpose.reports.tables import summarise
from c2fpose.sweeps.hooks import sweep_hook
from c2fpose.sweeps.job import state
from c2fpose.sweeps.rows import jobs, sweep_of


class SweepTables(Callback):
    """Make a sweep's tables after its last job, and exit with 1 if a job did not finish."""

    @sweep_hook
    def on_multirun_start(self, config: DictConfig) -> None:
        """Refuse what could not be shown in the end before anything is trained: figures that there are not."""
        sweep = sweep_of(config)
        column((row.paper for row in sweep.rows.values()), sweep.metric)
        for reference in sweep.paper_rows:
            figure(reference)
        without = [name for name, row in sweep.rows.items() if "model.network.depths" not in row.set]
        if sweep.figure == "depth" and without:
            raise ConfigError(
                f"sweep.figure=depth: is for rows that set model.network.depths; row {without[0]} does not"
            )

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
