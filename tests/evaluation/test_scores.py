"""Tables against loops over the images, and against the floors stated for the released evaluation."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reordered import ORDER, REORDERED
from scipy.spatial import procrustes

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import DataError
from c2fpose.evaluation import scores as evaluation
from c2fpose.evaluation.scores import (
    DEPTH_ALONE,
    MEAN_POSE,
    NETWORK,
    PERFECT_VOLUME,
    ROOT_OFF,
    XY_ALONE,
    Evaluation,
    Truth,
    evaluate_predictions,
)
from c2fpose.pose.camera import root_depth_mm
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.space import PoseSpace
from c2fpose.pose.strong_perspective import SizedPoses

PEOPLE = dict(np.load(Path(__file__).parents[1] / "fixtures" / "evaluation.npz"))
MEAN_TRAINING_POSE = np.random.default_rng(7).normal(0, 300, (17, 3))
PROVENANCE = {
    "code_version": "0.1.0+abc",
    "config_hash": "cafe",
    "configuration": {"seed": 1},
    "data_fingerprints": {"train": "1" * 64, "test": "2" * 64},
    "checkpoint_sha256": "3" * 64,
}


def make_truth(rows: slice = slice(None)) -> Truth:
    joints = PEOPLE["joints_cam_mm"][rows]
    left_top, side = (PEOPLE["center"] - 100 * PEOPLE["scale"][:, None])[rows], 200 * PEOPLE["scale"][rows]
    return Truth.of(
        {
            "joints_box": (PEOPLE["joints_px"][rows] - left_top[:, None]) / side[:, None, None],
            "depth_rel_mm": joints[..., 2] - joints[:, :1, 2],
            "joints_cam_mm": joints,
            "intrinsics_px": PEOPLE["intrinsics"][rows][:, [0, 1, 0, 1], [0, 1, 2, 2]],
            "box_left_top_px": left_top,
            "box_side_px": side,
            "subject": np.repeat([9, 11], 40)[rows],
            "action": np.arange(80)[rows] % 15,
            "record": np.arange(80)[rows] * 10,
            "image": None,  # not asked for
        }
    )


def evaluate(truth: Truth, noise: float = 1.0, **options) -> Evaluation:
    rng = np.random.default_rng(1)
    settings = {"heatmap_size": 64, "depth_bins": 64, "mean_training_pose_mm": MEAN_TRAINING_POSE} | options
    return evaluate_predictions(
        truth.joints_box + noise * rng.normal(0, 0.02, truth.joints_box.shape),
        truth.depth_rel_mm + noise * rng.normal(0, 40, truth.depth_rel_mm.shape),
        truth,
        provenance=PROVENANCE,
        **settings,
    )


@pytest.fixture(scope="module")
def result() -> Evaluation:
    return evaluate(make_truth())


def test_every_predictor_has_a_row_for_each_rule_and_metric(result):
    assert len(result.rows) == (2 * 3 + 1 + 2) * 2 + 2 + 3
    for metric in evaluation.METRICS:
        for rule in ("ground_truth", "own_limbs", "mean_limbs"):
            assert result.row(NETWORK, rule, metric).table.frame_weighted() > 0
    with pytest.raises(KeyError):
        result.row(MEAN_POSE, "ground_truth")


def test_poses_in_mm_have_a_fourth_rule_and_others_say_that_they_have_not(result, capsys):
    truth = make_truth()
    relative_mm = truth.joints_cam_mm - truth.joints_cam_mm[:, :1]
    sized = evaluate(truth, 0.0, sized=SizedPoses(relative_mm, np.ones(relative_mm.shape[:2], bool)))
    assert sized.rules == (*result.rules, "strong_perspective")
    assert sized.mpjpe_mm("strong_perspective") < 1e-4 < sized.mpjpe_mm("mean_limbs")
    # the pose in mm alone enters, and a longer one stands farther away
    longer = evaluate(truth, 0.0, sized=SizedPoses(1.1 * relative_mm, np.ones(relative_mm.shape[:2], bool)))
    off = longer.row(NETWORK, "strong_perspective", ROOT_OFF).table.frame_weighted()
    assert off == pytest.approx(0.1 * truth.joints_cam_mm[:, 0, 2].mean(), rel=0.02)
    sized.print_table()
    shown = capsys.readouterr().out
    assert "strong perspective of a pose in mm; off by 0 mm\n" in shown and "…" not in shown
    result.print_table()
    assert "strong perspective of a pose in mm: not of this network\n" in capsys.readouterr().out


def test_the_roots_depth_is_off_by_what_the_fit_says(result):
    truth = make_truth()
    rng = np.random.default_rng(1)
    joints_box = truth.joints_box + rng.normal(0, 0.02, truth.joints_box.shape)
    depth = truth.depth_rel_mm + rng.normal(0, 40, truth.depth_rel_mm.shape)
    px = truth.box_left_top_px[:, None] + joints_box * truth.box_side_px[:, None, None]
    found = root_depth_mm("mean_limbs", px, depth, truth.intrinsics_px)
    expected = np.abs(found + depth[:, 0] - truth.joints_cam_mm[:, 0, 2])  # as the pose has it
    np.testing.assert_allclose(result.row(NETWORK, "mean_limbs", ROOT_OFF).per_image_mm, expected, rtol=1e-9)
    assert not result.has(NETWORK, "ground_truth", ROOT_OFF)


def test_parts_of_the_error_are_what_is_left_when_the_rest_is_true():
    truth = make_truth()
    rng = np.random.default_rng(2)
    flat = truth.joints_box + rng.normal(0, 0.02, truth.joints_box.shape)
    deep = truth.depth_rel_mm + rng.normal(0, 40, truth.depth_rel_mm.shape)
    options = dict(mean_training_pose_mm=None, heatmap_size=64, depth_bins=64, provenance=PROVENANCE)
    both, depth_only, xy_only = (
        evaluate_predictions(*prediction, truth, **options)
        for prediction in ((flat, deep), (truth.joints_box, deep), (flat, truth.depth_rel_mm))
    )
    for part, alone in ((DEPTH_ALONE, depth_only), (XY_ALONE, xy_only)):
        expected = alone.row(NETWORK, "ground_truth").per_image_mm
        np.testing.assert_allclose(both.row(part, "ground_truth").per_image_mm, expected)
    np.testing.assert_allclose(depth_only.row(XY_ALONE, "ground_truth").per_image_mm, 0, atol=1e-6)
    assert not both.has(DEPTH_ALONE, "mean_limbs") and not both.has(MEAN_POSE, None)


def test_network_errors_equal_a_loop_over_images():
    truth = make_truth()
    rng = np.random.default_rng(1)
    box = truth.joints_box + rng.normal(0, 0.02, truth.joints_box.shape)
    depth = truth.depth_rel_mm + rng.normal(0, 40, truth.depth_rel_mm.shape)
    result = evaluate(truth)
    mpjpe, reconstruction = [], []
    for image in range(80):
        fx, fy, cx, cy = truth.intrinsics_px[image]
        u, v = (truth.box_left_top_px[image] + box[image] * truth.box_side_px[image]).T
        z = depth[image] + truth.joints_cam_mm[image, 0, 2]
        pose = np.stack([(u - cx) * z / fx, (v - cy) * z / fy, z], 1)
        true = truth.joints_cam_mm[image]
        mpjpe.append(np.linalg.norm((pose - pose[0]) - (true - true[0]), axis=1).mean())
        fixed, moved, _ = procrustes(true, pose)
        reconstruction.append((np.linalg.norm(fixed - moved, axis=1) * np.linalg.norm(true - true.mean(0))).mean())
    np.testing.assert_allclose(result.row(NETWORK, "ground_truth").per_image_mm, mpjpe)
    np.testing.assert_allclose(result.row(NETWORK, "ground_truth", "reconstruction").per_image_mm, reconstruction)
    assert result.mpjpe_mm("ground_truth") == pytest.approx(np.mean(mpjpe))
    assert result.reconstruction_mm("ground_truth") == pytest.approx(np.mean(reconstruction))
    eating = [error for error, action in zip(mpjpe, truth.action, strict=True) if ACTIONS[action] == "Eating"]
    by_action = result.row(NETWORK, "ground_truth").table.by_action()
    assert by_action[ACTIONS.index("Eating")] == pytest.approx(np.mean(eating))


def test_errors_do_not_depend_on_the_order_of_joints():
    truth, rng = make_truth(), np.random.default_rng(3)
    box = truth.joints_box + rng.normal(0, 0.02, truth.joints_box.shape)
    depth = truth.depth_rel_mm + rng.normal(0, 40, truth.depth_rel_mm.shape)
    relative_mm = truth.joints_cam_mm - truth.joints_cam_mm[:, :1] + rng.normal(0, 30, truth.joints_cam_mm.shape)
    sized, options = SizedPoses(relative_mm, rng.random(depth.shape) < 0.8), dict(heatmap_size=64, depth_bins=64)
    plain = evaluate_predictions(
        box, depth, truth, mean_training_pose_mm=MEAN_TRAINING_POSE, provenance={}, sized=sized, **options
    )
    by_joint = ("joints_box", "depth_rel_mm", "joints_cam_mm")
    other = replace(truth, **{name: getattr(truth, name)[:, ORDER] for name in by_joint})
    reordered = evaluate_predictions(
        box[:, ORDER], depth[:, ORDER], other, mean_training_pose_mm=MEAN_TRAINING_POSE[ORDER], provenance={},
        sized=SizedPoses(sized.relative_mm[:, ORDER], sized.in_view[:, ORDER]), space=PoseSpace(REORDERED), **options,
    )  # fmt: skip
    for one, two in zip(plain.rows, reordered.rows, strict=True):
        np.testing.assert_allclose(two.table.by_joint(), one.table.by_joint()[ORDER], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(two.per_image_mm, one.per_image_mm, rtol=1e-6, atol=1e-6)
    mean = evaluation.mean_pose_mm(other.joints_cam_mm, REORDERED.root)
    np.testing.assert_allclose(mean, evaluation.mean_pose_mm(truth.joints_cam_mm)[ORDER])


def test_parts_of_the_error_are_those_of_the_axes():
    """A depth that is off by a known length: plain loop over images and joints, relative to the pelvis."""
    truth = make_truth()
    depth = truth.depth_rel_mm + 30.0 * (np.arange(17) > 0)
    result = evaluate_predictions(
        truth.joints_box, depth, truth, mean_training_pose_mm=None, heatmap_size=64, depth_bins=64, provenance={}
    )
    poses = evaluation.predicted_poses_cam_mm(truth.joints_box, depth, truth, "ground_truth")
    sums = np.zeros(3)
    for pose, true in zip(poses, truth.joints_cam_mm, strict=True):
        for joint in range(17):
            sums += np.abs((pose[joint] - pose[0]) - (true[joint] - true[0]))
    expected = dict(zip(("x", "y", "depth"), sums / (17 * len(poses)), strict=True))
    assert result.axes_mm() == pytest.approx(expected) and expected["depth"] == pytest.approx(30 * 16 / 17)


def test_perfect_predictions_leave_only_the_unknown_root_depth(result):
    perfect = evaluate(make_truth(), noise=0.0)
    assert perfect.mpjpe_mm("ground_truth") < 1e-6
    assert perfect.mpjpe_mm("own_limbs") < 1e-4
    assert perfect.mpjpe_mm("mean_limbs") > 1


def test_floor_of_the_perfect_volume_is_the_published_one(result):
    """The authors' own evaluation of perfect volumes of these people; its box is rounded to whole pixels, ours not."""
    published = PEOPLE["clean_mpjpe_exact"].mean(1)
    for index, rule in enumerate(("ground_truth", "own_limbs", "mean_limbs")):
        floor = result.row(PERFECT_VOLUME, rule).table.frame_weighted()
        assert floor == pytest.approx(published[index], rel=0.05)


