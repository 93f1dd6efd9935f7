"""A run's page holds its numbers, says what is missing, and shows in a browser without a complaint or a request."""

import html as markup
import re
from dataclasses import replace
from types import SimpleNamespace

import browser
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from toy_runs import evaluation, write_run

from c2fpose.base.errors import DataError
from c2fpose.evaluation.scores import DEPTH_ALONE, NETWORK, XY_ALONE, Evaluation
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import JOINTS
from c2fpose.reports.dashboard.html import step_of
from c2fpose.reports.run_page import charts
from c2fpose.reports.run_page.content import read_run
from c2fpose.reports.run_page.html import page, write_page


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The first table after a heading: cells by the name of the row."""
    table = re.search(r"<table>.*?</table>", text[text.index(f"<h2>{heading}") :], re.DOTALL)[0]
    lines = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    return {markup.unescape(name): re.findall("<td>(.*?)</td>", cells) for name, cells in lines}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(write_run(tmp_path_factory.mktemp("runs") / "toy"))


@pytest.fixture(scope="module")
def text(run):
    return page(run)


def test_tables_are_the_evaluations_own(text):
    known = evaluation()
    joints, actions = rows(text, "By joint"), rows(text, "By action")
    assert list(joints) == [joint.replace("_", " ") for joint in JOINTS] and list(actions) == list(ACTIONS)
    table = known.row(NETWORK, "ground_truth").table
    wrist = JOINTS.index("left_wrist")
    assert joints["left wrist"][0] == f"{table.by_joint()[wrist]:.1f}"
    parts = [known.row(part, "ground_truth").table.by_joint()[wrist] for part in (DEPTH_ALONE, XY_ALONE)]
    assert joints["left wrist"][4:6] == [f"{part:.1f}" for part in parts]
    assert actions["Eating"][:2] == ["3", f"{table.by_action()[2]:.1f}"]
    worst = rows(text, "Images with the largest errors")
    errors = known.row(NETWORK, "ground_truth").per_image_mm
    first = int(np.argmax(errors))
    assert next(iter(worst.items())) == (
        str(known.record[first]),
        [f"S{known.subject[first]} {ACTIONS[known.action[first]]}", f"{errors[first]:.1f}"],
    )


def test_people_of_own_data_have_their_names(run):
    named = replace(run.evaluation, subject_names=dict.fromkeys(map(int, run.evaluation.subject), "anna & co"))
    worst = rows(page(replace(run, evaluation=named)), "Images with the largest errors")
    assert {cells[0].split(" ")[0] for cells in worst.values()} == {"anna"}
    assert all("&amp; co" in cells[0] for cells in worst.values())


def test_names_are_no_markup_and_facts_stand_on_top(text):
    assert "<h1>toy &lt;run&gt;</h1>" in text and "<dd>1, 64</dd>" in text and "<dd>1,000 steps</dd>" in text


def test_charts_show_the_numbers(run):
    known = run.evaluation
    (axes,) = charts.sources(known).axes
    widths = [bar.get_width() for bar in axes.patches]
    expected = [known.mpjpe_mm("mean_limbs"), known.mpjpe_mm("ground_truth")]
    expected += [known.row(part, "ground_truth").table.frame_weighted() for part in (DEPTH_ALONE, XY_ALONE)]
    np.testing.assert_allclose(widths[:4], expected)
    loss, error = charts.curves(run.curves).axes
    assert [line.get_label() for line in loss.lines] == ["stack 1", "stack 2"] and loss.get_yscale() == "log"
    assert error.lines[0].get_xdata()[-1] == 999


def test_losses_below_0_are_drawn(run):
    """A likelihood's may be: on a logarithmic axis they would be no line."""
    below = run.curves | {name: (steps, np.asarray(values) - 1) for name, (steps, values) in run.curves.items()}
    loss, _ = charts.curves(below).axes
    assert loss.get_yscale() == "linear" and loss.get_title(loc="left") + loss.get_title() == "training loss"


