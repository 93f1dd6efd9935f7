"""The paper's figures: consistent among themselves, and never of two versions in one column."""

import numpy as np
import pytest

from c2fpose.base.errors import ConfigError
from c2fpose.pose.protocol import TEST_FRAMES_50FPS
from c2fpose.reports.paper import TABLES, column, figure
from c2fpose.sweeps.rows import sweep_of


@pytest.mark.parametrize(("reference", "within"), [("T4/v2", 0.05), ("T5/v2", 0.3), ("T4/v1", 1.5)])
def test_averages_follow_from_the_rows_weighted_by_frames(reference, within):
    """The rows of v1 are of a system evaluated on other frames, so its average follows only roughly."""
    row = figure(reference)
    assert np.average(list(row.by_action_mm.values()), weights=TEST_FRAMES_50FPS) == pytest.approx(
        row.average_mm, abs=within
    )


def test_the_same_networks_have_the_same_figures_in_all_tables():
    assert TABLES["T1"]["volume 64"] == TABLES["T2"]["64"]
    assert TABLES["T3"]["separated"].average_mm == TABLES["T2"]["1,64"].average_mm
    assert TABLES["T4"]["v1"].average_mm == TABLES["T2"]["1,2,4,64"].average_mm


def test_two_versions_in_one_column_are_refused():
    with pytest.raises(ConfigError, match="two versions in one column"):
        column(["T4/v1", "T4/v2"])
    version, figures = column(["T2/1,64", None])
    assert version == "v1" and figures[0].average_mm == 69.77 and figures[1] is None
    assert column([None]) == (None, [None])


def test_a_figure_of_another_metric_is_refused():
    """69.77 mm are an MPJPE: beside reconstruction errors they would be taken for one."""
    with pytest.raises(ConfigError, match=r"paper=T2/1,64: its metric is mpjpe, the table's \(sweep.metric\) recon"):
        column([None, "T2/1,64"], "reconstruction")
    assert column(["T5/v2"], "reconstruction")[1][0].average_mm == 51.9


def test_an_unknown_row_is_refused():
    with pytest.raises(ConfigError, match="T2/2,64: no such row"):
        figure("T2/2,64")


@pytest.mark.parametrize("experiment", ["ablation_representation", "ablation_depth", "ablation_supervision"])
def test_every_row_that_the_paper_has_is_in_the_experiment(experiment):
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        sweep = sweep_of(compose("train", overrides=[f"+experiment={experiment}"]))
    references = [row.paper for row in sweep.rows.values() if row.paper]
    table = references[0].split("/")[0]
    assert {f"{table}/{row}" for row in TABLES[table]} == set(references)
    assert column(references)[0] == "v1"
