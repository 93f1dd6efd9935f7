"""Every source gives the same records; a killed run goes on."""

import cv2
import fabricate_human36m as fabricate
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.base.lock import OccupiedError, alone_in
from c2fpose.data import prepare as door
from c2fpose.data.human36m import assemble, images
from c2fpose.data.schema import FIELDS, SplitReader
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS

IMAGE_SOURCES = ("c2f", "raw", "mmpose", "h36m_fetch", "posenet_json")
TOLERANCE = {"joints_cam_mm": 1e-3, "joints_px": 1e-2, "center_px": 1e-2, "scale": 1e-2 / 200, "intrinsics_px": 1e-2}


@pytest.fixture(scope="session")
def expected(people):
    """Records by hand, from the fabricated people, keyed by subject, action, trial, camera and frame."""
    records = {}
    for take in people.takes:
        for t in take.kept:
            x, y, scale = fabricate.box_by_hand(take.px[t])
            key = (take.subject, ACTIONS.index(take.action), take.trial, take.camera, int(t) + 1)
            records[key] = {
                "joints_cam_mm": take.cam_mm[t],
                "joints_px": take.px[t],
                "center_px": np.array([x, y]),
                "scale": np.array(scale),
                "intrinsics_px": people.cameras[take.subject, take.camera].lens[:4],
            }
    return records


def keys_of(reader):
    return list(
        zip(*(reader.annotations[n].tolist() for n in ("subject", "action", "trial", "camera", "frame")), strict=True)
    )


@pytest.mark.parametrize("source", [*IMAGE_SOURCES, "videopose3d"])
def test_every_source_gives_the_same_records(source, prepare, expected):
    infos = prepare(source, crop="none")
    assert [info.split for info in infos] == ["train", "test"]
    seen = []
    for info in infos:
        reader = SplitReader(info.path)
        keys = keys_of(reader)
        assert keys == sorted(keys)
        assert {key[0] for key in keys} == ({1} if info.split == "train" else {9})
        seen += keys
        for name, tolerance in TOLERANCE.items():
            wanted = np.stack([expected[key][name] for key in keys])
            np.testing.assert_allclose(reader.annotations[name], wanted, rtol=0, atol=tolerance, err_msg=name)
        assert (reader.annotations["stored_left_top_px"] == 0).all()
    assert sorted(seen) == sorted(expected)


@pytest.mark.parametrize("source", IMAGE_SOURCES)
def test_each_record_has_its_own_image(source, prepare, people):
    info = prepare(source, crop="none", subjects=(9,))[0]
    reader = SplitReader(info.path)
    by_key = {
        (take.subject, ACTIONS.index(take.action), take.trial, take.camera, int(t) + 1): (take, i)
        for take in people.takes
        for i, t in enumerate(take.kept)
    }
    for record, key in enumerate(keys_of(reader)):
        take, i = by_key[key]
        jpeg = reader.jpeg(record)
        if source != "raw":
            assert jpeg.tobytes() == take.images[i]  # the source's own bytes
            continue
        image = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        assert image.shape == (fabricate.HEIGHT, fabricate.WIDTH, 3)
        # The grey of the fabricated frame tells its number, the joints the camera and pose.
        assert np.median(image) == pytest.approx(40 + 12 * (key[4] - 1), abs=4)
        difference = np.abs(image.astype(float) - take.frames_bgr[key[4] - 1])
        assert difference.mean() < 6


@pytest.mark.parametrize("source", ["raw", "c2f"])
def test_cut_images_lie_where_they_say(source, prepare, people):
    info = prepare(source, crop="box", margin=1.25, subjects=(9,))[0]
    reader = SplitReader(info.path)
    table = reader.annotations
    for record in range(0, len(reader), 7):
        image = cv2.imdecode(reader.jpeg(record), cv2.IMREAD_COLOR).astype(float)
        left, top = table["stored_left_top_px"][record].astype(int)
        half = 125 * table["scale"][record]
        x, y = table["center_px"][record]
        assert left == max(0, np.floor(x - half)) and top == max(0, np.floor(y - half))
        assert left + image.shape[1] == min(fabricate.WIDTH, np.ceil(x + half))
        assert top + image.shape[0] == min(fabricate.HEIGHT, np.ceil(y + half))
        take = next(
            t
            for t in people.of(9)
            if (ACTIONS.index(t.action), t.trial, t.camera)
            == tuple(table[n][record] for n in ("action", "trial", "camera"))
        )
        frame = take.frames_bgr[table["frame"][record] - 1][top:, left:][: image.shape[0], : image.shape[1]]
        assert np.abs(image - frame).mean() < 6