def test_coarser_volumes_have_higher_floors():
    truth = make_truth()
    floors = [
        evaluate(truth, heatmap_size=cells, depth_bins=bins).row(PERFECT_VOLUME, "ground_truth").table.frame_weighted()
        for cells, bins in ((64, 64), (64, 32), (64, 16), (16, 16))
    ]
    assert floors == sorted(floors)
    # Nearly all of it is the root: at depth 0, it lies far from the centre of its bin when bins are thick.
    assert floors[2] > 3 * floors[0]


def test_mean_pose_error_is_that_of_a_constant_prediction(result):
    truth = make_truth()
    errors = []
    for true in truth.joints_cam_mm:
        predicted = MEAN_TRAINING_POSE - MEAN_TRAINING_POSE[0]
        errors.append(np.linalg.norm(predicted - (true - true[0]), axis=1).mean())
    np.testing.assert_allclose(result.row(MEAN_POSE, None).per_image_mm, errors)
    np.testing.assert_allclose(
        evaluation.mean_pose_mm(truth.joints_cam_mm), np.mean([true - true[0] for true in truth.joints_cam_mm], axis=0)
    )


@pytest.mark.filterwarnings("error")
def test_the_mean_pose_is_of_the_joints_that_have_labels():
    joints = make_truth().joints_cam_mm.copy()
    joints[:70, 5], joints[:, 9] = np.nan, np.nan
    mean = evaluation.mean_pose_mm(joints)
    np.testing.assert_allclose(mean[5], np.mean([true[5] - true[0] for true in joints[70:]], axis=0))
    np.testing.assert_allclose(mean[1], np.mean([true[1] - true[0] for true in joints], axis=0))
    assert (mean[9] == 0).all()  # nobody's: with the root


