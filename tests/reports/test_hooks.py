"""Tables after a sweep: made whatever its jobs came to, and silent where there was no sweep."""

import pytest
from hydra.core.utils import JobReturn
from hydra.types import RunMode
from hydra.utils import get_class
from omegaconf import OmegaConf
from toy_sweeps import composed

from c2fpose.config.command_line import conf_dir
from c2fpose.reports.hooks import SweepTables
from c2fpose.sweeps.hooks import FailedOverrides, write_sweep
from c2fpose.sweeps.rows import jobs


def test_tables_are_made_of_a_sweep_without_finished_jobs_and_the_exit_code_says_so(tmp_path, capsys):
    cfg = composed(f"sweep_dir={tmp_path}", "rows=[d64,d1_64]", "seeds=[0]")
    write_sweep(tmp_path, cfg, jobs(cfg))
    with pytest.raises(SystemExit) as stopped:
        SweepTables().on_multirun_end(cfg)
    assert stopped.value.code == 1
    assert "2 of 2 jobs did not finish: d64/seed0, d1_64/seed0" in capsys.readouterr().err
    assert "d1_64/seed0 missing" in (tmp_path / "tables" / "table.md").read_text()


def test_further_processes_of_a_sweep_make_no_tables(tmp_path, monkeypatch):
    """While the first one still evaluates they have ended, and would find nothing finished."""
    cfg = composed(f"sweep_dir={tmp_path}", "rows=[d64]", "seeds=[0]")
    monkeypatch.setenv("LOCAL_RANK", "1")
    SweepTables().on_multirun_end(cfg)
    assert not list(tmp_path.iterdir())


def test_a_multirun_over_names_ends_with_1_where_a_job_failed(tmp_path, capsys, monkeypatch):
    """Each name has a folder of its own, and the command the first one's."""
    monkeypatch.setenv("C2FPOSE_FAILURES", "")

    def of(name: str, **more) -> OmegaConf:
        return OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path / name), "subdir": f"name={name}"}} | more})

    FailedOverrides().on_multirun_start(of("first"))
    for name, result in (("p", float("nan")), ("q", 80.0)):
        FailedOverrides().on_job_end(of(name, mode=RunMode.MULTIRUN), JobReturn(_return_value=result))
    monkeypatch.setenv("RANK", "1")
    FailedOverrides().on_job_end(of("r", mode=RunMode.MULTIRUN), JobReturn(_return_value=float("nan")))
    FailedOverrides().on_multirun_end(of("first"))
    monkeypatch.delenv("RANK")
    with pytest.raises(SystemExit) as stopped:
        FailedOverrides().on_multirun_end(of("first"))
    assert stopped.value.code == 1 and capsys.readouterr().err == "error: 1 job failed: name=p\n"


def test_a_multirun_of_overrides_ends_with_1_where_a_job_failed(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("C2FPOSE_FAILURES", "")

    def multirun(*results: float, **more) -> None:
        hook = FailedOverrides()
        hydra = {"mode": "MULTIRUN", "sweep": {"dir": str(tmp_path), "subdir": ""}}
        hook.on_multirun_start(OmegaConf.create({"hydra": hydra} | more))
        for number, result in enumerate(results):  # in processes of their own: each with its own hook
            config = OmegaConf.create({"hydra": hydra | {"mode": RunMode.MULTIRUN}} | more)
            config.hydra.sweep.subdir = f"width={number}"
            FailedOverrides().on_job_end(config, JobReturn(_return_value=result))
        hook.on_multirun_end(OmegaConf.create({"hydra": hydra} | more))

    multirun(80.0, 90.0)
    multirun(float("nan"), sweep={"rows": {}})  # a sweep's failures are said with its tables
    with pytest.raises(SystemExit) as stopped:
        multirun(80.0, float("nan"), float("nan"))
    assert stopped.value.code == 1
    assert "2 jobs failed: width=1; width=2" in capsys.readouterr().err
    multirun(80.0)  # what was is forgotten
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_no_sweep_is_passed_by():
    SweepTables().on_multirun_end(OmegaConf.create({"sweep": None}))


def test_the_configuration_names_hooks_that_are_there():
    callbacks = OmegaConf.load(f"{conf_dir()}/train.yaml").hydra.callbacks
    assert {SweepTables, FailedOverrides} <= {get_class(callback._target_) for callback in callbacks.values()}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sweep.rows.d64.paper=T2/65", "paper=T2/65: no such row of the paper"),
        ("+sweep.paper_rows=[T2/65]", "paper=T2/65: no such row of the paper"),
        ("~sweep.rows.d64.set", "figure=depth: is for rows that set model.network.depths; row d64 does not"),
    ],
)
def test_a_figure_that_could_not_be_drawn_is_refused_before_the_first_job(key, message, capsys):
    SweepTables().on_multirun_start(composed())
    with pytest.raises(SystemExit) as stopped:
        SweepTables().on_multirun_start(composed(key))
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
