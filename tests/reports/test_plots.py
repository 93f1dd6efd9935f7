"""Figures of a sweep: rows are told apart, and the paper's figures stand where they belong."""

from itertools import pairwise

import numpy as np
from hydra import compose, initialize_config_dir
from made_up_sweeps import made_up_job

from c2fpose.config.command_line import conf_dir
from c2fpose.pictures import palette
from c2fpose.reports import plots
from c2fpose.reports.results import read_results
from c2fpose.sweeps import hooks


def test_more_rows_than_colours_differ_by_their_lines(directory, monkeypatch):
    monkeypatch.setattr(palette, "SERIES", ("#0072B2",))
    figure = plots.validation_figure(read_results([directory]))
    means = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    assert [line.get_linestyle() for line in means] == ["-", "--"]
    assert len({line.get_label() for line in means}) == 2


def test_papers_figures_stand_beside_rows_where_they_are_few(tmp_path, errors):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=ablation_representation_today"])
    names = [f"{row}/seed0" for row in ("coordinates", "integral", "simcc")]
    hooks.write_sweep(tmp_path, cfg, names)
    for name in names:
        made_up_job(tmp_path, name, errors["d1_64/seed0"], experiment="ablation_representation_today")
    (axes,) = plots.error_figure(read_results([tmp_path]), "ground_truth").axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == 3 and labels[0].endswith("paper (v1), Human3.6M: 112.4")  # of the rows that were asked for
    assert "paper" not in "".join(labels[1:])


def test_two_seeds_have_strokes_and_no_bar(tmp_path, errors):
    """Their interval, 13 times as wide as they lie apart, would hide everything else."""
    names = [f"{row}/seed{seed}" for row, seeds in (("direct", 2), ("separated", 3)) for seed in range(seeds)]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        hooks.write_sweep(tmp_path, compose("train", overrides=["+experiment=ablation_supervision"]), names)
    for number, name in enumerate(names):
        made_up_job(tmp_path, name, errors["d1_64/seed0"] + number, experiment="ablation_supervision")
    axes = plots.error_figure(read_results([tmp_path]), "ground_truth").axes[-1]
    ends = [np.ptp(bar.get_segments()[0][:, 0]) for bar in axes.collections]
    assert ends[0] == 0 and ends[1] > 1
    assert [len(line.get_xdata()) for line in axes.lines if line.get_marker() == "|" and line.get_alpha()] == [2, 3]


def test_schedules_have_their_names_beside_them_and_nothing_under_the_names():
    points = [  # as experiments/ablation_depth: crowded below, bars, a line that falls and rises
        (0.25, 136.8, 6.7, "64", True), (1.3, 108.3, 4.9, "64, 64", True), (2.0, 114.6, np.nan, "64, 64, 64", True),
        (2.7, 132.4, np.nan, "64, 64, 64, 64", True), (1.12, 101.5, 3.1, "1, 64", False),
        (1.14, 104.2, np.nan, "8, 64", False), (1.62, 101.4, np.nan, "1, 2, 64", False),
        (1.63, 99.3, np.nan, "1, 4, 64", False), (2.1, 107.8, np.nan, "1, 2, 4, 64", False),
    ]  # fmt: skip
    figure = plots._figure(5, 4.2)
    axes = figure.subplots()
    plots._schedules(axes, points)
    figure.draw_without_rendering()
    plots._name_points(axes, points)
    words = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert sorted(words) == sorted(point[3] for point in points) and len(axes.texts) == len(points)
    naive = {point[3]: point[4] for point in points}  # another colour
    places = {point[3]: axes.transData.transform(point[:2]) for point in points}
    line = np.array([places["64"], places["64, 64"], places["64, 64, 64"], places["64, 64, 64, 64"]])
    along = np.concatenate([np.linspace(*ends, 100) for ends in pairwise(line)])
    for name, box in words.items():
        assert box.count_contains(along) == 0 and box.count_contains(list(places.values())) == 0
        assert not any(box.overlaps(other) for other_name, other in words.items() if other_name != name)
        alike = [each for each in places if naive[each] is naive[name]]
        apart = {each: np.hypot(*(np.clip(places[each], box.min, box.max) - places[each])) for each in alike}
        assert min(apart, key=apart.get) == name
