"""``python -m c2fpose.bench``: measure, print the ratios, write JSON and the page."""

from __future__ import annotations

import json
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from c2fpose.base.cores import say_threads
from c2fpose.base.errors import exits_cleanly, refuses_in_one_line
from c2fpose.base.files import write_text
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import refusal_of_key, train_settings
from c2fpose.config.schema import parse


@hydra.main(config_path=conf_dir(), config_name="bench", version_base="1.3")
@exits_cleanly
def main(cfg: DictConfig) -> None:
    """One run of the benchmark."""
    from c2fpose.bench.report import page, section, with_like
    from c2fpose.bench.run import BenchConfig, device_for, run

    bench = parse(BenchConfig, cfg.bench, "bench")
    settings = train_settings(OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "bench"]))
    if device_for(settings).type == "cpu":
        say_threads()
    run_dir = Path(settings.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    results = run(bench, settings, run_dir)
    print(section([results]))
    out = Path(bench.out)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{settings.scale}-{device_for(settings).type}.json"
    before = json.loads(file.read_text()) if file.is_file() else []
    write_text(file, json.dumps(with_like(results, before)[: bench.keep], indent=1) + "\n")
    write_text(out.with_suffix(".md"), page([json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]))
    print(f"written: {out.with_suffix('.md')}")


if __name__ == "__main__":
    refuses_in_one_line(main, refusal_of_key)
