import errno
import json
import os
import shutil
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from c2fpose.base.errors import DataError, UserError
from c2fpose.base.files import OutputError
from c2fpose.base.lock import OccupiedError
from c2fpose.base.workers import WorkerDied
from c2fpose.data import making
from c2fpose.data.schema import SplitReader
from c2fpose.data.synth36 import generate as module
from c2fpose.data.synth36.__main__ import main
from c2fpose.data.synth36.cameras import subject_cameras
from c2fpose.data.synth36.generate import STORED_PX, SyntheticSet, generate, make_shard
from c2fpose.data.synth36.plan import PRESETS, Preset, Shard, shards
from c2fpose.pose.protocol import ACTIONS

TOY = SyntheticSet("toy", Preset(train=2, test=2), seed=0)


class Dots:
    """A stand-in for a person: 17 places near the middle, drawn as a bright dot each."""

    def __init__(self, seed, subject, action, trial, frames):
        spread = np.array([500.0, 500.0, 800.0])
        self.joints_world_mm = np.stack(
            [
                np.random.default_rng([seed, subject, action, trial, int(frame)]).uniform(-1, 1, (17, 3)) * spread
                + np.array([0, 0, 900])
                for frame in frames
            ]
        )

    def picture(self, index, camera, size, rng):
        image = rng.integers(0, 30, (size, size, 3), dtype=np.uint8)
        for x, y in camera.to_image(self.joints_world_mm[index]) - 0.5:  # OpenCV counts from pixel centres
            cv2.circle(image, (round(x * 16), round(y * 16)), 48, (250, 120, 60), -1, cv2.LINE_AA, shift=4)
        return image


def interrupted_after(shards_made):
    """The same, but the run is killed once that many shards are complete."""
    opened = set()

    def open_sequence(seed, subject, action, trial, frames):
        opened.add((subject, action))
        if len(opened) > shards_made:
            raise KeyboardInterrupt
        return Dots(seed, subject, action, trial, frames)

    return open_sequence


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("synth36") / "toy"
    generate(out, TOY, Dots)
    return out


def test_files_hold_the_plan(made):
    assert sorted(path.name for path in made.parent.iterdir()) == ["toy"]
    assert sorted(path.name for path in made.iterdir()) == ["test.h5", "train.h5"]
    for split in ("train", "test"):
        reader = SplitReader(made / f"{split}.h5")
        rows = reader.annotations
        found = list(
            zip(*(rows[name].tolist() for name in ("subject", "action", "trial", "camera", "frame")), strict=True)
        )
        expected = [
            (shard.subject, shard.action, key.trial, key.camera, key.frame)
            for shard in shards(TOY.preset, split)
            for key in shard.keys
        ]
        assert found == expected
        assert reader.info.dataset == "synth36" and reader.info.provenance["seed"] == 0


def test_labels_fit_each_other_and_the_pictures(made):
    reader = SplitReader(made / "test.h5")
    rows = reader.annotations
    focal, middle = rows["intrinsics_px"][:, None, :2], rows["intrinsics_px"][:, None, 2:]
    projected = rows["joints_cam_mm"][..., :2] / rows["joints_cam_mm"][..., 2:] * focal + middle
    np.testing.assert_allclose(projected, rows["joints_px"], atol=2e-3)
    low, high = rows["joints_px"].min(1), rows["joints_px"].max(1)
    np.testing.assert_allclose(200 * rows["scale"], (high - low).max(1) + 40, rtol=1e-5)
    np.testing.assert_allclose(rows["center_px"], (low + high) / 2, atol=1e-3)
    np.testing.assert_allclose(rows["stored_step_px"] * STORED_PX, 1.2 * 200 * rows["scale"], rtol=1e-5)
    for record in range(0, len(reader), 7):
        image = cv2.imdecode(reader.jpeg(record), cv2.IMREAD_COLOR_RGB)
        assert image.shape == (STORED_PX, STORED_PX, 3)
        at = (rows["joints_px"][record] - rows["stored_left_top_px"][record]) / rows["stored_step_px"][record]
        columns, lines = np.floor(at).astype(int).T
        assert (image[lines, columns, 0] > 180).all() and (image[lines, columns, 2] < 140).all()


