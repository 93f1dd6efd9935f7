"""Motion of synth36: determinism, joint limits, contact with the floor, speeds, freedom from collisions."""

from functools import lru_cache

import numpy as np
import pytest

from c2fpose.base.errors import ConfigError
from c2fpose.data.synth36.motion.motion import FPS, FRAMES, motion
from c2fpose.data.synth36.person import body
from c2fpose.data.synth36.person.body import joints_mm, pose_bones
from c2fpose.data.synth36.person.rig import limb_radii_mm
from c2fpose.data.synth36.scene.furniture import SEAT_SIZE_MM
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import JOINTS, left_is_left

FEET = (15, 18)
subject_shape = lru_cache(body.subject_shape)  # hundreds of times the same seven
# Every third of a sequence in a row, so that a pass over all actions stays quick.
SPAN = np.arange(300, 300 + FRAMES // 3)
STANDING = (
    "Directions",
    "Discussion",
    "Greeting",
    "Photo",
    "Posing",
    "Purchases",
    "WalkDog",
    "Walking",
    "WalkTogether",
)


@lru_cache
def sequence(action: str, subject: int = 5, trial: int = 1):
    """(shape, motion, local rotations, root, joints) of ``SPAN``."""
    shape = subject_shape(0, subject)
    drawn = motion(0, subject, action, trial, shape)
    rotations, root_mm = drawn.at(SPAN)
    return shape, drawn, rotations, root_mm, joints_mm(shape, rotations, root_mm)


def posed_bones(action: str, **which):
    shape, drawn, rotations, root_mm, _ = sequence(action, **which)
    turns, heads_mm = pose_bones(shape.rest_heads_mm, rotations, root_mm)
    return drawn.rig, turns @ drawn.rig.to_body.T, heads_mm


def soles_mm(action: str) -> np.ndarray:
    """Points of both soles in the world, ``(F, 2, P, 3)``, from the body's own forward kinematics."""
    rig, turns, heads_mm = posed_bones(action)
    points = [heads_mm[:, bone, None] + np.einsum("fij,pj->fpi", turns[:, bone], rig.sole_mm) for bone in FEET]
    return np.stack(points, axis=1)


def segment_distance_mm(p0, p1, q0, q1, samples: int = 25) -> np.ndarray:
    """Least distance of two segments, by brute force over points of one and the exact nearest point of the other."""
    points = p0 + np.linspace(0, 1, samples)[:, None, None] * (p1 - p0)
    along = ((points - q0) * (q1 - q0)).sum(-1) / ((q1 - q0) ** 2).sum(-1)
    nearest = q0 + np.clip(along, 0, 1)[..., None] * (q1 - q0)
    return np.linalg.norm(points - nearest, axis=-1).min(0)


def test_the_same_arguments_give_the_same_motion_and_others_another():
    shape = subject_shape(0, 5)
    frames = np.arange(0, FRAMES, 100)
    drawn = motion(0, 5, "Posing", 1, shape).at(frames)
    for part, again in zip(drawn, motion(0, 5, "Posing", 1, shape).at(frames), strict=True):
        np.testing.assert_array_equal(part, again)
    for other in (motion(1, 5, "Posing", 1, shape), motion(0, 6, "Posing", 1, shape), motion(0, 5, "Posing", 2, shape)):
        assert np.abs(other.at(frames)[1] - drawn[1]).max() > 50


@pytest.mark.parametrize("action", ACTIONS)
def test_frames_may_be_sampled_in_any_order(action):
    _, drawn, rotations, root_mm, _ = sequence(action)
    some = np.array([400, 3, 210])
    again_rotations, again_root_mm = drawn.at(SPAN[some])
    np.testing.assert_allclose(again_rotations, rotations[some], atol=1e-9)
    np.testing.assert_allclose(again_root_mm, root_mm[some], atol=1e-6)


@pytest.mark.parametrize("action", ACTIONS)
def test_rotations_are_rotations(action):
    _, _, rotations, _, _ = sequence(action)
    product = rotations @ np.swapaxes(rotations, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), rotations.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-9)


@pytest.mark.parametrize("action", ACTIONS)
def test_solved_joints_are_those_of_the_forward_kinematics(action):
    shape, drawn, rotations, root_mm, _ = sequence(action)
    _, heads_mm = pose_bones(shape.rest_heads_mm, rotations, root_mm)
    solved_mm, _ = drawn.solve(SPAN / FPS)
    np.testing.assert_allclose(heads_mm, solved_mm, atol=2.0)


@pytest.mark.parametrize("action", ACTIONS)
def test_people_stay_in_the_room_the_right_way_round(action):
    _, drawn, _, _, joints = sequence(action)
    low, high = drawn.floor_area_mm()
    assert np.abs(joints[:, 0, :2]).max() < 1700
    assert (joints[:, 0, :2] > low).all() and (joints[:, 0, :2] < high).all()
    assert left_is_left(joints).mean() > 0.97


