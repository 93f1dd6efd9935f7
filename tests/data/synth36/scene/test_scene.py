"""Rooms, furniture and clothes: where they may stand, and that training and test share none of them."""

import colorsys

import numpy as np
import pytest

from c2fpose.data.synth36.cameras import subject_cameras
from c2fpose.data.synth36.person.body import subject_shape
from c2fpose.data.synth36.person.dressing import places, sequence_appearance
from c2fpose.data.synth36.person.outfit import sequence_outfit
from c2fpose.data.synth36.person.props import PROPS, STANDING, grip_of
from c2fpose.data.synth36.render.materials import HUE_CELLS, palette_colour
from c2fpose.data.synth36.scene.scene import SEAT_SIZE_MM, SeatRequest, sequence_scene
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS


def test_palettes_of_training_and_test_have_no_hue_in_common():
    rng = np.random.default_rng(0)
    for test in (False, True):
        for _ in range(300):
            colour = palette_colour(rng, test, (0.2, 0.9), (0.2, 0.9))
            cell = int(colorsys.rgb_to_hsv(*colour)[0] * HUE_CELLS)
            assert cell % 2 == int(test)


def test_training_and_test_share_no_clothes_and_no_room():
    def looks(subjects):
        clothes, rooms = set(), set()
        for subject in subjects:
            for action in range(5):
                for trial in (1,):
                    outfit = sequence_outfit(0, subject, action, trial)
                    clothes |= {
                        ("top", outfit.top.colour),
                        ("legs", outfit.trousers.colour),
                        ("shoes", outfit.shoes.colour),
                    }
                    room = sequence_scene(0, subject, action, trial).room
                    rooms |= {tuple(row[1:4].round(6)) for row in room.faces[[0, 2, 3, 4, 5]]}
        return clothes, rooms

    train_clothes, train_rooms = looks(TRAIN_SUBJECTS)
    test_clothes, test_rooms = looks(TEST_SUBJECTS)
    assert len(train_clothes) > 60 and len(test_clothes) > 25
    assert not train_clothes & test_clothes
    assert not train_rooms & test_rooms


def test_clothes_change_with_the_sequence_and_skin_does_not():
    shape = subject_shape(0, 9)
    first, second = sequence_appearance(0, 9, 2, 1, shape), sequence_appearance(0, 9, 3, 1, shape)
    skin = 0
    assert not np.allclose(first.materials[2, 1:4], second.materials[2, 1:4])
    np.testing.assert_array_equal(first.materials[skin], second.materials[skin])


def test_a_scene_is_a_function_of_its_keys():
    seat = SeatRequest("sofa", 430.0, (100.0, -200.0), 0.4)
    first, again = sequence_scene(3, 6, 8, 1, seat), sequence_scene(3, 6, 8, 1, seat)
    np.testing.assert_array_equal(first.mesh.vertices_mm, again.mesh.vertices_mm)
    np.testing.assert_array_equal(first.room.faces, again.room.faces)
    np.testing.assert_array_equal(first.light, again.light)
    assert not np.array_equal(first.room.faces, sequence_scene(3, 6, 8, 2, seat).room.faces)


def test_furniture_stays_out_of_the_persons_way_and_cameras_stand_in_the_room():
    keep_out_mm = np.array([[-1300.0, -900.0], [700.0, 1600.0]])
    pieces = 0
    for action in range(8):
        scene = sequence_scene(0, 7, action, 1, None, keep_out_mm)
        for vertices in scene.mesh.vertices_mm[scene.mesh.triangles]:
            low, high = vertices[:, :2].min(0), vertices[:, :2].max(0)
            assert not ((high > keep_out_mm[0]) & (low < keep_out_mm[1])).all()
        pieces += len(scene.furniture)
        for camera in subject_cameras(0, 7):
            assert (camera.position_mm > scene.room.box_mm[0] + 300).all()
            assert (camera.position_mm < scene.room.box_mm[1] - 300).all()
            gaps = [np.abs(camera.position_mm[:2] - piece.center_mm[:2]).max() for piece in scene.furniture]
            assert min(gaps, default=1e3) > 300
    assert pieces > 20


