from c2fpose.data.synth_wild import generate as module
from c2fpose.data.synth_wild.__main__ import main
from c2fpose.data.synth_wild.plan import PRESETS


def test_command_makes_what_its_keys_say(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(module, "generate", lambda out, job, *_: asked.append((out, job)) or [])
    main([f"out={tmp_path / 'wild'}", "preset=tiny", "seed=3", "stored_px=64"])
    ((out, job),) = asked
    assert (out, job.name, job.preset, job.seed) == (tmp_path / "wild", "tiny", PRESETS["tiny"], 3)
    assert (job.stored_px, job.backgrounds, job.skeleton) == (64, module.MADE, "c2f17")
