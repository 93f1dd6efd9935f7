import numpy as np
import pytest

from c2fpose.data.synth36.person.body import BodyShape, joints_mm, load_pack, pose_bones, skin
from c2fpose.data.synth36.person.rig import CHEST, FEET, HEAD, PELVIS, rig_of
from c2fpose.data.synth_wild.postures import FAMILIES, draw_postures
from c2fpose.data.synth_wild.solving import solve
from c2fpose.pose.skeleton import JOINTS, left_is_left


@pytest.fixture(scope="module")
def person():
    shape = BodyShape(load_pack().training_scores[7])
    return shape, rig_of(shape)


@pytest.fixture(scope="module")
def solved(person):
    postures = draw_postures(np.random.default_rng(3), list(FAMILIES), 24)
    return postures, solve(postures, person[1])


def test_every_family_has_postures_that_bodies_can_take(solved):
    possible = solved[1].possible.reshape(len(FAMILIES), -1).mean(1)
    assert dict(zip(FAMILIES, possible > 0.05, strict=True)) == dict.fromkeys(FAMILIES, True)


def test_bones_hang_together(person, solved):
    shape, rig = person
    local, root_mm = solved[1].local(rig)
    _, heads_mm = pose_bones(shape.rest_heads_mm, local, root_mm)
    np.testing.assert_allclose(heads_mm, solved[1].heads_mm, atol=2.0)
    np.testing.assert_allclose(local @ np.swapaxes(local, -1, -2), np.broadcast_to(np.eye(3), local.shape), atol=1e-6)


def test_knees_and_elbows_bend_one_way_only(person, solved):
    """Seen by somebody who knows the joints alone: shins fold back behind thighs, forearms fold forward."""
    shape, rig = person
    local, root_mm = solved[1].local(rig)
    rows = np.flatnonzero(solved[1].possible)
    joints = joints_mm(shape, local[rows], root_mm[rows])
    place = {name: joints[:, number] for number, name in enumerate(JOINTS)}
    for side in ("left", "right"):
        thigh, shin = place[f"{side}_knee"] - place[f"{side}_hip"], place[f"{side}_ankle"] - place[f"{side}_knee"]
        along = (thigh * shin).sum(1) / np.linalg.norm(thigh, axis=1) / np.linalg.norm(shin, axis=1)
        assert along.min() > np.cos(np.radians(160))
    assert left_is_left(joints).mean() > 0.8


def test_nobody_sinks_into_the_floor(person, solved):
    shape, rig = person
    postures, bones = solved
    local, root_mm = bones.local(rig)
    for row in np.flatnonzero(bones.possible)[::9]:
        surface = skin(shape, local[row], root_mm[row])
        body = surface[np.unique(load_pack().triangles["body"])]
        assert body[:, 2].min() > -60.0
        assert body[:, 2].min() - postures.lifted_mm[row] < 60.0


def test_families_are_what_they_are_called(solved):
    _, bones = solved
    names = np.repeat(list(FAMILIES), 24)
    good = bones.possible
    height = bones.heads_mm[:, PELVIS, 2]
    trunk = bones.heads_mm[:, CHEST] - bones.heads_mm[:, PELVIS]
    upright = trunk[:, 2] / np.linalg.norm(trunk, axis=1)
    assert upright[good & (names == "standing")].min() > 0.8
    assert np.abs(upright[good & (names == "lying")]).max() < 0.75
    assert height[good & (names == "on_the_floor")].max() < 230
    assert height[good & (names == "squatting")].max() < 850
    assert bones.heads_mm[good & (names == "on_all_fours"), HEAD, 2].max() < 1200
    feet = bones.heads_mm[:, list(FEET), 2]
    assert np.median(np.abs(feet[good & (names == "one_leg")][:, 0] - feet[good & (names == "one_leg")][:, 1])) > 150