def test_a_killed_run_leaves_nothing_finished_and_resumes(made, tmp_path):
    out = tmp_path / "toy"
    with pytest.raises(KeyboardInterrupt):
        generate(out, TOY, interrupted_after(20))
    assert not out.exists()
    (tmp_path / "toy.partial" / "shards" / "test_S9_Eating.unfinished.npz").write_bytes(b"half a file")
    opened, heard = [], []

    def counted(*arguments):
        opened.append(arguments[1:3])
        return Dots(*arguments)

    infos = generate(out, TOY, counted, done=heard.append)
    assert len(set(opened)) == 105 - 20 and sum(heard) == 75 * 2 + 30 * 2
    whole = [SplitReader(made / f"{split}.h5").info.fingerprint for split in ("train", "test")]
    assert [info.fingerprint for info in infos] == whole
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["test.h5", "toy", "train.h5"]


def test_killed_between_the_two_files(made, tmp_path, monkeypatch):
    merge = module._merge

    def first_only(unfinished, split, job):
        if split == "test":
            raise KeyboardInterrupt
        merge(unfinished, split, job)

    monkeypatch.setattr(module, "_merge", first_only)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "toy", TOY, Dots)
    assert not (tmp_path / "toy").exists()
    monkeypatch.setattr(module, "_merge", merge)
    infos = generate(tmp_path / "toy", TOY, interrupted_after(0))  # nothing is left to be made
    assert [info.records for info in infos] == [150, 60]


def test_several_processes_make_the_same(made, tmp_path):
    infos = generate(tmp_path / "toy", TOY, Dots, workers=2)
    whole = [SplitReader(made / f"{split}.h5").info.fingerprint for split in ("train", "test")]
    assert [info.fingerprint for info in infos] == whole


def test_finished_work_is_left_alone(made):
    before = (made / "train.h5").stat().st_mtime_ns
    infos = generate(made, TOY, interrupted_after(0))
    assert [info.split for info in infos] == ["train", "test"] and (made / "train.h5").stat().st_mtime_ns == before


def test_other_data_in_the_place_is_refused(made, tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"train\.h5: made with seed=0, asked for 1; remove it or choose another out="):
        generate(made, SyntheticSet("toy", TOY.preset, seed=1), Dots)
    with pytest.raises(DataError, match="made with preset=toy, asked for tiny"):
        generate(made, SyntheticSet("tiny", PRESETS["tiny"], seed=0), Dots)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "toy", TOY, interrupted_after(3))
    monkeypatch.setattr(module, "generator_digest", lambda: "other")
    with pytest.raises(DataError, match=r"toy\.partial: made with generator=\w+, asked for other"):
        generate(tmp_path / "toy", SyntheticSet("toy", TOY.preset, seed=0), Dots)
    with pytest.raises(DataError, match=r"train\.h5: made with generator="):
        generate(made, SyntheticSet("toy", TOY.preset, seed=0), Dots)


def test_the_command_says_what_is_there(made, tmp_path, capfd):
    out = tmp_path / "toy"
    for _ in range(2):
        making.make_with_bar(out, "toy", module.recipe(TOY, Dots), 1)
    said = "".join(capfd.readouterr().err.split())
    assert said.count("alreadythere,complete;nothingtodo") == 1 and said.count("train.h5:") == 2
    assert SplitReader(out / "train.h5").info.fingerprint == SplitReader(made / "train.h5").info.fingerprint


def test_half_a_data_set_is_named(made, tmp_path):
    (tmp_path / "toy").mkdir()
    shutil.copy(made / "train.h5", tmp_path / "toy")
    with pytest.raises(DataError, match=r"test\.h5: no such file"):
        generate(tmp_path / "toy", TOY, Dots)


def test_a_larger_preset_changes_no_image():
    few, _ = make_shard(Shard("train", 6, 4, 5), 0, Dots), None
    many = make_shard(Shard("train", 6, 4, 40), 0, Dots)

    def images(shard):
        annotations, jpegs = shard
        keys = zip(*(annotations[name].tolist() for name in ("trial", "camera", "frame")), strict=True)
        return dict(zip(keys, jpegs, strict=True))

    assert images(few).items() <= images(many).items()


