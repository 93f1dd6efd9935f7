"""The calibration's picture: axes of shares, and figures in words."""

import pytest

from c2fpose.pictures.calibration import calibration_figure

MEASURED = {
    "reliability": [(0.15, 0.2, 40), (0.95, 1.0, 10)],
    "within_mm": 100.0,
    "expected_calibration_error": 0.031,
    "expected_calibration_error_raw": 0.15,
    "coverage": {"0.5": 0.82, "0.9": 0.968, "0.95": 1.0},
    "joints": 1046,
}


@pytest.mark.parametrize(("coverage", "panels"), [(MEASURED["coverage"], 2), ({}, 1)])
def test_axes_end_at_one_and_no_tick_stands_beyond(coverage, panels):
    figure = calibration_figure(MEASURED | {"coverage": coverage})
    assert len(figure.axes) == panels
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.get_xlim() == axes.get_ylim() == (0, 1)
        assert max(*axes.get_xticks(), *axes.get_yticks()) <= 1


def test_titles_say_what_was_measured():
    left, right = calibration_figure(MEASURED).axes
    assert "3.1 %" in left.get_title() and "(15.0 %" in left.get_title()
    assert "50, 90, 95 % hold 82, 97, 100 %" in right.get_title() and "1046 joints" in right.get_title()
