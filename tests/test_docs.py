"""The examples of docs/predict.md run as they stand there, on a toy network."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_networks import VOLUME, trained

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_examples_of_predict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = trained(VOLUME)
    checkpoint = Path("runs/first/.../checkpoints/final.ckpt")
    checkpoint.parent.mkdir(parents=True)
    saved = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save(saved | {"pytorch-lightning_version": "2.6.6"}, checkpoint)
    examples = re.findall(r"```python\n(.*?)```", (DOCS / "predict.md").read_text(encoding="utf-8"), re.DOTALL)
    reading = [example for example in examples if "json.load" in example]
    assert len(examples) >= 3 and len(reading) == 1
    names: dict = {"image": np.random.default_rng(0).integers(0, 256, (240, 480, 3), dtype=np.uint8)}
    for example in [*(each for each in examples if each not in reading), *reading]:
        exec(compile(example, "docs/predict.md", "exec"), names)
    assert len(names["result"].frames[0].people) == 2 and names["person"].volumes[-1].shape == (17, 8, 16, 16)
    assert names["table"].joints_cam_mm.shape == (1, 17, 3) and names["head"].shape == (3,)
    assert names["pose"] == pytest.approx(names["person"].joints_cam_mm, abs=0.006)
    assert Path("pose.html").is_file()