def test_job_notes_are_plain(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "toy", TOY, interrupted_after(1))
    note = json.loads((tmp_path / "toy.partial" / "job.json").read_text())
    assert note["images_per_action"] == {"train": 2, "test": 2} and len(note["generator"]) == 12


def test_the_digest_covers_what_generators_take_from_elsewhere(tmp_path):
    package = Path(module.__file__).parents[2]
    copy = tmp_path / "c2fpose"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__", "*.npz", "*.safetensors"))
    here = copy / "data" / "synth36"
    before = making.generator_code_digest(here, copy)
    assert before == making.generator_code_digest(package / "data" / "synth36")
    camera = copy / "pose" / "camera.py"
    camera.write_text(camera.read_text() + "\nZOOM = 2\n")
    assert making.generator_code_digest(here, copy) != before


def test_the_digest_covers_the_code_and_not_its_words(tmp_path):
    """Whole sets are not refused for a docstring, and none goes on with another renderer or another body."""
    here = tmp_path / "synth36"
    shutil.copytree(Path(module.__file__).parent, here, ignore=shutil.ignore_patterns("__pycache__"))
    before = module.generator_digest(here)
    assert before == module.generator_digest()
    renderer = here / "render" / "render.py"
    text = renderer.read_text()
    renderer.write_text(text.replace('"""', '"""Other words. ', 1) + "\n# a remark\n")
    assert module.generator_digest(here) == before
    renderer.write_text(text.replace("0.75 * cover_at", "0.76 * cover_at"))
    assert module.generator_digest(here) != before
    renderer.write_text(text)
    with open(here / "assets" / "body_pack.npz", "ab") as pack:
        pack.write(b"more")
    assert module.generator_digest(here) != before


# Nothing lost, nothing twice


class KilledWorker(Dots):
    """The process that draws Eating of S9 is killed, as when memory runs out."""

    def __init__(self, seed, subject, action, trial, frames):
        if (subject, action) == (9, ACTIONS.index("Eating")):
            os.kill(os.getpid(), signal.SIGKILL)
        super().__init__(seed, subject, action, trial, frames)


def test_a_dead_worker_ends_the_command_in_one_line_and_what_is_finished_is_kept(made, tmp_path):
    heard = []
    with pytest.raises(WorkerDied, match=r"killed \(SIGKILL.*what is finished is kept, and the same command goes on$"):
        generate(tmp_path / "toy", TOY, KilledWorker, workers=2, done=heard.append)
    kept = len(list((tmp_path / "toy.partial" / "shards").glob("*.npz")))
    assert kept >= len(heard) > 0
    again = []
    infos = generate(tmp_path / "toy", TOY, Dots, done=again.append)
    whole = [SplitReader(made / f"{split}.h5").info.fingerprint for split in ("train", "test")]
    assert [info.fingerprint for info in infos] == whole


def test_a_second_process_is_told_who_is_there(tmp_path):
    def second(*arguments):
        with pytest.raises(OccupiedError, match=rf"toy: process {os.getpid()} on .* has been at work there since"):
            generate(tmp_path / "toy", TOY, Dots)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "toy", TOY, second)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.partial"]


