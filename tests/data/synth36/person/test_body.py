"""The body: kinematics against homogeneous matrices, skinning by its invariants, joints inside the surface."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from c2fpose.data.synth36.person.body import (
    BONE_PARENTS,
    BONES,
    SKIN_FRAMES,
    SOLE_MM,
    BodyShape,
    joints_mm,
    load_pack,
    pose_bones,
    quaternions,
    skin,
    skin_frames,
    subject_shape,
    twist_about,
)
from c2fpose.data.synth36.person.skinning import relax
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS
from c2fpose.pose.skeleton import JOINTS, left_is_left, limb_lengths_mm

SUBJECTS = (*TRAIN_SUBJECTS, *TEST_SUBJECTS)
REST = np.tile(np.eye(3), (len(BONES), 1, 1))


def random_pose(seed: int, degrees: float = 40.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return Rotation.from_rotvec(np.radians(rng.normal(0, degrees, (len(BONES), 3)))).as_matrix()


@pytest.fixture(scope="module")
def shape() -> BodyShape:
    return subject_shape(0, 1)


def test_kinematics_match_a_chain_of_homogeneous_matrices(shape):
    local, root_mm = random_pose(1), np.array([120.0, -340.0, 910.0])
    rotations, heads_mm = pose_bones(shape.rest_heads_mm, local, root_mm)

    def matrix(bone: int) -> np.ndarray:
        parent = BONE_PARENTS[bone]
        step = np.eye(4)
        step[:3, :3] = local[bone]
        step[:3, 3] = root_mm if parent < 0 else shape.rest_heads_mm[bone] - shape.rest_heads_mm[parent]
        return step if parent < 0 else matrix(parent) @ step

    for bone in range(len(BONES)):
        np.testing.assert_allclose(rotations[bone], matrix(bone)[:3, :3], atol=1e-12)
        np.testing.assert_allclose(heads_mm[bone], matrix(bone)[:3, 3], atol=1e-9)


def test_kinematics_take_leading_dimensions(shape):
    local = np.stack([[random_pose(k), random_pose(k + 10)] for k in range(3)])
    root_mm = np.random.default_rng(0).normal(size=(3, 2, 3))
    joints = joints_mm(shape, local, root_mm)
    assert joints.shape == (3, 2, 17, 3)
    np.testing.assert_allclose(joints[2, 1], joints_mm(shape, local[2, 1], root_mm[2, 1]), atol=1e-9)


def test_identities_give_the_rest_pose_on_the_floor(shape):
    posed_mm = skin(shape, REST, shape.rest_heads_mm[0])
    np.testing.assert_allclose(posed_mm, shape.rest_vertices_mm, atol=1e-9)
    body = posed_mm[np.unique(load_pack().triangles["body"])]
    assert body[:, 2].min() == pytest.approx(SOLE_MM)
    np.testing.assert_allclose(shape.rest_heads_mm[0, :2], 0, atol=1.0)


def test_turning_the_root_moves_the_body_as_one(shape):
    local, turned = random_pose(2, 25), random_pose(2, 25)
    turn = Rotation.from_rotvec([0.3, -1.1, 2.0]).as_matrix()
    turned[0] = turn @ local[0]
    root_mm = np.array([10.0, 20.0, 900.0])
    expected = (skin(shape, local, root_mm) - root_mm) @ turn.T + root_mm
    np.testing.assert_allclose(skin(shape, turned, root_mm), expected, atol=1e-6)


def test_skin_of_one_bone_follows_it_rigidly(shape):
    pack, local, root_mm = load_pack(), random_pose(3), np.array([0.0, 0.0, 900.0])
    rotations, heads_mm = pose_bones(shape.rest_heads_mm, local, root_mm)
    posed_mm = skin(shape, local, root_mm)
    for bone in ("head", "left_foot", "right_hand"):
        index = BONES.index(bone)
        fast = (pack.skin_frames[:, 0] == index) & (pack.skin_weights[:, 0] == 1)
        assert fast.sum() > 50
        offset_mm = shape.rest_vertices_mm[fast] - shape.rest_heads_mm[index]
        np.testing.assert_allclose(posed_mm[fast], offset_mm @ rotations[index].T + heads_mm[index], atol=1e-6)


def test_skin_frames_of_many_poses_are_those_of_each(shape):
    local = np.stack([random_pose(seed) for seed in range(6)]).reshape(2, 3, len(BONES), 3, 3)
    roots_mm = np.random.default_rng(5).normal(0, 500, (2, 3, 3))
    rotations, translations = skin_frames(shape, local, roots_mm)
    assert rotations.shape == (2, 3, len(SKIN_FRAMES), 3, 3)
    for place in np.ndindex(2, 3):
        one = skin_frames(shape, local[place], roots_mm[place])
        np.testing.assert_allclose(rotations[place], one[0], atol=1e-12)
        np.testing.assert_allclose(translations[place], one[1], atol=1e-9)


def test_relaxed_cloth_is_what_a_matrix_of_neighbours_gives():
    """A matrix of the pairs that share a triangle's side, twice where two triangles do."""
    rng = np.random.default_rng(2)
    surface_mm, triangles = (
        rng.normal(0, 100, (12, 3)),
        np.array([[0, 1, 2], [2, 1, 3], [3, 4, 5], [6, 7, 8], [8, 0, 6]]),
    )
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    neighbours = np.zeros((12, 12))
    for a, b in edges:
        neighbours[[a, b], [b, a]] += 1
    degree = np.maximum(neighbours.sum(1), 1)
    half_way = 0.5 * (np.eye(12) + neighbours / degree[:, None])
    relaxed_mm = relax(surface_mm, edges, degree.astype(int), 3)
    np.testing.assert_allclose(relaxed_mm, np.linalg.matrix_power(half_way, 3) @ surface_mm, atol=1e-10)