def test_without_a_training_split_there_is_no_mean_pose():
    result = evaluate(make_truth(), mean_training_pose_mm=None)
    assert {row.predictor for row in result.rows} == {NETWORK, PERFECT_VOLUME, DEPTH_ALONE, XY_ALONE}
    result.print_table(PlainConsole(width=100, file=io.StringIO()))


def test_written_evaluation_reads_back_the_same(result, tmp_path):
    result.write(tmp_path / "run")
    back = Evaluation.read(tmp_path / "run")
    assert back.provenance == PROVENANCE
    np.testing.assert_array_equal(back.record, result.record)
    for ours, theirs in zip(result.rows, back.rows, strict=True):
        assert (ours.predictor, ours.root_depth, ours.metric) == (theirs.predictor, theirs.root_depth, theirs.metric)
        np.testing.assert_array_equal(ours.table.sums_mm, theirs.table.sums_mm)
        np.testing.assert_allclose(ours.per_image_mm, theirs.per_image_mm, rtol=1e-6)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "evaluation.csv", "evaluation.json", "evaluation.npz",
    ]  # fmt: skip


def test_json_and_csv_hold_the_same_figures_and_where_they_come_from(result, tmp_path):
    result.write(tmp_path)
    text = json.loads((tmp_path / "evaluation.json").read_text())
    lines = list(csv.DictReader(io.StringIO((tmp_path / "evaluation.csv").read_text())))
    assert text["frames"] == 80
    assert text["provenance"]["configuration"] == {"seed": 1}
    assert text["subjects"] == [9, 11]
    assert len(lines) == len(text["rows"]) == len(result.rows)
    for row, line in zip(text["rows"], lines, strict=True):
        assert (row["predictor"], row["root_depth"] or "", row["metric"]) == (
            line["predictor"], line["root_depth"], line["metric"],
        )  # fmt: skip
        assert row["frame_weighted"] == float(line["frame_weighted"])
        assert row["by_action"]["SittingDown"] == float(line["SittingDown"])
        assert row["by_joint"]["left_wrist"] == float(line["left_wrist"])
        assert (line["frames"], line["data_fingerprint"]) == ("80", "2" * 64)
        assert (line["checkpoint_sha256"], line["code_version"], line["config_hash"]) == ("3" * 64, "0.1.0+abc", "cafe")


