"""``python -m c2fpose.bench``: time training and prediction beside a plain port of the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from c2fpose.base.cores import say_threads
from c2fpose.base.errors import ConfigError, exits_cleanly, readable, refuses_in_one_line
from c2fpose.base.files import gone_if_refused, ready_directory, write_text
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import refusal_of_key, train_settings
from c2fpose.config.schema import parse


@hydra.main(config_path=conf_dir(), config_name="bench", version_base="1.3")
@exits_cleanly
def main(cfg: DictConfig) -> None:
    """One run of the benchmark."""
    with gone_if_refused(HydraConfig.get().run.dir), gone_if_refused(str(cfg.bench.out)):
        _run(cfg)


def _run(cfg: DictConfig) -> None:
    from c2fpose.bench.report import page, section, with_like
    from c2fpose.bench.run import BenchConfig, run
    from c2fpose.model.device import device_for

    bench = parse(BenchConfig, cfg.bench, "bench")
    settings = train_settings(OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "bench"]))
    run_dir, out = Path(settings.run_dir), Path(bench.out).resolve()
    if next(run_dir.glob("round*"), None) is not None:
        raise ConfigError(f"run_dir={run_dir}: holds the rounds of an earlier benchmark; name another directory")
    ready_directory(run_dir)  # before the work, as is all that is read after it
    ready_directory(out)
    device = device_for(settings.trainer.accelerator, "trainer.accelerator").type
    file = out / f"{settings.scale}-{device}.json"
    figures = {path: _figures(path) for path in out.glob("*.json")}
    if device == "cpu":
        say_threads()
    results = run(bench, settings, run_dir)
    print(section([results]))
    figures[file] = with_like(results, figures.get(file, []))[: bench.keep]
    write_text(file, json.dumps(figures[file], indent=1) + "\n")
    written = out.with_name(f"{out.name}.md")
    write_text(written, page([figures[path] for path in sorted(figures)]))
    print(f"written: {written}")


def _figures(path: Path) -> list[dict[str, Any]]:
    """Read the runs that a file of figures holds. Raises ``DataError``."""
    with readable(path, "no figures of a benchmark", "delete it, or name another bench.out"):
        runs = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(runs, list) or not all({"hardware", "network"} <= run.keys() for run in runs):
            raise ValueError("not a list of runs")
        return runs


if __name__ == "__main__":
    refuses_in_one_line(main, refusal_of_key)
