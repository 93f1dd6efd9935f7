"""BVH files, read back by a library of its own hierarchy and kinematics, give the joints of the result."""

import dataclasses

import bvhio
import numpy as np
import pytest

from c2fpose.pose.skeleton import JOINTS, PARENTS
from c2fpose.prediction.outputs import bvh
from c2fpose.prediction.result import Frame, PoseResult


def read_cam_mm(path) -> np.ndarray:
    """Joints in the camera frame by bvhio's forward kinematics, ``(T, 17, 3)``."""
    frames = bvhio.readAsBvh(str(path)).FrameCount
    root = bvhio.readAsHierarchy(str(path))
    poses = []
    for frame in range(frames):
        root.loadPose(frame)
        places = {joint.Name: joint.PositionWorld for joint, _, _ in root.layout()}
        poses.append([list(places[name]) for name in JOINTS])
    return np.array(poses) * [1000, -1000, -1000]


def joints(result: PoseResult, id: int) -> np.ndarray:
    return np.stack([pose.joints_cam_mm for _, pose in result.track(id)])


def with_noise(result: PoseResult, sigma_mm: float) -> PoseResult:
    """Bones of changing length, as a network gives them."""
    random = np.random.default_rng(1)
    frames = [
        Frame(
            tuple(
                dataclasses.replace(pose, joints_cam_mm=pose.joints_cam_mm + random.normal(0, sigma_mm, (17, 3)))
                for pose in frame.people
            ),
            frame.index,
            frame.time_s,
        )
        for frame in result.frames
    ]
    return dataclasses.replace(result, frames=tuple(frames))


def test_forward_kinematics_give_back_a_rigid_person(video, tmp_path):
    first, second = bvh.write(video, None, tmp_path / "walk.bvh")
    assert [path.name for path in (first, second)] == ["walk_0.bvh", "walk_3.bvh"]
    np.testing.assert_allclose(read_cam_mm(first), joints(video, 0), atol=0.1)
    assert first.read_text().count("Xposition") == 1  # the root's alone
    assert bvhio.readAsBvh(str(first)).FrameTime == pytest.approx(0.1)
    found = read_cam_mm(second)
    seen = [frame.index for frame, _ in video.track(3)]
    np.testing.assert_allclose(found[seen], joints(video, 3), atol=0.1)
    np.testing.assert_allclose(found[0], found[2], atol=0.1)  # before it was seen
    np.testing.assert_allclose(found[4, 0], (found[3, 0] + found[5, 0]) / 2, atol=0.1)  # between


def test_forward_kinematics_give_back_bones_of_changing_length(video, tmp_path):
    noisy = with_noise(video, 40)
    path, _ = bvh.write(noisy, None, tmp_path / "noisy.bvh")
    assert np.linalg.norm(read_cam_mm(path) - joints(noisy, 0), axis=-1).max() < 1
    rigid, _ = bvh.write(noisy, None, tmp_path / "rigid.bvh", stretching=False)
    assert rigid.read_text().count("Xposition") == 1
    found, true = read_cam_mm(rigid), joints(noisy, 0)
    np.testing.assert_allclose(found[:, 0], true[:, 0], atol=0.1)
    for pose, bones in ((found, True), (true, False)):
        lengths = np.linalg.norm(pose[:, 1:] - pose[:, PARENTS[1:]], axis=-1)
        assert (np.ptp(lengths, axis=0).max() < 0.1) == bones
    directions = [pose[:, 1:] - pose[:, PARENTS[1:]] for pose in (found, true)]
    unit = [bone / np.linalg.norm(bone, axis=-1, keepdims=True) for bone in directions]
    np.testing.assert_allclose(*unit, atol=1e-4)


def test_a_picture_is_a_motion_of_one_frame(image, tmp_path):
    for path, pose in zip(bvh.write(image, None, tmp_path / "p.bvh"), image.frames[0].people, strict=True):
        np.testing.assert_allclose(read_cam_mm(path), pose.joints_cam_mm[None], atol=0.1)


def test_at_rest_the_person_stands_with_arms_out_and_faces_the_reader(video, tmp_path):
    path, _ = bvh.write(video, None, tmp_path / "walk.bvh")
    root = bvhio.readAsHierarchy(str(path))
    root.loadRestPose()
    at = {joint.Name: np.array(list(joint.PositionWorld)) for joint, _, _ in root.layout()}
    assert at["head"][1] > 0.6 and at["left_ankle"][1] < -0.8 and at["nose"][2] > 0
    assert at["left_wrist"][0] > 0.6 and abs(at["left_wrist"][1] - at["left_shoulder"][1]) < 1e-3


def test_joints_that_fall_together_and_limbs_straight_back(tmp_path, image):
    pose = image.frames[0].people[0]
    strange = pose.joints_cam_mm.copy()
    strange[2] = strange[1]  # no upper leg
    strange[12] = strange[11] - [400, 0, 0]  # an arm that points through the body
    strange[[8, 9, 10, 11, 14]] = strange[7]  # no chest
    said = dataclasses.replace(image, frames=(Frame((dataclasses.replace(pose, joints_cam_mm=strange),)),))
    (path,) = bvh.write(said, None, tmp_path / "strange.bvh")
    np.testing.assert_allclose(read_cam_mm(path)[0], strange, atol=0.1)


@pytest.mark.filterwarnings("error")
def test_two_angles_about_one_axis_are_no_warning(tmp_path, image):
    pose = image.frames[0].people[0]
    ahead = np.outer(np.arange(30, 47), [0, 0, 100.0])  # every bone along the view
    said = dataclasses.replace(image, frames=(Frame((dataclasses.replace(pose, joints_cam_mm=ahead),)),))
    (path,) = bvh.write(said, None, tmp_path / "ahead.bvh")
    np.testing.assert_allclose(read_cam_mm(path)[0], ahead, atol=0.1)


def test_nobody_is_no_file(nobody, tmp_path):
    assert bvh.write(nobody, None, tmp_path / "none.bvh") == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("sigma_mm", [0.0, 40.0])
def test_blender_puts_every_joint_where_the_result_has_it(video, tmp_path, sigma_mm):
    """By Blender's own importer and settings; at 40 mm of noise bones change their lengths. Skipped without ``bpy``."""
    bpy = pytest.importorskip("bpy")
    walk = with_noise(video, sigma_mm)
    first, expected = bvh.write(walk, None, tmp_path / "walk.bvh")[0], joints(walk, 0)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_anim.bvh(filepath=str(first))
    armature, poses = bpy.context.object, []
    for frame in range(len(expected)):
        bpy.context.scene.frame_set(1 + frame)
        shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        poses.append([tuple(shown.matrix_world @ shown.pose.bones[name].head) for name in JOINTS])
    world_mm = 1000 * np.array(poses)  # z up, y away from the camera
    found = np.stack([world_mm[..., 0], -world_mm[..., 2], world_mm[..., 1]], -1)
    np.testing.assert_allclose(found, expected, atol=1.0)