@pytest.mark.parametrize("action", ACTIONS)
def test_joints_move_at_natural_speeds(action):
    joints = sequence(action)[-1] / 1000
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * FPS
    acceleration = np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1) * FPS**2
    fastest = speed.max(1)  # m/s; a walker's ankle passes 4
    assert np.percentile(fastest, 98.5) < 6.5, JOINTS[speed.max(0).argmax()]
    assert fastest.max() < 10.5, JOINTS[speed.max(0).argmax()]  # an arm that slips round another for a few frames
    assert np.percentile(acceleration, 99.9) < 300
    assert speed.max() > 0.3  # and it is no statue


@pytest.mark.parametrize("action", ACTIONS)
def test_feet_meet_the_floor(action):
    height = soles_mm(action)[..., 2].min(-1)
    assert height.min() > -3.0
    if action in STANDING:
        # One foot or the other bears the body.
        assert (height.min(1) < 5.0).mean() > 0.93


@pytest.mark.parametrize("action", STANDING)
def test_standing_feet_do_not_slide(action):
    soles = soles_mm(action)
    down = (soles[:-1, ..., 2] < 2.0) & (soles[1:, ..., 2] < 2.0)
    speed = np.linalg.norm(np.diff(soles[..., :2], axis=0), axis=-1) * FPS
    # The point that a foot turns about, heel or toe, rests: the slowest of those that touch.
    planted = np.where(down, speed, np.inf).min(-1)
    planted = planted[np.isfinite(planted)]
    assert planted.mean() < 15.0  # mm/s
    assert np.percentile(planted, 97) < 120.0


@pytest.mark.parametrize("action", ACTIONS)
def test_knees_and_elbows_bend_one_way_within_their_range(action):
    _, turns, heads_mm = posed_bones(action)
    for upper, lower, end, sign in ((13, 14, 15, 1), (16, 17, 18, 1), (6, 7, 8, -1), (10, 11, 12, -1)):
        first, second = heads_mm[:, lower] - heads_mm[:, upper], heads_mm[:, end] - heads_mm[:, lower]
        cosine = (first * second).sum(-1) / np.linalg.norm(first, axis=-1) / np.linalg.norm(second, axis=-1)
        bend = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        assert bend.max() < 157 and bend.min() > 1
        # The shin folds to the back of the thigh, the forearm to the front of the upper arm.
        front = turns[:, upper] @ np.array([1.0, 0.0, 0.0])
        assert ((second * front).sum(-1) * sign < 0.25 * np.linalg.norm(second, axis=-1)).mean() > 0.99


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_below_the_floor(action):
    for subject in (1, 5, 7, 8, 9, 11):
        drawn = motion(0, subject, action, 3, subject_shape(0, subject))
        heads_mm, turns = drawn.solve(np.arange(1, FRAMES, 15) / FPS)
        assert heads_mm[..., 2].min() > 28.0  # joints, under at least as much flesh
        soles = heads_mm[:, FEET, None] + np.einsum("fbij,pj->fbpi", turns[:, FEET], drawn.rig.sole_mm)
        assert soles[..., 2].min() > -3.0


LEGS = ((13, 14, 15), (16, 17, 18))  # hip, knee, ankle
ARMS = ((7, 8), (11, 12))  # elbow, wrist


def limbs_depth_mm(action: str, subject: int, trial: int, frames: np.ndarray) -> dict[str, np.ndarray]:
    """How deep forearms with hands and legs are in the trunk, in each other and in the seat, a frame's deepest.

    Thighs count without their first quarter, where they touch each other anyhow; against the trunk without their first
    third, the crease of a hip that bends by some 120 degrees, and without the pelvis, which they join.
    """
    drawn = motion(0, subject, action, trial, subject_shape(0, subject))
    heads, turns = drawn.solve(frames / FPS)
    rig, radii = drawn.rig, limb_radii_mm(drawn.rig)
    starts, ends = rig.trunk.placed(heads, turns)
    trunk = [(starts[:, k], ends[:, k], radius) for k, radius in enumerate(rig.trunk.radius_mm)]
    thighs = [(heads[:, a] + 0.25 * (heads[:, b] - heads[:, a]), heads[:, b], radii["thigh"]) for a, b, _ in LEGS]
    shins = [(heads[:, b], heads[:, c], radii["shin"]) for _, b, c in LEGS]
    free_thighs = [(heads[:, a] + (heads[:, b] - heads[:, a]) / 3, heads[:, b], radii["thigh"]) for a, b, _ in LEGS]
    arms = []
    for elbow, wrist in ARMS:
        along = heads[:, wrist] - heads[:, elbow]
        palm = heads[:, wrist] + 80.0 * rig.scale * along / np.linalg.norm(along, axis=-1, keepdims=True)
        arms.append((heads[:, elbow], palm, radii["hand"]))

    def deepest(pairs) -> np.ndarray:
        return np.max([p[2] + q[2] - segment_distance_mm(p[0], p[1], q[0], q[1]) for p, q in pairs], axis=0)

    depth = {
        "arms in trunk": deepest([(arm, part) for arm in arms for part in trunk]),
        "arms in legs": deepest([(arm, part) for arm in arms for part in thighs + shins]),
        "arm in arm": deepest([tuple(arms)]),
        "legs in trunk": deepest([(leg, part) for leg in free_thighs + shins for part in trunk[1:]]),
        "leg in leg": deepest([(a, b) for a in (thighs[0], shins[0]) for b in (thighs[1], shins[1])]),
    }
    if drawn.seat is not None and drawn.seat.kind in ("chair", "box"):
        chest = trunk[2:4]
        depth["arms and chest in seat"] = np.max([box_depth_mm(part, drawn.seat) for part in arms + chest], axis=0)
    return depth


