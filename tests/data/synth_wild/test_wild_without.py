"""Sets in which one ingredient is left plain: that one is, the others vary as ever."""

from typing import get_args

import numpy as np
import pytest

from c2fpose.data.synth36.person.body import BodyShape
from c2fpose.data.synth_wild.__main__ import SynthWildConfig
from c2fpose.data.synth_wild.drawing import STORED_BOXES, Studio
from c2fpose.data.synth_wild.generate import WildSet, recipe
from c2fpose.data.synth_wild.light import draw_light, plain_light
from c2fpose.data.synth_wild.people import draw_person
from c2fpose.data.synth_wild.plan import INGREDIENTS, PRESETS
from c2fpose.data.synth_wild.wardrobe import Cut

SIZE = 64


def spread_of(shots):
    """How much each ingredient varies over some photographs."""
    inside = [
        (abs(shot.camera.to_image(shot.joints_world_mm) - shot.box.center_px) < shot.box.side_px / 2).all()
        for shot in shots
    ]
    return {
        "cameras": np.std([shot.camera.intrinsics_px[0] for shot in shots]),
        "boxes": 1 - np.mean(inside),
        "postures": len({shot.family for shot in shots}) - 1,
        "backgrounds": np.median([shot.photo.image[shot.photo.mask == 0].std(0).max() for shot in shots]),
        "others": np.mean([far_from_the_person(shot) for shot in shots]),
    }


def far_from_the_person(shot):
    """What share of the picture something covers that is not near a joint, the black beyond the photograph apart."""
    step = STORED_BOXES * shot.box.side_px / SIZE
    left_top = shot.box.center_px - 0.5 * step * SIZE
    joints = (shot.camera.to_image(shot.joints_world_mm) - left_top) / step
    cells = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1) + 0.5
    far = np.linalg.norm(cells[:, :, None] - joints, axis=-1).min(-1) > 0.25 * SIZE
    shown = shot.photo.image.any(-1)
    return (far & shown & (shot.photo.mask > 0)).mean()


@pytest.fixture(scope="module")
def spreads():
    def spread(*without):
        studio = Studio(np.random.default_rng(2), test=False, stored_px=SIZE, without=without)
        return spread_of([shot for _ in range(6) for shot in studio.shots(4)])

    return {"all": spread(), "view": spread("cameras", "boxes"), "scene": spread("postures", "backgrounds", "others")}


def test_what_is_left_plain_is(spreads):
    assert spreads["view"]["cameras"] == spreads["view"]["boxes"] == spreads["scene"]["postures"] == 0
    for name in ("backgrounds", "others"):
        assert spreads["scene"][name] < 0.5 * spreads["all"][name]


def test_the_others_vary_as_ever(spreads):
    for name in ("postures", "backgrounds"):
        assert spreads["view"][name] > 0.5 * spreads["all"][name] > 0
    for name in ("cameras", "boxes"):
        assert spreads["scene"][name] > 0.5 * spreads["all"][name] > 0


def test_plain_people_are_adults_with_empty_hands():
    for seed in range(12):
        person = draw_person(np.random.default_rng(seed), test=False, plain=True)
        assert type(person.shape) is BodyShape and person.cut == Cut(person.cut.outfit)
    others = [draw_person(np.random.default_rng(seed), test=False) for seed in range(12)]
    assert any(person.cut != Cut(person.cut.outfit) for person in others)


def test_light_has_no_colour_and_no_other_strength():
    def strengths(draw):
        rows = [draw(np.random.default_rng(seed)).rows[[1, 3, 4, 5]] for seed in range(20)]
        return np.ptp(rows, axis=0).max(), np.ptp(rows, axis=2).max()

    assert strengths(plain_light) == (0, 0)
    assert min(strengths(draw_light)) > 0.2


def test_files_say_what_they_are_without():
    preset = PRESETS["tiny"]
    whole, without = (recipe(WildSet("tiny", preset, 0, without=each)) for each in ((), ("light", "boxes")))
    assert without.provenance["without"] == ["boxes", "light"]
    assert "without" not in whole.provenance


def test_the_command_knows_every_ingredient():
    (words,) = get_args(SynthWildConfig.model_fields["without"].annotation)[:1]
    assert get_args(words) == INGREDIENTS
