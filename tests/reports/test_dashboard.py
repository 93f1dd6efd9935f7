"""Dashboards: every metric that a panel names is logged by a real offline run, and the page stands alone."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_up_sweeps import begin_sweep
from toy_sweeps import write_files

from c2fpose.base.errors import DataError
from c2fpose.base.table import Table
from c2fpose.config.model import NetworkConfig
from c2fpose.dashboard import main
from c2fpose.pictures.palette import line_look
from c2fpose.reports.dashboard.html import Chart, Section, Strip, line_chart, logged, rendered
from c2fpose.reports.dashboard.html import page as page_of
from c2fpose.reports.dashboard.panels import sections, shape_of
from c2fpose.reports.results import read_results
from c2fpose.sweeps.job import JOB, write_json

TOY = [
    "+experiment=ablation_supervision", "rows=[direct]", "seeds=[0,1]", "model.network.width=8",
    "model.network.levels=1", "data.batch_size=4", "data.eval_batch_size=4", "data.validation_every=2",
    "trainer.max_steps=4", "trainer.validate_every=2", "trainer.log_every=1", "trainer.precision=32-true",
    "trainer.accelerator=cpu", "trainer.devices=1", "trainer.progress=false", "pictures=1", "logger.pictures_every=1",
]  # fmt: skip


def metrics(stacks: int, volumes: bool = True) -> set[str]:
    """Every metric that a panel names."""
    return {name for panels in sections(stacks, volumes).values() for panel in panels for name in panel.metrics}


def inspect(run: Path) -> dict:
    """A W&B run as W&B itself reads it, with no server."""
    done = subprocess.run(
        [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", str(run)],
        capture_output=True,
        text=True,
    )
    if "Usage:" in done.stderr:
        pytest.skip("this W&B cannot say what is in a run's file")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, ready) -> Path:
    """Two jobs of one process, logged to W&B offline and as CSV."""
    cwd = tmp_path_factory.mktemp("sweep")
    files = write_files(cwd)
    done = ready.run(["-m", "c2fpose.train", *TOY, *files], cwd)
    assert done.returncode == 0, done.stderr
    return cwd / "runs" / "ablation_supervision" / "laptop"


def keys_in(value, found: set[str]) -> set[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            found.add(key)
            keys_in(inner, found)
    elif isinstance(value, list):
        for inner in value:
            keys_in(inner, found)
    elif isinstance(value, str):
        found.add(value)
    return found


@pytest.mark.slow
def test_two_jobs_are_two_runs_in_one_group_with_configuration_and_tables(sweep):
    runs = sorted(sweep.glob("*/*/wandb/offline-run-*/run-*.wandb"))
    assert [run.parts[-4] for run in runs] == ["seed0", "seed1"]
    assert len({run.name for run in runs}) == 2
    for run in runs:
        text = json.dumps(inspect(run))
        assert "ablation_supervision/laptop" in text
        keys = keys_in(json.loads(text), set())
        named = {name for name in metrics(stacks=2) if not name.endswith("strong_perspective")}  # volumes have no size
        assert named <= keys, sorted(named - keys)
        assert "data_fingerprints" in text and "depths" in text and "supervision" in text


@pytest.mark.slow
def test_the_table_by_action_has_all_actions_and_averages(sweep):
    for table in sweep.glob("*/*/wandb/offline-run-*/files/media/table/test/by_action*.table.json"):
        data = json.loads(table.read_text())
        assert len(data["data"]) == 17 and data["columns"][0] == "action"
        break
    else:
        pytest.fail("no table by action was logged")


@pytest.mark.slow
def test_the_page_stands_alone_and_holds_what_was_logged(sweep):
    main([str(sweep)])
    page = (sweep / "dashboard.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', page) and "<script" not in page
    assert page.count("data:image/png;base64") == 3  # volumes, poses, sheet of the one row
    for panels in sections(stacks=2).values():
        for panel in panels:
            assert panel.title in page or panel.kind == "table", panel.title
    charts = [base64.b64decode(data).decode() for data in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)]
    assert sum(chart.count('<g id="series_') for chart in charts) >= 2 * 7  # both jobs in each chart
    assert page.index("<h3>Poses of validation images</h3>") < page.index("seed 0: step 000004 poses")
    assert logged(sweep / "direct" / "seed0", "train/loss")[0].tolist()


@pytest.mark.slow
def test_pictures_of_volumes_are_drawn_along_the_training(sweep):
    names = {path.name for path in (sweep / "direct" / "seed0" / "pictures").iterdir()}
    assert names == {f"step_{step:06d}_{kind}.png" for step in (2, 4) for kind in ("volumes", "poses")}


def test_charts_are_logarithmic_where_values_span_decades():
    steps = np.arange(1, 5)
    assert "(logarithmic)" in line_chart("loss", [("a", ("#000000", "-"), steps, 10.0**-steps)]).title
    assert "(logarithmic)" not in line_chart("flat", [("a", ("#000000", "-"), steps, np.full(4, 2.0))]).title
    assert line_chart("gaps", [("a", ("#000000", "-"), steps, np.array([1, np.nan, 2, 3]))]) is not None
    assert line_chart("nothing", [("a", ("#000000", "-"), steps, np.full(4, np.nan))]) is None
    assert line_chart("nothing", []) is None


def test_as_many_rows_as_the_largest_table_has_are_told_apart():
    looks = [line_look(number) for number in range(25)]
    assert len(set(looks)) == 25
    steps = np.arange(4.0)
    chart = line_chart("loss", [(str(number), look, steps, steps + number) for number, look in enumerate(looks)])
    drawn = base64.b64decode(chart.uri.partition(",")[2]).decode()
    lines = re.findall(r'<g id="series_\d+">\s*<path[^>]*style="([^"]*)"', drawn)
    assert len(set(lines)) == 25


def test_the_template_escapes_what_it_is_given():
    table = Table(("<th>", "n"), (("a < b", "1"),), ("<note>",))
    strip = Strip("<strip>", (("<caption>", "data:,"),))
    section = Section("<name>", [Chart("<chart>", "data:,")], [table], [strip])
    page = rendered(
        title="<title>", key=[("<row>", "#000000", "solid")], errors=table, differences=table, sections=[section]
    )
    for text in ("th", "note", "strip", "caption", "name", "chart", "title", "row"):
        assert f"&lt;{text}&gt;" in page, text
    assert "a &lt; b" in page


def test_logs_from_before_a_run_was_resumed_count(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "metrics_000.csv").write_text("step,train/loss\n1,5\n2,4\n3,3.5\n")
    (tmp_path / "logs" / "metrics.csv").write_text("step,train/loss\n3,3\n4,2\n")
    steps, values = logged(tmp_path, "train/loss")
    assert steps.tolist() == [1, 2, 3, 4] and values.tolist() == [5, 4, 3, 2]
    assert logged(tmp_path, "val/mpjpe_mm") is None


def test_panels_follow_the_network():
    depths = NetworkConfig().depths
    assert f"train/loss_stack{len(depths)}" in metrics(len(depths))
    assert "pictures/volumes" not in metrics(1, volumes=False)


def test_a_workspace_and_a_report_name_the_panels_metrics():
    """Built, not saved: saving needs an account."""
    pytest.importorskip("wandb_workspaces")
    from c2fpose.reports.dashboard.wandb import make_report, make_workspace

    workspace = make_workspace("project", "someone", stacks=2, volumes=True)
    report = make_report("project", "someone", 2, True, "title", "| a |\n|---|\n| 1 |", "ablation_depth/laptop")
    for made in (workspace, report):
        text = repr(made)
        for name in metrics(2):
            assert name in text, name


def test_without_a_directory_it_says_so(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "give at least one sweep directory" in capsys.readouterr().err


def test_the_line_that_a_killed_run_was_writing_does_not_count(tmp_path):
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "metrics.csv"
    log.write_text("memory/gib,step,train/loss\n1.5,1,5\n1.5")
    for metric in ("memory/gib", "train/loss"):
        assert logged(tmp_path, metric)[0].tolist() == [1]
    log.write_text("memory/gib,step\n1.5,one\n")
    with pytest.raises(DataError, match=r"metrics\.csv: not the log of a run .*; remove it"):
        logged(tmp_path, "memory/gib")


def test_rows_that_have_only_begun_have_their_panels_and_the_pictures_of_any_seed(tmp_path):
    directory = begin_sweep(tmp_path, ["d1_64/seed0", "d1_64/seed1"])
    made = {"experiment": "ablation_depth", "scale": "laptop", "row": "d1_64", "seed": 1, "common": {}, "code": ""}
    network = {"head": "volume", "depths": [1, 64], "supervision": "separated"}
    identity = made | {"configuration": {"model": {"network": network}}, "data": {}}
    write_json(directory / "d1_64" / "seed1" / JOB, {"identity": identity})  # seed 0 is missing
    results = read_results([directory])
    assert shape_of(results) == (2, True)
    (tmp_path / "d1_64" / "seed1" / "pictures").mkdir()
    (tmp_path / "d1_64" / "seed1" / "pictures" / "step_000002_poses.png").write_bytes(b"png")
    assert "seed 1: step 000002 poses" in page_of(results, sections(*shape_of(results)), "ground_truth")
