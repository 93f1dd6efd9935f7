from c2fpose.data import making
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
    assert said.items() <= recipe.provenance.items() and recipe.write.keywords["job"].preset == PRESETS["tiny"]
