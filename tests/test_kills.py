"""Commands of a run, stopped at random moments: given again, they make what they would have made undisturbed."""

import os

import cv2
import numpy as np
import pytest
from PIL import Image
from stops import Fresh, Stopping
from toy_networks import TINY, trained
from toy_sweeps import TOY, write_files

from c2fpose.model.checkpoints.formats import save_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.torture]
long = pytest.mark.skipif("C2FPOSE_TORTURE" not in os.environ, reason="minutes: make torture")
SHORT = [*TOY, "trainer.max_steps=8", "trainer.validate_every=2"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Data files, a network, pictures and a video of toy size."""
    folder = tmp_path_factory.mktemp("made")
    files = write_files(folder)
    module = trained(TINY)
    save_checkpoint(folder / "toy.ckpt", module.state_dict(), module.config.model_dump(mode="json"), {})
    y, x = np.mgrid[:120, :160]
    image = np.stack([x, y, x + y], -1).astype(np.uint8)
    (folder / "pictures").mkdir()
    for number in range(3):
        Image.fromarray(np.roll(image, 20 * number, 1)).save(folder / "pictures" / f"{number}.jpg")
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 120))
    for number in range(6):
        writer.write(np.roll(image, 3 * number, axis=1))
    writer.release()
    return folder, files


def test_training(ready, made, tmp_path):
    words = [
        "-m",
        "c2fpose.train",
        *SHORT,
        *made[1],
        "run_dir=run",
        "resume=auto",
        "model.optimizer.schedule=one_cycle",
    ]
    Stopping(ready, words).check(tmp_path, seed=1)


def test_evaluation(ready, made, tmp_path):
    folder, files = made
    words = ["-m", "c2fpose.evaluate", f"ckpt={folder}/toy.ckpt", files[1].removeprefix("data."), "out=out"]
    Stopping(ready, [*words, "batch_size=2", "precision=32-true"]).check(tmp_path, seed=2)


@long
@pytest.mark.parametrize("launcher", ["one", "joblib", "submitit"])
def test_sweep(ready, made, tmp_path, launcher):
    words = ["-m", "c2fpose.train", "+experiment=ablation_depth", "rows=[d64,d1_64]", "seeds=[0]", *SHORT, *made[1]]
    if launcher == "one":
        Stopping(ready, words).check(tmp_path, seed=3)
        return
    pytest.importorskip(f"hydra_plugins.hydra_{launcher}_launcher")
    more = {
        "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
        "submitit": ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=10"],
    }
    workers = 2 if launcher == "joblib" else 0
    Stopping(Fresh(), [*words, *more[launcher]], launcher == "submitit", workers).check(tmp_path, seed=4)


@pytest.mark.parametrize("name", ["toy.onnx", pytest.param("toy.xml", marks=long)])
def test_export(ready, made, tmp_path, name):
    words = ["-m", "c2fpose.export", f"ckpt={made[0]}/toy.ckpt", f"out={name}"]
    Stopping(Fresh() if name == "toy.xml" else ready, words).check(tmp_path, seed=5)


@pytest.mark.parametrize("name", ["toy.ckpt", "toy.safetensors"])
def test_conversion_from_torch7(ready, tmp_path, name, request):
    model = request.config.rootpath / "tests" / "fixtures" / "torch7_hg-stacked-2.t7"
    Stopping(ready, ["-m", "c2fpose.torch7", str(model), "--out", name]).check(tmp_path, seed=6)


@pytest.mark.parametrize("what", ["pictures", "clip.avi"])
def test_prediction(ready, made, tmp_path, what):
    words = ["-m", "c2fpose.predict", f"{made[0]}/{what}", f"ckpt={made[0]}/toy.ckpt", "out=out", "person=whole"]
    Stopping(ready, [*words, "overwrite=true"]).check(tmp_path, seed=7)