def box_depth_mm(limb: tuple, seat) -> np.ndarray:
    """How deep a limb is in the seat's box, or in the slab of a chair's backrest."""
    start, end, radius = limb
    width, depth = (0.5 * size for size in SEAT_SIZE_MM[seat.kind])
    top = seat.seat_height_mm
    boxes = [((-width, -depth, top - 28 if seat.kind == "chair" else 0.0), (width, depth, top))]
    if seat.kind == "chair":
        boxes.append(((-width, -depth, top), (width, -depth + 25, top + 430)))
    c, s = np.cos(seat.yaw), np.sin(seat.yaw)
    points = start + np.linspace(0, 1, 15)[:, None, None] * (end - start)
    points[..., :2] = (points[..., :2] - seat.position_mm) @ np.array([[c, -s], [s, c]])
    depths = []
    for low, high in boxes:
        outside = np.maximum(np.array(low) - points, points - np.array(high))
        distance = np.linalg.norm(np.maximum(outside, 0), axis=-1) + np.minimum(outside.max(-1), 0)
        depths.append(radius - distance.min(0))
    return np.max(depths, axis=0)


@pytest.mark.parametrize("action", ACTIONS)
def test_limbs_stay_out_of_the_body_of_each_other_and_of_the_seat(action):
    people = [(subject, trial) for subject in (1, 5, 6, 7, 8, 9, 11) for trial in (1, 2)]
    every = [limbs_depth_mm(action, subject, trial, np.arange(1, FRAMES, 40)) for subject, trial in people]
    deepest = np.concatenate([np.max(list(depth.values()), axis=0) for depth in every])
    assert (deepest > 25.0).mean() <= 0.005
    assert deepest.max() < 36.0, [{part: depth.max().round() for part, depth in each.items()} for each in every]


@pytest.mark.parametrize("trial", [1, 2, 3])
def test_who_sits_is_on_the_seat_and_the_shins_are_not_in_it(trial):
    shape = subject_shape(0, 9)
    drawn = motion(0, 9, "Sitting", trial, shape)
    _, heads_mm = pose_bones(shape.rest_heads_mm, *drawn.at(np.arange(0, FRAMES, 5)))
    seat = drawn.seat
    over_seat = heads_mm[:, 0, 2] - seat.seat_height_mm
    assert over_seat.min() > 35.0 and over_seat.max() < 125.0  # neither in it nor above it, in any frame
    # Into the seat's own frame: who sits there faces +y.
    c, s = np.cos(seat.yaw), np.sin(seat.yaw)
    local = (heads_mm[..., :2] - seat.position_mm) @ np.array([[c, -s], [s, c]])
    assert np.abs(local[:, 0, 0]).max() < 150 and np.abs(local[:, 0, 1]).max() < 260
    assert local[:, [14, 17], 1].min() > 120  # knees are in front
    if seat.kind in ("box", "sofa"):
        assert local[:, [15, 18], 1].min() > 240


def test_facings_cover_the_circle():
    facing = []
    for action in ACTIONS:
        for subject in (1, 5, 6, 7):
            drawn = motion(0, subject, action, 1, subject_shape(0, subject))
            facing.append(drawn.path.at(np.arange(0, FRAMES, 50) / FPS)[1])
    share = np.histogram(np.concatenate(facing) % (2 * np.pi), bins=8, range=(0, 2 * np.pi))[0]
    assert share.min() > 0.05 * share.sum()


def test_poses_vary_as_much_as_in_motion_capture():
    # Mean distance to the mean pose, root-relative, over the sequence as four cameras around the room see it.
    seen = []
    for action in ACTIONS:
        joints = sequence(action)[-1][::10]
        for azimuth in np.radians((20, 160, 200, 340)):
            c, s = np.cos(azimuth), np.sin(azimuth)
            seen.append((joints - joints[:, :1]) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]).T)
    seen = np.concatenate(seen)
    assert np.linalg.norm(seen - seen.mean(0), axis=-1).mean() > 180


def test_an_unknown_action_is_refused():
    with pytest.raises(ConfigError, match="Juggling"):
        motion(0, 5, "Juggling", 1, subject_shape(0, 5))