def test_people_keep_the_names_of_their_data_set(tmp_path):
    result = evaluate(make_truth(), subject_names={9: "anna", 5: "not in the test set"})
    result.write(tmp_path)
    back = Evaluation.read(tmp_path)
    assert back.subject_names == {9: "anna"}
    assert {back.subject_name(image) for image in range(back.frames)} == {"anna", "S11"}
    assert json.loads((tmp_path / "evaluation.json").read_text())["subjects"] == [9, 11]


def test_an_evaluation_of_before_people_had_names_is_read(result, tmp_path):
    result.write(tmp_path)
    text = json.loads((tmp_path / "evaluation.json").read_text())
    del text["subject_names"]
    (tmp_path / "evaluation.json").write_text(json.dumps(text))
    assert Evaluation.read(tmp_path).subject_name(0) == f"S{result.subject[0]}"


def test_actions_without_frames_are_gaps_not_zeros(tmp_path):
    result = evaluate(make_truth(slice(0, 10)))
    result.write(tmp_path)
    row = json.loads((tmp_path / "evaluation.json").read_text())["rows"][0]
    assert row["by_action"]["WalkTogether"] is None
    assert row["published_weighted"] is None
    assert row["mean_over_actions"] == pytest.approx(np.mean([x for x in row["by_action"].values() if x]), abs=1e-3)