def surface_height(corners: np.ndarray, height: np.ndarray, spot: np.ndarray) -> float:
    """Height of the highest triangle over a place: ``corners (T, 3, 2)``, ``height (T, 3)``."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]

    def area(u, v):
        return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]

    flat = np.abs(area(b - a, c - a)) > 1e-6
    a, b, c, height = a[flat], b[flat], c[flat], height[flat]
    wb, wc = area(spot - a, c - a) / area(b - a, c - a), area(b - a, spot - a) / area(b - a, c - a)
    inside = (wb >= 0) & (wc >= 0) & (wb + wc <= 1)
    return float((height[:, 0] + wb * (height[:, 1] - height[:, 0]) + wc * (height[:, 2] - height[:, 0]))[inside].max())


@pytest.mark.parametrize("kind", sorted(SEAT_SIZE_MM))
@pytest.mark.parametrize("yaw", [0.0, 2.1])
def test_seats_are_as_high_as_asked_and_have_their_back_behind(kind, yaw):
    place = np.array([300.0, -150.0])
    scene = sequence_scene(
        0, 1, 8, 1, SeatRequest(kind, 437.0, tuple(place), yaw), np.array([[-1500.0] * 2, [1500.0] * 2])
    )
    seat = scene.furniture[0]
    assert seat.kind == kind
    assert seat.center_mm[2] + seat.size_mm[2] / 2 == pytest.approx(437.0)
    # In the seat's own frame, where a person sits facing +y.
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    corners = scene.mesh.vertices_mm[scene.mesh.triangles]
    local = (corners[..., :2] - place) @ turn
    mine = np.abs(local).max((1, 2)) < 1300
    local, height = local[mine], corners[mine][..., 2]
    for spot in ((31.0, 17.0), (-60.0, 90.0)):
        assert surface_height(local, height, np.array(spot)) == pytest.approx(437.0, abs=3.0)
    high = height.max(1) > 437 + 100
    if kind in ("chair", "sofa"):
        assert high.any()
        assert local[height.max(1) > 437 + 250][..., 1].max() < 0
    else:
        assert not high.any()


def test_hems_follow_the_outfit():
    """Sleeves end along the arm and trousers above the floor as the outfit says."""
    shape = subject_shape(0, 6)
    for trial in range(1, 6):
        outfit, person = sequence_outfit(0, 6, 0, trial), sequence_appearance(0, 6, 0, trial, shape)
        where = places()
        shirt = np.unique(person.triangles[person.material == 2])
        shirt = shirt[person.channels[shirt, 3] >= 0]
        assert where.along_arm[person.vertex_index[shirt]].max() <= outfit.sleeve_mm
        legs = np.unique(person.triangles[person.material == 3])
        legs = legs[person.channels[legs, 3] >= 0]
        assert where.height[person.vertex_index[legs]].min() >= outfit.trouser_hem_mm


def test_shoes_reach_the_floor_and_nothing_goes_below():
    shape = subject_shape(0, 8)
    rest_mm = sequence_appearance(0, 8, 1, 1, shape).rest_vertices_mm
    assert 0 <= rest_mm[:, 2].min() < 3


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_grip_is_in_the_hand_and_opens_inwards(side):
    shape = subject_shape(0, 1)
    grip = grip_of(shape, side)
    wrist = shape.landmarks_mm[f"{side}_hand"]
    assert 40 < np.linalg.norm(grip.place_mm - wrist) < 140
    np.testing.assert_allclose([grip.fingers @ grip.palm, np.linalg.norm(grip.palm)], [0, 1], atol=1e-9)
    inwards = 1 if side == "left" else -1  # arms hang outwards: palms look at the body or down
    assert inwards * grip.palm[0] > 0 or grip.palm[2] < -0.3


@pytest.mark.parametrize("prop", PROPS)
def test_props_follow_the_hand_or_stand_on_the_floor(prop):
    shape = subject_shape(0, 11)
    person = sequence_appearance(0, 11, 4, 1, shape, prop, "left")
    follows = person.prop.follows
    local = np.tile(np.eye(3), (19, 1, 1))
    root_mm = np.array([500.0, 300.0, shape.rest_heads_mm[0, 2]])
    posed_mm = person.pose(local, root_mm)[-len(follows) :]
    hand_mm = shape.landmarks_mm["left_fingers"] + root_mm - shape.rest_heads_mm[0]
    held = posed_mm[follows != STANDING]
    if len(held):
        assert np.linalg.norm(held - hand_mm, axis=1).min() < 120
    standing = posed_mm[(follows == STANDING)]
    assert prop != "leash" or (len(standing) > 500 and -5 < standing[:, 2].min() < 15)


def test_an_unknown_prop_is_refused():
    with pytest.raises((KeyError, AssertionError)):
        sequence_appearance(0, 1, 0, 1, subject_shape(0, 1), "umbrella")
