from collections import Counter

import numpy as np
import pytest

from c2fpose.data.synth36.plan import BLOCK, FRAMES_USED, PRESETS, SUBJECTS, TRIALS, image_key, shards


@pytest.mark.parametrize(
    ("name", "train", "test"), [("tiny", 2000, 400), ("small", 10000, 2000), ("full", 40000, 8000)]
)
def test_sizes(name, train, test):
    preset = PRESETS[name]
    assert abs(preset.images("train") / train - 1) < 0.03 and abs(preset.images("test") / test - 1) < 0.03
    assert sum(shard.images for shard in shards(preset, "train")) == preset.images("train")


def test_larger_presets_hold_the_smaller_ones():
    for split in SUBJECTS:
        keys = [
            {(shard.subject, shard.action, key) for shard in shards(PRESETS[name], split) for key in shard.keys}
            for name in ("tiny", "small", "full")
        ]
        assert keys[0] < keys[1] < keys[2]


@pytest.mark.parametrize("name", PRESETS)
def test_no_image_twice_and_all_cameras_alike(name):
    for split in SUBJECTS:
        made = shards(PRESETS[name], split)
        keys = [(shard.subject, shard.action, key) for shard in made for key in shard.keys]
        assert len(set(keys)) == len(keys) == PRESETS[name].images(split)
        by_camera = Counter(key.camera for _, _, key in keys)
        assert set(by_camera) == {0, 1, 2, 3} and max(by_camera.values()) - min(by_camera.values()) < 0.02 * len(keys)
        assert set(Counter((subject, action) for subject, action, _ in keys).values()) == {made[0].images}


def test_frames_of_a_sequence_lie_far_apart():
    frames = sorted({image_key(5, 3, number).frame for number in range(BLOCK)})
    assert len(frames) == BLOCK and np.diff(frames).min() >= 50
    assert all(1 <= frame <= 1500 and frame % 5 == 1 for frame in frames)


def test_frames_do_not_repeat():
    keys = [image_key(9, 14, number) for number in range(TRIALS * FRAMES_USED)]
    assert len({(key.trial, key.frame) for key in keys}) == len(keys)
