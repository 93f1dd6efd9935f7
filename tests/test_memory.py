"""A limit on the memory of whole commands: one line that says what to lower, exit code 2, nothing half."""

import os
import sys
from pathlib import Path

import pytest
from own_data import make_folder, people
from PIL import Image
from ready import Ready
from toy_networks import VOLUME, trained
from toy_sweeps import TOY, write_files

from c2fpose.model.checkpoints.formats import save_checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits on memory are Linux's"),
]
LARGE = {"image_size": 256, "heatmap_size": 64, "width": 128, "depth_bins": 64, "depths": [64]}
LARGE_PX = (10_000, 8_000)


@pytest.fixture(scope="module")
def ready():
    os.environ["MALLOC_ARENA_MAX"] = "1"  # else each thread reserves 64 MB of addresses
    process = Ready("c2fpose.training.run", "c2fpose.evaluation.checkpoint", "c2fpose.prediction.run",
                    "c2fpose.training.callbacks", "pytorch_lightning", "c2fpose.data.custom.preparation",
                    "c2fpose.data.synth36.generate", "c2fpose.data.synth36.scene.scene", "limited")  # fmt: skip
    yield process
    process.close()
    del os.environ["MALLOC_ARENA_MAX"]


def refused(ready: Ready, folder: Path, more_mb: int, *words: str) -> None:
    """The command ends in one line that says what to lower."""
    (folder / "here").mkdir()
    ready.start(["-m", "limited", str(more_mb), *words], folder / "here")
    code, _ = ready.wait()
    said = (folder / "here.txt").read_text()
    lines = [line for line in said.splitlines() if line.startswith(("error", "Traceback"))]
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: ") and "memory" in lines[0], said
    assert "; lower batch_size" in lines[0] or "smaller" in lines[0], said


def test_training(ready, tmp_path):
    words = [*TOY, *write_files(tmp_path), "model.network.width=1024", "run_dir=run"]
    refused(ready, tmp_path, 400, "c2fpose.train", *words)
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A network that takes half a gigabyte an image."""
    path = tmp_path_factory.mktemp("large") / "net.ckpt"
    module = trained(VOLUME | {"network": VOLUME["network"] | LARGE})
    save_checkpoint(path, module.state_dict(), module.config.model_dump(mode="json"), {})
    return path


def test_evaluation(ready, large, tmp_path):
    test_file = write_files(tmp_path)[1].removeprefix("data.")
    refused(ready, tmp_path, 150, "c2fpose.evaluate", f"ckpt={large}", test_file, "batch_size=6", "precision=32-true")
    assert not list((tmp_path / "here").rglob("evaluation.*"))


def test_prediction(ready, large, tmp_path):
    Image.new("RGB", LARGE_PX).save(tmp_path / "large.png", compress_level=1)
    words = [str(tmp_path / "large.png"), f"ckpt={large}", "person=whole", "out=out"]
    refused(ready, tmp_path, 150, "c2fpose.predict", *words)
    assert not list((tmp_path / "here" / "out").iterdir())


def test_preparation(ready, tmp_path):
    records = people(2)
    make_folder(tmp_path / "mine", records)
    Image.new("RGB", LARGE_PX).save(tmp_path / "mine" / records[0]["image"].replace("jpg", "png"), compress_level=1)
    (tmp_path / "mine" / records[0]["image"]).unlink()
    table = tmp_path / "mine" / "records.csv"
    table.write_text(table.read_text().replace("000.jpg", "000.png"))
    cameras = tmp_path / "mine" / "cameras.yaml"
    cameras.write_text(cameras.read_text().replace("320", "10000").replace("240", "8000"))
    refused(ready, tmp_path, 150, "c2fpose.data.prepare", "source=custom", f"path={tmp_path / 'mine'}", "out=out")
    assert not list((tmp_path / "here").rglob("*.h5"))


def test_generation(ready, tmp_path):
    refused(ready, tmp_path, 12, "c2fpose.data.synth36", "preset=tiny", "workers=1", "out=out")
    assert not list((tmp_path / "here").rglob("*.h5"))