def test_images_may_stay_files(prepare, sets):
    embedded = prepare("c2f", subjects=(9,), out="a")[0]
    files = prepare("c2f", subjects=(9,), out="b", images="files")[0]
    assert files.fingerprint == embedded.fingerprint
    reader = SplitReader(files.path)
    assert reader.image_file(0).endswith("S9_Photo_1.54138969_000001.jpg")
    assert reader.jpeg(0).tobytes() == SplitReader(embedded.path).jpeg(0).tobytes()
    cut_embedded = prepare("raw", subjects=(9,), out="c")[0]
    cut_files = prepare("raw", subjects=(9,), out="d", images="files")[0]
    assert cut_files.fingerprint == cut_embedded.fingerprint
    assert SplitReader(cut_files.path).jpeg(5).tobytes() == SplitReader(cut_embedded.path).jpeg(5).tobytes()


@pytest.mark.parametrize("source", ["c2f", "mmpose"])
def test_the_corrupt_video_is_left_out_where_a_source_has_it(source, prepare, damaged):
    """MMPose's converter makes no exception of it; the fabricated S9 plays S11, his Photo 1 the Directions."""
    path, names = damaged(source), lambda name: name.replace("S9", "S11").replace("Photo_1", "Directions")
    if source == "mmpose":
        npz = path / "annotation_body3d" / "fps10" / "h36m_test.npz"
        table = dict(np.load(npz))
        np.savez(npz, **table | {"imgname": np.array([names(str(name)) for name in table["imgname"]])})
    else:
        (path / "annot" / "valid.mat").unlink()
        listed = path / "annot" / "valid_images.txt"
        listed.write_text(names(listed.read_text()))
    for file in sorted(path.rglob("*S9*"), key=lambda file: -len(file.parts)):
        file.rename(file.with_name(names(file.name)))
    info = prepare(source, path, subjects=(11,), actions=None, complete=False)[0]
    table = SplitReader(info.path).annotations
    directions = table["action"] == ACTIONS.index("Directions")
    assert info.records == 40 - 3 and set(table["camera"][directions]) == {1, 2, 3}
    assert set(table["camera"][~directions]) == {0, 1, 2, 3}


# --- variants of the sources ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("matlab", ["5", "7.3"])
def test_the_authors_sample_has_center_and_scale_alone(matlab, prepare, people, sets, tmp_path):
    full = prepare("c2f", subjects=(9,), out="full")[0]
    path = fabricate.write_c2f(tmp_path / "sample", people, full=False, matlab=matlab)
    sample = prepare("c2f", path, subjects=(9,), out="sample_out")[0]
    a, b = (SplitReader(info.path).annotations for info in (full, sample))
    for name in FIELDS:
        np.testing.assert_allclose(a[name], b[name], atol=1e-3)


def test_release_with_world_poses_and_no_labels(prepare, people, tmp_path):
    mono = prepare("raw", subjects=(1,), out="mono")[0]
    world = prepare("raw", fabricate.write_raw(tmp_path / "w", people, world=True), subjects=(1,), out="world")[0]
    a, b = (SplitReader(info.path).annotations for info in (mono, world))
    np.testing.assert_allclose(a["joints_cam_mm"], b["joints_cam_mm"], atol=1e-3)
    np.testing.assert_allclose(a["joints_px"], b["joints_px"], atol=1e-2)


def test_both_meanings_of_t_in_posenet_json(prepare, people, tmp_path):
    usual = prepare("posenet_json", out="t")[0]
    path = fabricate.write_posenet_json(tmp_path / "T", people, translation="T")
    other = prepare("posenet_json", path, out="T_out")[0]
    assert other.fingerprint == usual.fingerprint


def test_a_stride_of_the_release(prepare):
    info = prepare("raw", subjects=(9,), every=2)[0]
    assert set(SplitReader(info.path).annotations["frame"].tolist()) == {1, 3, 5, 7, 9, 11}


def test_a_choice_is_recorded_where_it_leaves_something_out(prepare):
    chosen = [info.provenance["subset"] for info in prepare("c2f", cameras=(0, 1, 2, 3))]
    actions = list(fabricate.ACTION_NAMES)
    assert chosen == [{"subjects": [1, 9], "actions": actions}, {"subjects": [1, 9], "actions": actions}]
    whole = prepare("c2f", subjects=(1, 5, 6, 7, 8), actions=None, complete=False, out="whole")
    assert whole[0].provenance["subset"] == {}


def test_mmpose_finds_its_own_cameras(prepare):
    info = prepare("mmpose", metadata=None, subjects=(9,))[0]
    assert info.provenance["calibration"] == "cameras.pkl"
    assert len(info.provenance["lens_distortion"]) == len(CAMERA_SERIALS)


