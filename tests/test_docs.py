"""The examples of docs/predict.md run as they stand there, with nothing but a picture beside them."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_examples_of_predict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (240, 480, 3), dtype=np.uint8)).save("photo.jpg")
    examples = re.findall(r"```python\n(.*?)```", (DOCS / "predict.md").read_text(encoding="utf-8"), re.DOTALL)
    reading = [example for example in examples if "json.load" in example]
    assert len(examples) >= 3 and len(reading) == 1
    names: dict = {}
    for example in [*(each for each in examples if each not in reading), *reading]:
        exec(compile(example, "docs/predict.md", "exec"), names)
    assert len(names["result"].frames[0].people) == 2 and names["person"].volumes[-1].shape == (17, 64, 24, 24)
    assert names["table"].joints_cam_mm.shape == (1, 17, 3) and names["head"].shape == (3,)
    assert names["pose"] == pytest.approx(names["person"].joints_cam_mm, abs=0.006)
    assert Path("pose.html").is_file()
