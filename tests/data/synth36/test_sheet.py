import cv2
import numpy as np
import pytest
from fabricated import jpeg

from c2fpose.data.schema import SplitReader
from c2fpose.data.synth36 import sheet as module
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import JOINTS


def test_joints_are_drawn_where_they_are_in_the_colour_of_their_side():
    random = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(4)), -1).reshape(-1, 2)[:17]
    joints_px = 60.0 * grid + 40.5 + random.uniform(-8, 8, (17, 2))
    image = random.integers(0, 40, (280, 330, 3), dtype=np.uint8)
    before = image.copy()
    drawn = module.draw_joints(image, joints_px)
    assert (image == before).all()  # the picture without joints stays as it is
    for name, (x, y) in zip(JOINTS, joints_px, strict=True):
        expected = module.COLORS[name.split("_")[0] if "_" in name else "torso"]
        assert np.abs(drawn[int(y), int(x)].astype(int) - expected).max() < 3


def test_joints_that_are_not_labelled_are_left_out():
    """As in files with ``labels="partial"``."""
    angles = 2 * np.pi * np.arange(17) / 17  # no limb goes over a third joint
    joints_px = 200.5 + 160 * np.stack([np.cos(angles), np.sin(angles)], 1)
    blank, missing = np.zeros((400, 400, 3), np.uint8), JOINTS.index("left_knee")
    partial = joints_px.copy()
    partial[missing] = np.nan
    drawn = module.draw_joints(blank, partial)
    for joint, (x, y) in enumerate(joints_px.astype(int)):
        assert drawn[y, x].any() == (joint != missing)
    assert not module.draw_joints(blank, np.full((17, 2), np.nan)).any()


def test_own_actions_are_shown_beyond_the_fifteen():
    numbers = np.repeat([0, 3, 15, 40], 5)
    some = {"action": numbers, "subject": np.ones(20, int), "camera": np.zeros(20, int)}
    assert numbers[module.choose(some, seed=0, of_each=2)].tolist() == [0, 0, 3, 3, 15, 15, 40, 40]


def test_one_record_for_each_action_subjects_and_cameras_mixed(make_split):
    reader = SplitReader(make_split(records=600))
    chosen = module.choose(reader.annotations, seed=0)
    assert reader.annotations["action"][chosen].tolist() == list(range(15))
    assert len(set(reader.annotations["subject"][chosen])) == 5 and len(set(reader.annotations["camera"][chosen])) == 4
    assert chosen == module.choose(reader.annotations, seed=0) != module.choose(reader.annotations, seed=1)


def test_command_writes_a_small_page(make_split, tmp_path, capsys):
    out = tmp_path / "pictures" / "sheet.jpg"
    module.main([f"file={make_split(records=150)}", f"out={out}"])
    page = cv2.imread(str(out))
    lines = -(-len(ACTIONS) // module.COLUMNS)
    assert page.shape[0] > lines * module.SIDE_PX and page.shape[1] > 2 * module.COLUMNS * module.SIDE_PX
    assert list(out.parent.iterdir()) == [out] and str(out) in capsys.readouterr().out


def test_bad_input_is_named_in_one_line(make_split, tmp_path, capsys):
    with pytest.raises(SystemExit):
        module.main([f"file={tmp_path / 'none.h5'}"])
    assert "none.h5: no such file" in capsys.readouterr().err
    path = make_split(records=1, jpegs={0: jpeg(0)[:500]})
    with pytest.raises(SystemExit):
        module.main([f"file={path}", f"out={tmp_path / 'sheet.jpg'}"])
    assert "train.h5: record 0 (S1_Directions_1.camera0_000001): the JPEG cannot be decoded" in capsys.readouterr().err
    assert not (tmp_path / "sheet.jpg").exists()