# --- runs ---------------------------------------------------------------------------------------------------------


def test_dry_run_writes_nothing(prepare, tmp_path):
    assert prepare("raw", dry_run=True) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["c2f", "raw"])
@pytest.mark.parametrize("kill_after", [0, 3, 20])
def test_a_killed_run_goes_on(source, kill_after, prepare, tmp_path, monkeypatch):
    whole = prepare(source, out="whole", subjects=(9,), workers=1)[0]
    monkeypatch.setattr(assemble, "CHECKPOINT_BYTES", 1)
    monkeypatch.setattr("c2fpose.data.human36m.split.BLOCK_RECORDS", 2)
    reads, encoded = [], []
    original, encode = images.read_jpeg, images.encode

    class Killed(BaseException):
        pass

    def counted(path):
        reads.append(path)
        return original(path)

    def dying(part, cut):
        encoded.append(part.sequence)
        if len(encoded) > kill_after:
            raise Killed
        return encode(part, cut)

    def dying_read(path):
        if len(reads) >= kill_after:
            raise Killed
        return counted(path)

    monkeypatch.setattr(images, "encode", dying)
    monkeypatch.setattr(images, "read_jpeg", dying_read)
    finished = source == "raw" and kill_after == 20  # fewer sequences than that: the first run is not killed
    if not finished:
        with pytest.raises(Killed):
            prepare(source, subjects=(9,), workers=1)
        assert not (tmp_path / "out" / "test.h5").exists()
    first_reads, first_encoded = len(reads), len(encoded)
    monkeypatch.setattr(images, "encode", lambda part, cut: encoded.append(part.sequence) or encode(part, cut))
    monkeypatch.setattr(images, "read_jpeg", counted)
    again = prepare(source, subjects=(9,), workers=1)[0]
    assert again.fingerprint == whole.fingerprint
    assert SplitReader(again.path).jpeg(39).tobytes() == SplitReader(whole.path).jpeg(39).tobytes()
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["test.h5"]
    if source == "c2f" and kill_after == 20:
        assert len(reads) - first_reads <= 40 - 12  # what was on disk is not read again
    if source == "raw" and kill_after == 3:
        assert len(encoded) - first_encoded == 16 - 3


@pytest.mark.parametrize("left", [b"", b"\x93NUMPY\x01\x00v\x00{'descr': '<i8'", b"\x00" * 200])
def test_sizes_that_a_kill_has_cut_off_are_made_again(left, prepare, tmp_path, monkeypatch):
    """The file that says a shard is complete was once written under its final name, and stopped every later run."""
    whole = prepare("raw", out="whole", subjects=(9,))[0]

    class Killed(BaseException):
        pass

    def kill(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("c2fpose.data.human36m.split.write_embedded", kill)
        with pytest.raises(Killed):
            prepare("raw", subjects=(9,))
    shards = list((tmp_path / "out" / ".prepare").rglob("*.npy"))
    assert shards
    for sizes in shards:
        sizes.write_bytes(left)
    assert prepare("raw", subjects=(9,))[0].fingerprint == whole.fingerprint
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["test.h5"]


def test_a_second_process_is_told_who_is_there(prepare, tmp_path):
    with (
        alone_in(tmp_path / "out"),
        pytest.raises(OccupiedError, match=r"out: process \d+ on .* has been at work there"),
    ):
        prepare("c2f", subjects=(9,))


def test_a_finished_output_is_kept_and_another_refused(prepare, tmp_path):
    info = prepare("c2f", subjects=(9,))[0]
    written = (tmp_path / "out" / "test.h5").stat().st_mtime_ns
    assert prepare("c2f", subjects=(9,))[0] == info
    assert (tmp_path / "out" / "test.h5").stat().st_mtime_ns == written
    with pytest.raises(DataError, match="exists, with other contents; overwrite=true"):
        prepare("c2f", subjects=(9,), every=5, cameras=(0,))
    assert prepare("c2f", subjects=(9,), cameras=(0,), overwrite=True)[0].records == 10


def test_command_line(sets, tmp_path, capsys):
    words = [f"path={sets['c2f']}", f"out={tmp_path / 'o'}", f"metadata={sets['metadata']}"]
    with pytest.raises(SystemExit) as stopped:
        door.main(["source=c2f", *words])
    assert stopped.value.code == 2
    assert "subject S5 is missing altogether; half a download?" in capsys.readouterr().err
    door.main(["source=c2f", *words, "complete=false"])
    assert SplitReader(tmp_path / "o" / "train.h5").info.records == 40
    with pytest.raises(SystemExit):
        door.main(["source=cocoa", *words])
    assert "source=cocoa" in capsys.readouterr().err
