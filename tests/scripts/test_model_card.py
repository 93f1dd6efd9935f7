"""The card: figures of people and photographs that are known beforehand, and the page drawn from its figures."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from script_modules import FOLDER, loaded

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def card(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return loaded("model_card")


@pytest.fixture
def page():
    return loaded("model_card_page")


@pytest.fixture
def figures():
    return json.loads((DOCS / "model_card.json").read_text("utf-8"))


def test_the_page_in_the_repository_is_that_of_its_figures(page, figures):
    assert page.page(figures) == (DOCS / "model_card.md").read_text("utf-8")


def test_groups_without_anybody_are_left_out_and_joints_outside_the_box_are_not_counted(card):
    errors_mm = np.array([[0.0, 10], [20, 30], [40, 50]])
    measured = SimpleNamespace(
        errors_mm=errors_mm,
        reconstruction_mm=errors_mm / 2,
        near=np.array([[True, True], [True, False], [False, False]]),
        inside=np.array([[True, False], [True, True], [False, False]]),
    )
    two, one = card.by_group(measured, ["two", "none", "one"], np.array([0, 0, 2]))
    assert two.pop("near_percent") == pytest.approx(200 / 3)
    assert two == {"name": "two", "people": 2, "mpjpe_mm": 15.0, "reconstruction_mm": 7.5}
    assert one == {"name": "one", "people": 1, "mpjpe_mm": 45.0, "reconstruction_mm": 22.5, "near_percent": None}


def test_photographs_figures_and_their_row(card, page, monkeypatch, tmp_path):
    (tmp_path / "people.json").write_text("[]")
    off = np.array([[0.02, 0.04, 0.2, 0.3], [0.05, 0.06, 0.07, 0.5]])  # two boxes, four joints: 50 and 75 % near
    monkeypatch.setattr(card, "PosePredictor", lambda *args, **how: None)
    monkeypatch.setattr(card, "distances_in_photographs", lambda *args: (off, np.array([1, 2])))
    figures = card.photographs("builtin", tmp_path)
    assert figures["moved"] == {
        "near_percent": {"labelled": 50, "boxes": 62.5, "worst": 50, "best": 75},
        "median_percent": {"labelled": pytest.approx(12), "boxes": pytest.approx(6.5)},
        "missed": {"labelled": 1, "boxes": 1.5},
    }
    values = page.photographs(figures)
    assert "| one look | 50.0 | 62.5 (50 to 75) | 12.0 | 6.5 | 1 | 1.5 |" in values.pop("photographs")
    assert values == {"near_boxes": "62.5", "near_labelled": "50.0", "median_labelled": "12.0", "missed_labelled": "1"}


def test_a_page_without_photographs_says_so(page, figures):
    text = page.page(figures | {"photographs": None})
    assert "\nNot measured.\n" in text and "(not measured) % of the joints" in text


def test_figures_keep_all_digits_and_the_page_is_drawn_from_them(page, figures, tmp_path):
    figures["test_sets"][0]["mpjpe_mm"] = 200 / 3
    page.write_figures(figures, tmp_path)
    kept = json.loads((tmp_path / "model_card.json").read_text("utf-8"))
    assert kept == figures and list(kept) == sorted(kept)
    text = page.write_page(tmp_path).read_text("utf-8")
    assert "| synth36 | 2010 | 66.7 | 57.3 | 96 |" in text and "the mean error is 66.7 mm" in text


def test_nothing_measured_and_unknown_keys_are_one_line(card, page, tmp_path):
    with pytest.raises(SystemExit, match=r"model_card.json: no such file; measure first"):
        page.write_page(tmp_path)
    with pytest.raises(SystemExit, match=r"error: photos: no such key; one of ckpt, "):
        card.main(["photos=here"])
