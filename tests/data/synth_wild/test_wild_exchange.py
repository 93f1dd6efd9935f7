import os
import sys

import cv2
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.config.data import AugmentationConfig, DataConfig
from c2fpose.data.dataset import PoseDataset, Turn
from c2fpose.data.schema import SplitReader
from c2fpose.data.synth_wild.exchange import Backgrounds


def still(**more):
    """No augmentation but what is asked for."""
    return AugmentationConfig(
        scale_spread=0, rotation_spread_deg=0, flip_probability=0, channel_gain=0, background_probability=1, **more
    )


def data(reader, augmentation):
    config = DataConfig(train_file="", test_file="", image_size=64, augmentation=augmentation)
    return PoseDataset(reader, np.arange(len(reader)), config, seed=0)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for number, colour in enumerate(((255, 0, 0), (0, 255, 0))):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((60, 90, 3), colour, np.uint8))
    return folder


def test_people_stay_and_backgrounds_change(made, photographs):
    reader = SplitReader(made / "train.h5")
    exchanged, as_stored = data(reader, still(backgrounds=str(photographs))), data(reader, None)
    for record in range(len(reader)):
        new, old = exchanged[Turn(record, 0, 0)].sample["image"], as_stored[record].sample["image"]
        to_crop = cv2.imdecode(reader.mask(record), cv2.IMREAD_GRAYSCALE)
        # The middle 1 / 1.2 of the stored image is the box.
        margin = round(256 / 12)
        mask = cv2.resize(to_crop[margin:-margin, margin:-margin], (64, 64), interpolation=cv2.INTER_AREA)
        difference = np.abs(new.astype(int) - old).max(0)
        inner, outer = (cv2.erode(part.astype(np.uint8), np.ones((5, 5))) > 0 for part in (mask > 250, mask < 5))
        assert difference[inner].max(initial=0) <= 8  # what is soft in front lets a little through
        if outer.any():
            behind = new[:, outer].astype(int)
            assert (np.sort(behind, 0)[1] < 40).all()  # one of the two plain colours, toned


def test_the_same_turn_gives_the_same_background(made):
    reader = SplitReader(made / "train.h5")
    first, second = (data(reader, still())[Turn(3, 5, 0)].sample["image"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_files_that_are_no_images_are_named_in_one_line(photographs):
    (photographs / "notes.txt").write_text("no image")
    whole = next(path for path in sorted(photographs.iterdir()) if path.suffix in (".jpg", ".png")).read_bytes()
    (photographs / "download.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"2 of 4 files are no images, or cut off: notes.txt, download.jpg"):
        Backgrounds(str(photographs), 32, 0).prepare()


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_photographs_is_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=f"{folder}: "):
        Backgrounds(str(tmp_path / folder), 32, 0).prepare()


@pytest.mark.skipif(sys.platform != "linux", reason="others let no file have such a name")
def test_names_that_are_not_utf8_are_refused_before_opencv_crashes_on_them(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"any")
    with pytest.raises(DataError, match=r"the name 'caf\\udce9.png' is not UTF-8; rename this file"):
        Backgrounds(str(tmp_path), 32, 0).prepare()


def test_a_file_without_masks_keeps_its_backgrounds(make_split):
    """One may stand beside files with masks in a training (``data.mix``)."""
    reader = SplitReader(make_split())
    exchanged, as_stored = data(reader, still()), data(reader, None)
    for record in range(3):
        new, old = exchanged[Turn(record, 0, 0)].sample["image"], as_stored[record].sample["image"]
        np.testing.assert_array_equal(new, old)
