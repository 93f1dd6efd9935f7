"""People cut out of synth36: the mask is the person, the joints lie on it."""

import numpy as np
import pytest
from fabricated import jpeg, people

from c2fpose.base.errors import DataError
from c2fpose.data.schema import SplitReader, write_split
from c2fpose.prediction.finder.cutouts import CUTOUT_PX, ROOM_PX, VIEWS, from_file, gather


@pytest.fixture(scope="module")
def pieces():
    return gather(3, (1,), VIEWS)


def test_joints_lie_on_the_person(pieces):
    cutouts, _ = pieces
    assert len(cutouts) == VIEWS
    for cutout in cutouts:
        assert cutout.image.shape == (CUTOUT_PX, CUTOUT_PX, 3) and cutout.alpha.shape == (CUTOUT_PX, CUTOUT_PX)
        assert (cutout.joints_px > 0).all() and (cutout.joints_px < CUTOUT_PX).all()
    on = [cutout.alpha[tuple(cutout.joints_px.astype(int).T[::-1])] > 127 for cutout in cutouts]
    assert np.mean(on) > 0.8  # furniture may stand in front
    covered = [(cutout.alpha > 127).mean() for cutout in cutouts]
    assert min(covered) > 0.02 and max(covered) < 0.6


def test_rooms_with_and_without_somebody(pieces):
    _, rooms = pieces
    assert len(rooms) == VIEWS // 2 and len(rooms[0].joints_px) == 0
    assert all(room.image.shape == (ROOM_PX, ROOM_PX, 3) for room in rooms)
    assert any(len(room.joints_px) == 1 for room in rooms)


def test_the_same_seed_gives_the_same_pieces(pieces):
    again, _ = gather(3, (1,), 2)
    for first, second in zip(pieces[0], again, strict=False):
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.alpha, second.alpha)


def test_a_file_without_masks_is_refused(tmp_path):
    path = tmp_path / "train.h5"
    images = map(jpeg, range(4))
    write_split(path, people(4, 0, "train"), images, dataset="synth36", split="train", provenance={})
    assert not SplitReader(path).has_masks
    with pytest.raises(DataError, match="holds no masks"):
        from_file(path, 5, 0)
