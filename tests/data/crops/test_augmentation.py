from pathlib import Path

import numpy as np
import pytest
import yaml
from hydra import compose, initialize_config_dir
from scipy import stats

from c2fpose.base.errors import ConfigError
from c2fpose.config.command_line import conf_dir
from c2fpose.config.data import AugmentationConfig
from c2fpose.config.run import train_settings
from c2fpose.config.schema import parse
from c2fpose.data.crops import augmentation

PAPER = AugmentationConfig()
RICH = AugmentationConfig(
    brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05, blur_probability=0.5, noise_probability=0.5,
    occlusion_probability=0.5,
)  # fmt: skip


def draws(config: AugmentationConfig, count: int = 4000, epoch: int = 3) -> list[augmentation.Draw]:
    return [augmentation.draw(config, 7, epoch, record, record // 4) for record in range(count)]


def test_published_distributions():
    many = draws(PAPER)
    scales = np.array([each.scale for each in many])
    turns = np.array([each.rotation_deg for each in many])
    gains = np.array([each.gains for each in many])
    # Scale: N(1, 0.25) held in 0.75..1.25, so a third of the images lie on the limits.
    assert scales.min() == 0.75 and scales.max() == 1.25
    assert abs(np.isin(scales, (0.75, 1.25)).mean() - 2 * stats.norm.cdf(-1)) < 0.03
    inner = scales[(scales > 0.75) & (scales < 1.25)]
    assert stats.kstest(inner, stats.truncnorm(-1, 1, loc=1, scale=0.25).cdf).pvalue > 1e-3
    # Rotation: none in 60 %, else N(0, 30 degrees) held within 60.
    assert abs((turns == 0).mean() - 0.6) < 0.03
    turned = turns[turns != 0]
    assert np.abs(turned).max() == 60
    inner = turned[np.abs(turned) < 60]
    assert stats.kstest(inner, stats.truncnorm(-2, 2, scale=30).cdf).pvalue > 1e-3
    assert abs(np.mean([each.flip for each in many]) - 0.5) < 0.03
    assert stats.kstest(gains.ravel(), stats.uniform(0.8, 0.4).cdf).pvalue > 1e-3
    # Nothing hangs on anything else.
    table = np.column_stack([scales, turns, [each.flip for each in many], gains])
    assert np.abs(np.corrcoef(table.T) - np.eye(6)).max() < 0.06


def test_draws_are_a_function_of_seed_epoch_and_record():
    first = augmentation.draw(PAPER, 1, 2, 3, 0)
    assert first == augmentation.draw(PAPER, 1, 2, 3, 99)
    others = [augmentation.draw(PAPER, *key, 0) for key in ((0, 2, 3), (1, 1, 3), (1, 2, 4), (1, 3, 2))]
    assert len({each.scale for each in [first, *others]}) == 5


def test_whole_batches_flip_together():
    config = AugmentationConfig(flip_whole_batch=True)
    flips = np.array([each.flip for each in draws(config)]).reshape(-1, 4)
    assert (flips == flips[:, :1]).all() and abs(flips.mean() - 0.5) < 0.06


def test_every_epoch_and_repetition_draws_boxes_and_flips_of_its_own():
    config = AugmentationConfig(cut_probability=1.0, shift_spread=0.1, flip_whole_batch=True)
    one, other = draws(config, 80), draws(config, 80, epoch=4)
    for of in (lambda each: (each.towards, each.shift, each.focus), lambda each: each.flip):
        assert [of(each) for each in one] != [of(each) for each in other]
    first, again = (augmentation.draw(config, 7, 3, 5, 0, again=number) for number in (0, 1))
    assert first.shift != again.shift


def test_orders_differ_by_epoch_and_hold_every_record():
    orders = [augmentation.shuffled(50, 0, epoch) for epoch in range(3)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert (orders[0] != orders[1]).any() and (orders[0] == augmentation.shuffled(50, 0, 0)).all()


def test_gains_by_hand():
    planes = np.array([[[100, 0]], [[200, 3]], [[255, 10]]], np.uint8)
    assert augmentation.apply_gains(planes, (1.2, 1.5, 0.8)).tolist() == [[[120, 0]], [[255, 4]], [[204, 8]]]
    assert planes[0].tolist() == [[100, 0]]  # not changed in place


def test_photometric_depends_on_the_seed_alone():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    one, other = augmentation.Photometric(RICH, 64), augmentation.Photometric(RICH, 64)
    expected = [one(image, seed) for seed in range(20)]
    np.random.seed(5)  # noqa: NPY002  global state must not matter
    assert all((other(image, seed) == expected[seed]).all() for seed in reversed(range(20)))
    assert len({each.tobytes() for each in expected}) == 20
    assert all(each.shape == image.shape and each.dtype == np.uint8 for each in expected)


def test_photometric_steps_are_independent():
    """Blur and noise at one half each: all four combinations happen."""
    config = AugmentationConfig(blur_probability=0.5, noise_probability=0.5)
    photometric = augmentation.Photometric(config, 256)
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, 32:] = 200
    seen = set()
    for seed in range(60):
        image = photometric(stripes, seed).astype(int)
        noisy = image[:, 44:].std() > 1
        blurred = abs(image[:, 32].mean() - 200) > 8 or abs(image[:, 31].mean()) > 8
        seen.add(
            (noisy, bool(blurred and not noisy) if not noisy else abs(image[:, 31].mean() - image[:, 20].mean()) > 12)
        )
    assert len(seen) == 4


def test_boxes_as_people_draw_them():
    config = AugmentationConfig(
        scale_spread=0.0, loose_probability=0.25, loose_limit=2.5, cut_probability=0.4, cut_smallest=0.5,
        shift_spread=0.05, border="mixed",
    )  # fmt: skip
    many = draws(config)
    scales, towards = np.array([each.scale for each in many]), np.array([each.towards for each in many])
    loose, cut = scales > 1, scales < 1
    assert abs(loose.mean() - 0.25) < 0.03 and abs(cut.mean() - 0.75 * 0.4) < 0.03
    assert stats.kstest(np.log(scales[loose]) / np.log(2.5), stats.uniform.cdf).pvalue > 1e-3
    assert stats.kstest(scales[cut], stats.uniform(0.5, 0.5).cdf).pvalue > 1e-3
    assert stats.kstest(towards[cut], stats.uniform.cdf).pvalue > 1e-3 and not towards[~cut].any()
    assert {each.focus for each in many} == set(range(17))
    shifts = np.array([each.shift for each in many]) / np.where(loose, scales, 1)[:, None]  # in sides of a loose box
    assert np.abs(shifts).max() == pytest.approx(0.1)
    assert abs(shifts[loose].std() - 0.05) < 0.005 and abs(shifts[~loose].std() - 0.05) < 0.005
    shares = [np.mean([each.border == kind for each in many]) for kind in (0, 1, 4)]  # black, edge, mirror image
    np.testing.assert_allclose(shares, (0.5, 0.25, 0.25), atol=0.03)
    least, most = config.scale_range
    assert least <= scales.min() and scales.max() <= most


def test_new_choices_leave_the_published_draws_alone():
    """What a box does beyond the original's comes from random numbers of its own."""
    more = AugmentationConfig(cut_probability=1.0, shift_spread=0.1, jpeg_probability=0.5)
    for one, other in zip(draws(PAPER, 50), draws(more, 50), strict=True):
        assert (one.rotation_deg, one.flip, one.gains, one.photometric_seed) == (
            other.rotation_deg, other.flip, other.gains, other.photometric_seed,
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["motion", "defocus", "blur"])
def test_blur_is_measured_in_shares_of_the_image(kind):
    """A white dot spreads over the same share of a large image as of a small one."""
    config = AugmentationConfig(**{f"{kind}_probability": 1.0})
    spread = {}
    for size in (128, 512):
        dot = np.zeros((size, size, 3), np.uint8)
        centre, half = size // 2, size // 64
        dot[centre - half : centre + half, centre - half : centre + half] = 255
        photometric = augmentation.Photometric(config, size)
        widths = []
        for seed in range(20):
            rows, columns = np.nonzero(photometric(dot, seed)[..., 0] > 4)
            widths.append(max(np.ptp(rows), np.ptp(columns)) / size)
        spread[size] = np.max(widths)
    assert spread[512] == pytest.approx(spread[128], rel=0.35)
    assert spread[512] > 1.2 * 2 / 64


def test_presets():
    """``original`` is the schema's own; ``photo`` turns every change on that it names."""
    original, photo = (_preset(name) for name in ("original", "photo"))
    assert original == AugmentationConfig() and not original.photometric
    named = yaml.safe_load(Path(conf_dir(), "data/augmentation/photo.yaml").read_text("utf-8"))
    off = [name for name, value in photo if not value and name in named]
    assert not off and photo.photometric


OFF = [name for name, value in PAPER if value == 0 and name not in ("flip_whole_batch", "background_probability")]


@pytest.mark.parametrize("key", OFF)
def test_every_change_that_is_off_does_something_once_it_is_on(key):
    """A key that neither the draws nor the steps look at would train as if it were not there."""
    config, image = AugmentationConfig(**{key: 0.5}), np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    if config.photometric:
        photometric = augmentation.Photometric(config, 64)
        assert any((photometric(image, seed) != image).any() for seed in range(20))
    else:
        assert draws(config, 20) != draws(PAPER, 20)


def _preset(name: str) -> AugmentationConfig:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return train_settings(compose("train", overrides=[f"data/augmentation={name}"])).data.augmentation


@pytest.mark.parametrize(("key", "value"), [("flip_probability", 1.5), ("channel_gain", -0.1), ("hue", 0.9)])
def test_bad_values_are_refused_in_one_line(key, value):
    with pytest.raises(ConfigError, match=rf"data\.augmentation\.{key}={value}") as caught:
        parse(AugmentationConfig, {key: value}, "data.augmentation")
    assert "\n" not in str(caught.value)
