"""What the pictures show is where it should be, in the right colours, and nothing lies over anything else.

Poses: fixtures/evaluation.npz, 80 synthetic people with ground truth in camera millimetres (see test_camera.py).
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy.spatial.transform import Rotation

from c2fpose.pictures import palette, volumes
from c2fpose.pictures import people as show
from c2fpose.pictures.figure import save_png
from c2fpose.pose import protocol
from c2fpose.pose.skeleton import JOINTS, ROOT, left_is_left

POSES = np.load(Path(__file__).parents[1] / "fixtures" / "evaluation.npz")["joints_cam_mm"]
BLACK = np.zeros((64, 64, 3), np.uint8)


def person(number: int = 0, **changes) -> show.Person:
    pose = POSES[number]
    flat = pose[:, :2] / pose[:, 2:]
    low = flat.min(0)
    joints_box = 0.1 + 0.8 * (flat - low) / np.ptp(flat, axis=0).max()
    noise = np.random.default_rng(number).normal(0, 40, pose.shape)
    common = dict(true_cam_mm=pose, caption=f"S9 SittingDown 2, camera {number}, frame 001234", error_mm=81.4)
    return show.Person(BLACK, joints_box, pose + noise, **(common | changes))


def drawn(figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255.0


def panels(figure) -> list:
    """Axes of poses: those with a grid through the root."""
    return [axes for axes in figure.axes if not axes.images and axes.axison]


# --- views --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 17, 55])
def test_turned_view_is_a_quarter_turn_about_the_vertical(number):
    seen = show.camera_view(POSES[number], ROOT)
    np.testing.assert_allclose(seen[ROOT], 0)
    turned = Rotation.from_euler("y", 90, degrees=True).apply(seen)
    np.testing.assert_allclose(show.turned_view(POSES[number], ROOT), turned, atol=1e-9)
    assert (left_is_left(show.turned_view(POSES[number], ROOT)) == left_is_left(POSES[number])).all()


def test_camera_is_on_the_left_of_the_turned_view():
    pose = POSES[3].copy()
    pose[JOINTS.index("left_wrist"), 2] -= 5000  # towards the camera
    turned = show.turned_view(pose, ROOT)
    assert turned[:, 0].argmin() == JOINTS.index("left_wrist")


# --- choosing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("images", [1, 2, 3, 5, 12, 13, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_choice_is_ordered_and_without_repeats(images, count):
    errors = np.random.default_rng(images).permutation(images).astype(float)
    chosen = show.choose(errors, count)
    indices = np.concatenate(list(chosen.values()))
    assert len(indices) == len(set(indices)) == min(images, count)
    assert (np.diff(errors[indices]) > 0).all()
    assert errors[indices[0]] == 0
    if count >= 3 and images >= 3:
        assert errors[indices[-1]] == images - 1


def test_choice_brackets_the_median():
    errors = np.random.default_rng(0).permutation(101).astype(float)
    median = errors[show.choose(errors, 9)["median"]]
    np.testing.assert_array_equal(median, [49, 50, 51])


def test_not_a_number_is_the_worst():
    assert show.choose(np.array([3.0, np.nan, 1.0, 2.0]), 3)["worst"].tolist() == [1]


# --- pictures -----------------------------------------------------------------------------------------------------


def test_limbs_are_drawn_on_their_joints_in_the_colour_of_their_side():
    """Blue and orange at the joints of the image, which is black everywhere else."""
    shown = person(8)
    figure = show.pose_figure(shown)
    pixels = drawn(figure)
    image_axes = next(axes for axes in figure.axes if axes.images)
    for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle", "head"):
        x, y = image_axes.transData.transform(shown.joints_box[JOINTS.index(name)])
        color = pixels[int(len(pixels) - y), int(x)]
        distance = {side: np.abs(color - to_rgb(code)).max() for side, code in show.COLORS.items()}
        expected = name.split("_")[0] if "_" in name else "torso"
        assert min(distance, key=distance.get) == expected and distance[expected] < 0.05, name


def test_panels_hold_predicted_and_true_pose_from_both_sides():
    shown = person(21)
    figure = show.pose_figure(shown)
    expected = [
        view(pose, ROOT)
        for pose in (shown.pose_cam_mm, shown.true_cam_mm)
        for view in (show.camera_view, show.turned_view)
    ]
    assert len(panels(figure)) == 4
    for axes, view in zip(panels(figure), expected, strict=True):
        dots = np.array([line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"])
        assert len(dots) == len(JOINTS)
        # as sets of points: dots are drawn in the order of the tree
        nearest = np.abs(dots[:, None] - view[None, :, :2]).max(-1).min(0)
        np.testing.assert_allclose(nearest, 0, atol=1e-6)
        assert axes.yaxis_inverted()


def test_one_scale_on_a_sheet():
    chosen = {"best": [person(1), person(2)], "worst": [person(3)]}
    figure = show.sheet(chosen)
    scales = {round(np.ptp(axes.get_xlim()) / axes.bbox.width, 6) for axes in panels(figure)}
    scales |= {round(np.ptp(axes.get_ylim()) / axes.bbox.height, 6) for axes in panels(figure)}
    assert len(panels(figure)) == 6 and len(scales) == 1
    bar = next(line for line in figure.axes[-1].lines if line.get_color() == palette.INK)
    inches = np.ptp(bar.get_xdata())
    np.testing.assert_allclose(inches * figure.dpi * scales.pop(), show.GRID_MM, rtol=1e-4)


def test_a_far_off_prediction_does_not_shrink_the_others_away():
    far_off = person(1)
    far_off.pose_cam_mm[5] += 50_000
    assert show.half_extent_mm([far_off, person(2)]) == show.LARGEST_EXTENT_MM
    drawn(show.sheet({"": [far_off, person(2)]}))


@pytest.mark.parametrize("far_mm", [1e6, 1e12, 1e30])
def test_an_absurd_pose_is_drawn_with_its_root_in_view(far_mm):
    """A hardly trained network's: matplotlib refuses such lines, and a grid that reached there would have no end."""
    absurd = person(1)
    absurd.pose_cam_mm[5] += far_mm
    absurd.joints_box[5] += far_mm
    figure = show.sheet({"": [absurd]})
    drawn(figure)
    for axes in panels(figure):
        assert abs(sum(axes.get_xlim())) <= abs(np.diff(axes.get_xlim())[0]) + 1e-6
        assert len(axes.lines) < 500


