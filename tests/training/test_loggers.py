"""Where a run is logged: W&B without account, network or wish is one line or nothing, and earlier logs are kept."""

from types import SimpleNamespace

import pytest
import wandb
from pytorch_lightning.loggers import CSVLogger, WandbLogger

from c2fpose.base.errors import ConfigError
from c2fpose.config.run import LoggerConfig
from c2fpose.training import loggers

ONLINE = LoggerConfig(csv=False, wandb=True, mode="online")


def test_without_an_account_an_online_run_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(loggers.wandb, "api", SimpleNamespace(api_key=None))
    with pytest.raises(ConfigError, match=r"^logger\.mode=online: not logged in to W&B; run `wandb login`, or leave"):
        loggers.make_loggers(ONLINE, "a", tmp_path, {})


def test_without_network_it_is_refused_before_the_training():
    class Unreached(WandbLogger):
        def __init__(self) -> None:
            pass

        @property
        def experiment(self):
            raise wandb.errors.CommError("no network\nand more")

    with pytest.raises(ConfigError, match=r"^logger\.mode: W&B cannot be reached \(no network\); logger\.mode=offline"):
        loggers.begin_loggers([Unreached()])
    offline = Unreached()
    offline._offline = True
    with pytest.raises(ConfigError, match=r"^logger: W&B says: no network$"):
        loggers.begin_loggers([offline])


def test_a_disabled_wandb_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert loggers.make_loggers(ONLINE, "a", tmp_path, {}) == [] and not list(tmp_path.iterdir())


def test_what_was_logged_before_is_kept(tmp_path):
    config = LoggerConfig(csv=True, wandb=False)
    for turn in range(3):
        (logger,) = loggers.make_loggers(config, "a", tmp_path, {})
        assert isinstance(logger, CSVLogger)
        logger.log_metrics({"turn": turn}, step=turn)
        logger.save()
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "metrics.csv", "metrics_000.csv", "metrics_001.csv",
    ]  # fmt: skip


def test_a_log_that_was_removed_costs_no_other(tmp_path):
    (tmp_path / "logs").mkdir()
    for name in ("metrics.csv", "metrics_001.csv", "metrics_mine.csv"):
        (tmp_path / "logs" / name).write_text(name)
    loggers.make_loggers(LoggerConfig(csv=True, wandb=False), "a", tmp_path, {})
    kept = {path.name: path.read_text() for path in (tmp_path / "logs").glob("metrics_*")}
    assert kept == {
        "metrics_001.csv": "metrics_001.csv",
        "metrics_002.csv": "metrics.csv",
        "metrics_mine.csv": "metrics_mine.csv",
    }


def test_of_several_processes_the_first_one_keeps_the_log(tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "metrics.csv").write_text("step")
    monkeypatch.setenv("SLURM_PROCID", "1")
    loggers.make_loggers(LoggerConfig(csv=True, wandb=False), "a", tmp_path, {})
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["metrics.csv"]


def test_a_run_that_failed_is_no_finished_one_in_wandb(monkeypatch):
    class Ended(WandbLogger):
        def __init__(self) -> None:
            self.said = []

        def finalize(self, status: str) -> None:
            self.said.append(status)

    logger = Ended()
    monkeypatch.setattr(loggers.wandb, "finish", lambda exit_code=None: logger.said.append(exit_code))
    loggers.close_loggers([logger])
    with pytest.raises(ZeroDivisionError):
        try:
            _ = 1 / 0
        finally:
            loggers.close_loggers([logger])
    assert logger.said == ["success", 0, "failed", 1]
