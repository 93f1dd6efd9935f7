import cv2
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.data.schema import SplitReader
from c2fpose.data.synth36.generate import generator_digest as synth36_digest
from c2fpose.data.synth_wild import generate as module
from c2fpose.data.synth_wild.generate import WildSet, generate, generator_digest, make_shard
from c2fpose.data.synth_wild.plan import IMAGES_OF_PERSON, PRESETS, SUBJECTS, Preset, Shard
from c2fpose.data.synth_wild.postures import FAMILIES
from c2fpose.data.verification.report import verify

TOY = WildSet("toy", Preset(train=2, test=1), seed=0)


def test_files_hold_people_of_the_splits_subjects(made):
    for split, images in (("train", 16), ("test", 8)):
        reader = SplitReader(made / f"{split}.h5")
        rows = reader.annotations
        assert len(reader) == images and reader.info.dataset == "synth_wild"
        assert set(rows["subject"]) <= set(SUBJECTS[split])
        assert reader.info.provenance["families"] == list(FAMILIES)
        people = np.unique(np.stack([rows["subject"], rows["trial"]], 1), axis=0)
        assert len(people) == images / IMAGES_OF_PERSON


def test_verify_finds_nothing_wrong(made):
    reader = SplitReader(made / "train.h5")
    findings = verify(reader, "all", 0)
    status = {finding.check: finding.status for finding in findings}
    assert status.pop("handedness") in ("pass", "note", "fail")  # a share of 16 people says little
    assert "fail" not in status.values()
    assert {status[check] for check in ("fingerprint", "reprojection", "sequences", "limbs")} == {"pass"}


def test_limbs_of_each_person_keep_their_lengths(made):
    from c2fpose.pose.skeleton import limb_lengths_mm

    rows = SplitReader(made / "train.h5").annotations
    lengths = limb_lengths_mm(rows["joints_cam_mm"].astype(float))
    rigid = [0, 1, 3, 4, 5, 6, 12, 13, 14, 15]  # hips, thighs, shins, upper arms, forearms
    for person in np.unique(np.stack([rows["subject"], rows["trial"]], 1), axis=0):
        own = lengths[(rows["subject"] == person[0]) & (rows["trial"] == person[1])]
        assert np.ptp(own[:, rigid], axis=0).max() < 1.0


def test_masks_are_images_of_the_people(made):
    reader = SplitReader(made / "train.h5")
    rows = reader.annotations
    covered = []
    for record in range(len(reader)):
        mask = cv2.imdecode(reader.mask(record), cv2.IMREAD_GRAYSCALE)
        image = cv2.imdecode(reader.jpeg(record), cv2.IMREAD_COLOR)
        assert mask.shape == image.shape[:2]
        assert 0.02 < (mask > 0).mean() < 0.98
        places = (rows["joints_px"][record] - rows["stored_left_top_px"][record]) / rows["stored_step_px"][record]
        inside = ((places >= 2) & (places < mask.shape[0] - 2)).all(1)
        near = cv2.dilate(mask, np.ones((5, 5), np.uint8))  # the nose lies on the outline
        covered += near[tuple(places[inside].astype(int).T[::-1])].tolist()
    assert np.mean(np.array(covered) == 255) > 0.97


def test_a_file_without_masks_reads_as_before(make_split):
    reader = SplitReader(make_split())
    assert not reader.has_masks and reader.mask(0) is None


def test_a_shard_depends_on_its_number_alone(made, toy_shards):
    annotations, images, masks = make_shard(Shard("train", 1, 8), TOY)
    reader = SplitReader(made / "train.h5")
    for name, array in annotations.items():
        np.testing.assert_array_equal(array, reader.annotations[name][8:])
    assert images == [reader.jpeg(8 + record).tobytes() for record in range(8)]
    assert masks == [reader.mask(8 + record).tobytes() for record in range(8)]


def test_presets_contain_each_other():
    sizes = [(preset.train, preset.test) for preset in PRESETS.values()]
    assert sizes == sorted(sizes)


def test_a_finished_set_is_left_alone_and_another_refused(made):
    assert [info.records for info in generate(made, TOY)] == [16, 8]
    with pytest.raises(DataError, match="seed=0, asked for 1"):
        generate(made, WildSet("toy", TOY.preset, 1))


def test_the_digest_covers_both_generators(monkeypatch):
    before = generator_digest()
    monkeypatch.setattr(module.synth36, "generator_digest", lambda: "other")
    assert generator_digest() != before and before != synth36_digest()
