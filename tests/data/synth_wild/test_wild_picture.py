from dataclasses import replace

import numpy as np
import pytest

from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.person.body import BodyShape, load_pack
from c2fpose.data.synth36.person.outfit import sequence_outfit, subject_look
from c2fpose.data.synth36.render.materials import Material
from c2fpose.data.synth36.scene.furniture import Workshop
from c2fpose.data.synth_wild import things
from c2fpose.data.synth_wild.light import draw_light
from c2fpose.data.synth_wild.people import draw_person, recoloured
from c2fpose.data.synth_wild.picture import Setting, View, photograph, seen_beside, solid
from c2fpose.data.synth_wild.things import KINDS, thing
from c2fpose.data.synth_wild.wardrobe import Cut, dressed

SIZE = 64
# Looks along +y at the origin's height of 1 m, from 4 m away.
CAMERA = Camera(
    np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    np.array([0.0, -4000.0, 1000.0]),
    np.array([120.0, 120.0, 32.0, 32.0]),
)


def block(center_mm, size_mm):
    shop = Workshop()
    shop.box(center_mm, size_mm, Material("plain", (0.8, 0.2, 0.2)))
    return solid(shop.placed((0.0, 0.0, 0.0), 0.0))


def taken(behind, period_mm=0.0, shadows=False):
    """A red block before a plain background, by a camera without blur and noise."""
    rng = np.random.default_rng(0)
    light = replace(draw_light(rng), blur=0.0, grain=0.0, white_balance=np.ones(3))
    view, body = View(CAMERA, SIZE), block((0, 0, 900), (500, 300, 900))
    everything = seen_beside(view, body, [], 0.5)
    texture = np.full((64, 64, 3), 90, np.uint8)
    setting = Setting(np.full((SIZE, SIZE, 3), behind, np.uint8), texture, period_mm, 1e9, shadows)
    return photograph(view, everything, np.array([0.0, 0.0, 900.0]), light, setting, rng)


def test_the_mask_says_what_a_background_changes():
    dark, light = taken(40), taken(200)
    np.testing.assert_array_equal(dark.mask, light.mask)
    assert 0.05 < (dark.mask == 255).mean() < 0.5
    np.testing.assert_array_equal(dark.image[dark.mask == 255], light.image[dark.mask == 255])
    bare = dark.mask == 0
    assert np.abs(dark.image[bare].astype(int) - 40).max() <= 2
    assert np.abs(light.image[bare].astype(int) - 200).max() <= 12  # the tone curve's shoulder


def test_the_ground_lies_below_the_horizon_and_takes_shadows():
    without, ground, shadowed = taken(200), taken(200, 500.0), taken(200, 500.0, True)
    bare = without.mask == 0
    horizon = SIZE // 2  # the camera looks level
    np.testing.assert_array_equal(without.image[:horizon][bare[:horizon]], ground.image[:horizon][bare[:horizon]])
    below = bare.copy()
    below[: horizon + 1] = False
    assert np.abs(ground.image[below].astype(int) - 90).max() <= 2
    assert (shadowed.image[below] <= ground.image[below]).all()


@pytest.mark.parametrize(("place", "left_out"), [((0, -900, 900), True), ((600, -900, 900), False)])
def test_what_hides_too_much_is_left_out(place, left_out):
    person, other = block((0, 0, 900), (500, 300, 900)), block(place, (700, 50, 1500))
    everything = seen_beside(View(CAMERA, SIZE), person, [other], 0.5)
    assert (len(everything.mesh.triangles) == len(person.mesh.triangles)) == left_out


@pytest.mark.parametrize("kind", KINDS)
def test_things_stand_on_the_floor_within_their_reach(kind, monkeypatch):
    monkeypatch.setattr(things, "KINDS", {kind: 1.0})
    for number in range(4):
        mesh, reach = thing(np.random.default_rng(number), False, np.array([300.0, -200.0]))
        assert -1 < mesh.vertices_mm[:, 2].min() < 30  # the foot of an office chair stands on castors
        off = np.linalg.norm(mesh.vertices_mm[:, :2] - [300.0, -200.0], axis=1).max()
        assert off < reach + (2800 if kind == "tree" else 60)  # crowns of trees reach out


def test_a_skirt_covers_the_thighs_and_no_garment_is_lost():
    pack = load_pack()
    shape = BodyShape(pack.training_scores[3])
    rng = np.random.default_rng(0)
    look, outfit = subject_look(1, 1, 0.2), sequence_outfit(1, 1, 0, 1)
    plain, skirt = (dressed(rng, False, shape, look, Cut(outfit, skirt_hem_mm=hem)) for hem in (None, 500.0))
    assert (plain.material == 8).sum() == 0 and (skirt.material == 8).sum() > 300
    hem = skirt.rest_vertices_mm[np.unique(skirt.triangles[skirt.material == 8])][:, 2].min()
    assert 350 < hem < 600


def test_other_colours_leave_the_cut_alone():
    rng = np.random.default_rng(5)
    for _ in range(6):
        person = draw_person(rng, True)
        other = recoloured(person, rng, True)
        np.testing.assert_array_equal(other.triangles, person.appearance.triangles)
        np.testing.assert_array_equal(other.rest_vertices_mm, person.appearance.rest_vertices_mm)
        assert other.materials.shape == person.appearance.materials.shape
        assert other.material.max() < len(other.materials)
        assert (other.materials[2] != person.appearance.materials[2]).any()