def test_interrupted_writing_leaves_the_old_result(result, tmp_path, monkeypatch):
    result.write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fails(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation.json, "dumps", fails)
    with pytest.raises(KeyboardInterrupt):
        evaluate(make_truth(), noise=2.0).write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_missing_or_truncated_evaluations_are_refused(result, tmp_path):
    with pytest.raises(DataError, match="no complete evaluation"):
        Evaluation.read(tmp_path)
    result.write(tmp_path)
    text = (tmp_path / "evaluation.json").read_text()
    (tmp_path / "evaluation.json").write_text(text[: len(text) // 2])
    with pytest.raises(DataError, match="no complete evaluation"):
        Evaluation.read(tmp_path)


def test_printed_table_fits_100_columns_and_names_its_rules(result):
    console = PlainConsole(width=100, file=io.StringIO(), color_system=None)
    result.print_table(console)
    printed = console.file.getvalue()
    assert max(map(len, printed.splitlines())) <= 100
    assert "…" not in printed
    for words in (*ACTIONS, "right wrist", "frame weighted", "mean over actions", "root depth given", "80 images"):
        assert words in printed
    walking = next(line for line in printed.splitlines() if line.split()[:1] == ["Walking"]).split()
    printed_rows = [row for row in result.rows if row.predictor not in (DEPTH_ALONE, XY_ALONE)]  # the page has them
    expected = [row.table.by_action()[ACTIONS.index("Walking")] for row in printed_rows if row.metric == "mpjpe"]
    assert [float(value) for value in walking[2:]] == pytest.approx(expected, abs=0.05)


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(DataError, match="holds no image"):
        evaluate(make_truth(slice(0, 0)))


def test_predictions_that_are_not_finite_name_their_record():
    truth = make_truth()
    box = truth.joints_box.copy()
    box[3, 5] = np.nan
    with pytest.raises(DataError, match="record 30: the prediction is not finite"):
        evaluate_predictions(
            box, truth.depth_rel_mm, truth, heatmap_size=64, depth_bins=64,
            mean_training_pose_mm=MEAN_TRAINING_POSE, provenance={},
        )  # fmt: skip