def test_a_twisted_arm_keeps_its_girth(shape):
    """Linear blending would pinch a forearm whose hand turns by 150 degrees (the candy wrapper)."""
    pack, local = load_pack(), REST.copy()
    bone, end = BONES.index("left_forearm"), BONES.index("left_hand")
    axis = shape.rest_heads_mm[end] - shape.rest_heads_mm[bone]
    length = np.linalg.norm(axis)
    local[end] = Rotation.from_rotvec(np.radians(150) * axis / length).as_matrix()
    body = np.unique(pack.triangles["body"])
    frames = [
        SKIN_FRAMES.index(name) for name in ("left_forearm", "left_wrist_twist", "left_hand", "left_forearm_swing")
    ]
    share = (pack.skin_weights * np.isin(pack.skin_frames, frames)).sum(1)[body]
    along = (shape.rest_vertices_mm[body] - shape.rest_heads_mm[bone]) @ axis / length**2
    arm = body[(share > 0.99) & (along > 0.4) & (along < 0.95)]

    def girth_mm(vertices_mm: np.ndarray) -> np.ndarray:
        offset = vertices_mm[arm] - shape.rest_heads_mm[bone]
        return np.linalg.norm(offset - np.outer(offset @ axis, axis) / length**2, axis=1)

    ratio = girth_mm(skin(shape, local, shape.rest_heads_mm[0])) / girth_mm(shape.rest_vertices_mm)
    assert len(arm) > 100
    assert ratio.mean() > 0.93
    assert np.quantile(ratio, 0.05) > 0.75


def test_quaternions_and_twist_agree_with_scipy():
    turns = Rotation.from_quat(np.random.default_rng(4).normal(size=(50, 4)))
    ours = quaternions(turns.as_matrix())
    np.testing.assert_allclose(ours, turns.as_quat(canonical=True, scalar_first=True), atol=1e-9)
    axis = np.array([0.6, 0.0, 0.8])
    twist = twist_about(turns.as_matrix(), axis)
    np.testing.assert_allclose(twist @ axis, np.tile(axis, (50, 1)), atol=1e-9)
    swing = Rotation.from_matrix(turns.as_matrix() @ np.swapaxes(twist, -1, -2))
    np.testing.assert_allclose(swing.as_rotvec() @ axis, 0, atol=1e-6)


def winding(point_mm: np.ndarray, triangles_mm: np.ndarray) -> float:
    """How often the surface goes round a point: the sum of the triangles' solid angles."""
    a, b, c = np.moveaxis(triangles_mm - point_mm, 1, 0)
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    triple = np.einsum("ti,ti->t", a, np.cross(b, c))
    below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
    return float(2 * np.arctan2(triple, below).sum() / (4 * np.pi))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_joints_lie_inside_the_body_and_left_is_left(subject):
    body = subject_shape(0, subject)
    surface = body.rest_vertices_mm[load_pack().triangles["body"]]
    joints = joints_mm(body, REST, body.rest_heads_mm[0])
    for name, joint in zip(JOINTS, joints, strict=True):
        assert winding(joint, surface) == pytest.approx(1, abs=0.2), name
    assert left_is_left(joints).all()
    turned = REST.copy()
    turned[0] = Rotation.from_rotvec([0.2, 0.1, 2.5]).as_matrix()
    assert left_is_left(joints_mm(body, turned, np.array([0.0, 0.0, 900.0]))).all()
    assert joints[JOINTS.index("left_wrist"), 0] < 0 < joints[JOINTS.index("right_wrist"), 0]
    assert joints[JOINTS.index("nose"), 1] > joints[JOINTS.index("thorax"), 1]


def test_subjects_differ_and_have_plausible_sizes():
    lengths, heights = [], []
    for subject in SUBJECTS:
        body = subject_shape(0, subject)
        lengths.append(limb_lengths_mm(joints_mm(body, REST, body.rest_heads_mm[0])))
        heights.append(body.height_mm)
        again = subject_shape(0, subject)
        np.testing.assert_array_equal(body.rest_vertices_mm, again.rest_vertices_mm)
    assert min(heights) > 1500 and max(heights) < 1980
    proportions = np.array(lengths) / np.sum(lengths, axis=1, keepdims=True)
    apart = np.abs(proportions[:, None] - proportions[None]).max(-1) + np.eye(len(SUBJECTS))
    assert apart.min() > 0.003, "two subjects have the same proportions"
    assert not np.allclose(subject_shape(1, 1).betas, subject_shape(0, 1).betas)


def test_the_shape_space_holds_its_own_adults():
    pack = load_pack()
    with np.load(pack_path()) as file:
        assert file["pca_error_mm"] < 1.0
    np.testing.assert_allclose(pack.training_scores.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(pack.training_scores.std(0), 1, rtol=0.02)
    crown = pack.landmark_index["crown"]
    heights = pack.landmarks_mm[crown, 2] + pack.training_scores @ pack.landmark_basis_mm[:, crown, 2]
    assert heights.min() > 1480 and heights.max() < 1970
    # Landmarks are linear in the same coefficients as the surface: the crown is a vertex of it.
    betas = np.random.default_rng(5).standard_normal(24)
    body = BodyShape(betas, np.zeros((2, 2)))
    nearest = np.linalg.norm(body.rest_vertices_mm - body.landmarks_mm["crown"], axis=1).min()
    assert nearest < 0.5


def pack_path():
    from c2fpose.data.synth36.person.body import PACK_PATH

    assert PACK_PATH.stat().st_size < 4e6
    return PACK_PATH
