import os
import pickle
import sys
import warnings

import cv2
import numpy as np
import pytest

from c2fpose.data import making
from c2fpose.data.synth_wild import generate
from c2fpose.data.synth_wild.__main__ import main
from c2fpose.data.synth_wild.photographs import MADE
from c2fpose.data.synth_wild.plan import PRESETS


def test_command_makes_what_its_keys_say(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(making, "make_with_bar", lambda out, title, recipe, workers: asked.append((out, recipe)))
    main([f"out={tmp_path / 'wild'}", "preset=tiny", "seed=3", "stored_px=64"])
    ((out, recipe),) = asked
    assert out == tmp_path / "wild"
    assert {split: len(shards) for split, shards in recipe.shards.items()} == {"train": 4, "test": 1}
    said = {"preset": "tiny", "seed": 3, "stored_px": 64, "backgrounds": MADE}
    assert said.items() <= recipe.provenance.items()
    (write_shard,) = recipe.write.args
    assert write_shard.keywords["job"].preset == PRESETS["tiny"]


def test_worker_processes_warn_in_one_line_too(monkeypatch, tmp_path, capsys):
    """They are spawned: nothing that was set in the parent is set there."""
    asked, at_first = [], warnings.showwarning
    monkeypatch.setattr(warnings, "showwarning", at_first)  # put back after the test
    monkeypatch.setattr(making, "make_with_bar", lambda out, title, recipe, workers: asked.append(recipe))
    monkeypatch.setattr(generate, "write_shard", _warns)
    main([f"out={tmp_path / 'wild'}", "preset=tiny"])
    (sent,) = pickle.loads(pickle.dumps(asked))
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = at_first
        assert sent.write(tmp_path, "shard") == "shard"
    assert capsys.readouterr().err == "warning: pictures: 1 of 2 files\n"


def _warns(unfinished, shard, *, job):
    warnings.warn("pictures: 1 of 2 files", stacklevel=1)
    return shard


def test_a_folder_that_would_not_be_used_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit:
        main([f"out={tmp_path / 'wild'}", f"backgrounds={tmp_path}", "without=[light,backgrounds]"])
    assert exit.value.code == 2
    assert "none of the folder's would be used: without=[backgrounds]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_photographs_leaves_nothing_behind(tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "notes.txt").write_text("no image")
    with pytest.raises(SystemExit) as exit:
        main([f"out={tmp_path / 'wild'}", "preset=tiny", f"backgrounds={pictures}"])
    assert exit.value.code == 2
    assert capsys.readouterr().err == f"error: {pictures}: holds no photograph that can be read (1 files)\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


@pytest.mark.skipif(sys.platform != "linux", reason="others let no file have such a name")
def test_names_that_are_not_utf8_are_refused_before_opencv_crashes_on_them(tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    picture = cv2.imencode(".png", np.full((40, 50, 3), 200, np.uint8))[1].tobytes()
    (pictures / os.fsdecode(b"caf\xe9.png")).write_bytes(picture)
    with pytest.raises(SystemExit) as exit:
        main([f"out={tmp_path / 'wild'}", "preset=tiny", f"backgrounds={pictures}"])
    assert exit.value.code == 2
    said = f"error: {pictures}: the name 'caf\\udce9.png' is not UTF-8; rename this file\n"
    assert capsys.readouterr().err == said
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_files_that_are_no_images_are_one_line(monkeypatch, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "sky.png"), np.full((40, 50, 3), 200, np.uint8))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back after the test
    monkeypatch.setattr(making, "make_with_bar", lambda *_: warnings.warn("pictures: 1 of 2 files", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        main([f"out={tmp_path / 'wild'}", "preset=tiny", f"backgrounds={tmp_path}"])
    assert capsys.readouterr().err == "warning: pictures: 1 of 2 files\n"