def overlapping(texts) -> list[tuple[str, str]]:
    """Pairs of texts of which one lies on the other, as drawn."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    return [(one, two) for n, (one, a) in enumerate(boxes) for two, b in boxes[n + 1 :] if a.overlaps(b)]


def test_words_of_charts_do_not_lie_on_each_other_where_errors_are_alike(run):
    evaluated = replace(run.evaluation)
    images = evaluated.row(NETWORK, "ground_truth").per_image_mm
    before = images.copy()
    try:
        images[:] = np.linspace(250, 256, len(images))  # a network that says the same of every image
        figure = charts.over_images(evaluated)
        FigureCanvasAgg(figure).draw()
        (axes,) = figure.axes
        words = [*axes.texts, *axes.get_legend().get_texts(), axes.title, *axes.get_xticklabels()]
        assert [text.get_text() for text in axes.texts] == ["half: 253 mm", "90 %: 255 mm"]
        assert overlapping(words) == []
    finally:
        images[:] = before


@pytest.mark.parametrize("count", [17, 25, 40])
def test_names_of_many_joints_do_not_lie_on_each_other(count):
    names = tuple(f"left_little_{number}" for number in range(count))
    table = SimpleNamespace(by_joint=lambda: np.arange(count))
    told = SimpleNamespace(joints=names, has=lambda *_: True, row=lambda *_: SimpleNamespace(table=table))
    figure = charts.by_joint(told)
    FigureCanvasAgg(figure).draw()
    assert overlapping(figure.axes[0].get_xticklabels()) == []


def test_an_earlier_evaluation_has_no_parts_and_the_page_says_so(run):
    kept = tuple(row for row in run.evaluation.rows if row.predictor not in (DEPTH_ALONE, XY_ALONE))
    old = Evaluation(kept, run.evaluation.subject, run.evaluation.action, run.evaluation.record, {})
    text = page(type(run)(run.directory, None, {}, old, ()))
    assert "evaluate the checkpoint again" in text and '<th scope="col">depth' not in text


def test_a_run_without_an_evaluation_shows_its_curves(tmp_path):
    text = page(read_run(write_run(tmp_path / "run", evaluated=False)))
    assert "Not evaluated yet" in text and "<h2>Training" in text and "<h2>By joint" not in text


def test_what_is_no_run_is_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match="no such directory"):
        read_run(tmp_path / "none")
    write_run(tmp_path / "first" / "2026-01-01")
    with pytest.raises(DataError, match=r"neither logs of a training nor an evaluation; perhaps you mean .*2026-01-01"):
        read_run(tmp_path / "first")
    (tmp_path / "first/2026-01-01/config.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"config\.yaml: cannot be read"):
        read_run(tmp_path / "first/2026-01-01")


@pytest.mark.slow
@pytest.mark.skipif(not browser.find(), reason="no Chromium here (apt-get install chromium)")
def test_in_a_browser(run, tmp_path):
    path = write_page(run, tmp_path / "show.html")
    with browser.page(tmp_path) as opened:
        for width in (1300, 700):
            opened.open(path, width)
            assert opened.run("document.scrollingElement.scrollWidth") == width
            assert opened.run("[...document.images].every((image) => image.complete && image.naturalWidth > 100)")
            assert opened.complaints == [] and opened.requests == [path.resolve().as_uri()]


def test_the_steps_are_those_of_the_training_not_the_last_logged_one(run):
    told = replace(run.evaluation, provenance=run.evaluation.provenance | {"training": {"steps": 1013}})
    assert "<dd>1,013 steps</dd>" in page(replace(run, evaluation=told))


def test_pictures_are_those_that_training_draws(tmp_path):
    directory = write_run(tmp_path / "run", evaluated=False)
    (directory / "pictures").mkdir()
    for step in (500, 1000):
        for name in ("poses", "volumes"):  # as PredictionPictures calls them
            (directory / "pictures" / f"step_{step:06d}_{name}.png").write_bytes(b"")
    shown = {picture.heading.split()[0]: picture.path.name for picture in read_run(directory).pictures}
    assert shown == {"Volumes": "step_001000_volumes.png", "Validation": "step_001000_poses.png"}


def test_the_newest_picture_is_that_of_the_latest_step(tmp_path):
    names = ["step_999000_poses.png", "step_1000000_poses.png", "step_000500_poses.png"]
    assert sorted((tmp_path / name for name in names), key=step_of)[-1].name == "step_1000000_poses.png"