@pytest.mark.parametrize("moment", ["shards removed", "note removed"])
def test_killed_while_it_is_put_in_its_place(made, tmp_path, monkeypatch, moment):
    def kill(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(making.shutil, "rmtree", kill) if moment == "shards removed" else patched.setattr(
            making.os, "replace", lambda old, new: kill() if str(new).endswith("toy") else os.rename(old, new)
        )
        with pytest.raises(KeyboardInterrupt):
            generate(tmp_path / "toy", TOY, Dots)
    shutil.rmtree(tmp_path / "toy.partial" / "shards", ignore_errors=True)
    infos = generate(tmp_path / "toy", TOY, interrupted_after(0))  # nothing is left to be made
    whole = [SplitReader(made / f"{split}.h5").info.fingerprint for split in ("train", "test")]
    assert [info.fingerprint for info in infos] == whole
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["test.h5", "toy", "train.h5"]


def test_damaged_leftovers_are_named(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "toy", TOY, interrupted_after(3))
    shard = next((tmp_path / "toy.partial" / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(DataError, match=f"{shard.name}: cannot be read .*; remove it, and the same command goes on"):
        generate(tmp_path / "toy", TOY, Dots)
    (tmp_path / "toy.partial" / "job.json").write_text("{")
    with pytest.raises(DataError, match=r"job\.json: cannot be read"):
        generate(tmp_path / "toy", TOY, Dots)


def test_bad_places_are_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    for out, message in [
        (tmp_path / "file", r"file: is a file; choose another out="),
        (tmp_path / "file" / "x", rf"x: nothing can be written there \({tmp_path}/file is not a directory\)"),
        (Path("/proc/x"), r"/proc/x: nothing can be written there"),
        (tmp_path / "full", r"full: holds other files \(letter\.txt\); choose another out="),
    ]:
        with pytest.raises(UserError, match=message):
            generate(out, TOY, Dots)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(made, tmp_path, there):
    """To another disk, say: what is unfinished stands there too, and the link stays."""
    disk, link = tmp_path / "disk" / "toy", tmp_path / "link"
    disk.mkdir(parents=True) if there else None
    link.symlink_to(disk)
    with pytest.raises(KeyboardInterrupt):
        generate(link, TOY, interrupted_after(3))
    assert (tmp_path / "disk" / "toy.partial").is_dir()
    infos = generate(link, TOY, Dots)
    assert infos[0].fingerprint == SplitReader(made / "train.h5").info.fingerprint
    assert link.is_symlink() and sorted(path.name for path in link.iterdir()) == ["test.h5", "train.h5"]
    assert [info.fingerprint for info in generate(link, TOY, interrupted_after(0))] == [
        info.fingerprint for info in infos
    ]


def test_where_a_disk_is_mounted_nothing_is_begun(tmp_path, monkeypatch):
    (tmp_path / "toy").mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "toy")
    with pytest.raises(DataError, match=r"toy: a disk is mounted there, which nothing can replace; choose a folder"):
        generate(tmp_path / "toy", TOY, interrupted_after(0))
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_a_full_disk_is_one_line_and_goes_on_afterwards(made, tmp_path, monkeypatch):
    real, calls = np.savez, []

    def full(*arguments, **arrays):
        calls.append(arguments)
        if len(calls) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(*arguments, **arrays)

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
            generate(tmp_path / "toy", TOY, Dots)
    assert not (tmp_path / "toy").exists()
    infos = generate(tmp_path / "toy", TOY, Dots)
    assert infos[0].fingerprint == SplitReader(made / "train.h5").info.fingerprint


# The command


def test_help_and_bad_values(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0 and "preset: tiny" in capsys.readouterr().out
    for arguments, message in [
        (["preset=huge"], "preset=huge: input should be 'few', 'tiny', 'small' or 'full'"),
        (["workers=0"], "workers=0: "),
        (["colour=red"], "colour: no such key"),
        (["tiny"], "tiny: expected key=value"),
    ]:
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        error = capsys.readouterr().err
        assert stopped.value.code == 2 and error.startswith(f"error: {message}") and error.count("\n") == 1


# Real people


@pytest.mark.slow
def test_real_people_are_pure_functions_of_their_key():
    from c2fpose.data.synth36.sequence import RenderedSequence

    camera = subject_cameras(0, 5)[2].cut(np.array([200.0, 150.0]), 9.0)
    together = RenderedSequence(0, 5, ACTIONS.index("Walking"), 2, np.array([1.0, 501.0, 1001.0]))
    alone = RenderedSequence(0, 5, ACTIONS.index("Walking"), 2, np.array([501.0]))
    np.testing.assert_allclose(together.joints_world_mm[1], alone.joints_world_mm[0], atol=1e-6)
    pictures = [
        sequence.picture(index, camera, 64, np.random.default_rng(3)).astype(int)
        for sequence, index in ((together, 1), (alone, 0), (together, 1))
    ]
    assert np.abs(pictures[0] - pictures[2]).max() == 0
    assert (np.abs(pictures[0] - pictures[1]) > 1).mean() < 1e-3