@pytest.mark.parametrize(
    "figure",
    [
        lambda: show.pose_figure(person(4)),
        lambda: show.pose_figure(person(4, true_cam_mm=None, error_mm=None, caption="holiday.jpg")),
        lambda: show.pose_figure(person(4, caption="a very long name of a photograph " * 8)),
        lambda: show.sheet({"best": [person(1)], "median": [person(2)] * 2, "worst": [person(3)]}),
        lambda: show.sheet({"best": [person(1, caption="$S_9$ a very long caption " * 4)]}),
    ],
    ids=["truth", "no truth", "long caption", "sheet", "narrow sheet"],
)
def test_no_text_lies_over_another_or_off_the_page(figure):
    figure = figure()
    drawn(figure)
    boxes = {text: text.get_window_extent() for text in figure.texts if text.get_text()}
    assert len(boxes) >= 4
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        assert not first.overlaps(second), (one.get_text(), other.get_text())
    for text, box in boxes.items():
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text.get_text()
        for axes in figure.axes:
            assert not axes.axison or not box.overlaps(axes.bbox), text.get_text()


def test_png_is_complete_or_absent(tmp_path, monkeypatch):
    path = save_png(show.pose_figure(person(0)), tmp_path / "new" / "pose.png")
    assert path.read_bytes()[-8:-4] == b"IEND"
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save_png(show.pose_figure(person(1)), path)
    assert path.read_bytes() == before


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one person"):
        show.sheet({"best": []})


# --- volumes ------------------------------------------------------------------------------------------------------


def test_slices_show_maxima_over_depth_and_over_rows():
    random = np.random.default_rng(0)
    stacks = [random.uniform(0, 0.5, (17, depth, 8, 6)) for depth in (1, 4)]
    target = np.zeros((17, 4, 8, 6))
    wrist = JOINTS.index("left_wrist")
    target[wrist, 3, 2, 5] = 1.0
    figure = volumes.volume_slices(stacks, target, joints=("left_wrist",))
    drawn(figure)
    shown = [axes.images[-1].get_array() for axes in figure.axes]
    assert len(shown) == 6  # two views of two stacks and the target
    coarse = stacks[0][wrist]
    np.testing.assert_allclose(shown[0], coarse.max(0) / coarse.max())
    np.testing.assert_allclose(shown[3], stacks[1][wrist].max(1) / stacks[1][wrist].max())
    above = figure.axes[5]
    (ring,) = above.lines
    x, depth_mm = ring.get_xydata()[0]
    np.testing.assert_allclose(x, 5.5 / 6)
    span = protocol.DEPTH_MAX_MM - protocol.DEPTH_MIN_MM
    np.testing.assert_allclose(depth_mm, protocol.DEPTH_MIN_MM + 3.5 / 4 * span)
    low, high = above.get_ylim()
    assert low < high  # the camera is below: depth grows upwards


def test_slices_of_an_empty_volume():
    empty = np.zeros((17, 2, 4, 4))
    drawn(volumes.volume_slices([empty[:, :1]], empty, image=BLACK))
