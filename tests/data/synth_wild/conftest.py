import pytest

from c2fpose.data.synth_wild import drawing
from c2fpose.data.synth_wild import generate as module
from c2fpose.data.synth_wild.generate import WildSet, generate
from c2fpose.data.synth_wild.plan import Preset, Shard

TOY = WildSet("toy", Preset(train=2, test=1), seed=0)


@pytest.fixture(scope="session")
def toy_shards():
    """Eight images a shard instead of hundreds, and few backgrounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            module, "shards", lambda preset, split: [Shard(split, n, 8) for n in range(getattr(preset, split))]
        )
        patch.setattr(drawing, "BACKGROUNDS", 3)
        yield patch


@pytest.fixture(scope="session")
def made(tmp_path_factory, toy_shards):
    """A folder with a toy data set."""
    out = tmp_path_factory.mktemp("synth_wild") / "toy"
    generate(out, TOY)
    return out
