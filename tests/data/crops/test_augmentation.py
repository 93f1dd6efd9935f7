import numpy as np
import pytest
from scipy import stats

from c2fpose.base.errors import ConfigError
from c2fpose.config.data import AugmentationConfig
from c2fpose.config.schema import parse
from c2fpose.data.crops import augmentation

PAPER = AugmentationConfig()
RICH = AugmentationConfig(
    brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05, blur_probability=0.5, noise_probability=0.5,
    occlusion_probability=0.5,
)  # fmt: skip


def draws(config: AugmentationConfig, count: int = 4000) -> list[augmentation.Draw]:
    return [augmentation.draw(config, 7, 3, record, record // 4) for record in range(count)]


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


@pytest.mark.parametrize(("key", "value"), [("flip_probability", 1.5), ("channel_gain", -0.1), ("hue", 0.9)])
def test_bad_values_are_refused_in_one_line(key, value):
    with pytest.raises(ConfigError, match=rf"data\.augmentation\.{key}={value}") as caught:
        parse(AugmentationConfig, {key: value}, "data.augmentation")
    assert "\n" not in str(caught.value)
