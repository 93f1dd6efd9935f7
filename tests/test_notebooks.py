"""Notebooks run from top to bottom, on a small network and made-up people and without Jupyter; their outputs are clean.

The committed outputs come from a network of ``make train`` (``make notebook``); figures in them are not tested here.
"""

import ast
import base64
import io
import json
import re
from itertools import cycle, islice
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from fabricated import jpeg, people
from matplotlib.figure import Figure
from PIL import Image

from c2fpose.data.schema import write_split
from c2fpose.model.module import PoseModule
from c2fpose.prediction import predictor
from c2fpose.prediction.photo import Box

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What a notebook says in one line where what it needs is not there
NEEDS = {path.stem: r"no trained network in runs/first: run make train first" for path in NOTEBOOKS}
NEEDS["your_photo_in_ten_lines"] = r"no data/synth36_tiny here: run make data first, or give a photo of yours"
NEEDS["reading_the_ablations"] = r"no experiments/ablation_depth/jobs\.csv here: run the notebook in a checkout"
TINY_TEST_RECORDS = 390  # as many as data/synth36_tiny/test.h5 has: any record that a notebook may choose
LARGEST_BYTES = 600_000
MODEL = {
    "network": {"depths": [1, 2, 64], "image_size": 32, "heatmap_size": 8, "width": 8, "levels": 1, "residuals": 1},
    "decoding": {"method": "expectation", "power": 2.0},
}
OF_ONE_MACHINE = {
    "absolute path": r"(?<![\w.:/])/(?:[\w.-]+/)+|\b[A-Z]:\\|/home/|~/",
    "time stamp": r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d",
    "address": r"0x[0-9a-f]{6,}",
}


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_cells(path: Path) -> list[Figure]:
    """Each cell as a notebook runs it: the value of a last expression is shown. Returns the figures, drawn."""
    names: dict = {"__name__": "__main__"}
    figures = []
    for cell in code_cells(path):
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), names)
        value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names) if last else None
        shown = [plt.figure(number) for number in plt.get_fignums()] + [value] * isinstance(value, Figure)
        for figure in shown:
            figure.savefig(io.BytesIO(), dpi=30)
        figures += shown
        plt.close("all")
    return figures


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """What ``make train`` leaves behind, in small; the working directory is ``notebooks`` beside it."""
    torch.manual_seed(0)
    module = PoseModule(MODEL, {})
    checkpoint = tmp_path / "runs/first/now/checkpoints/final.ckpt"
    checkpoint.parent.mkdir(parents=True)
    saved = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save(saved | {"pytorch-lightning_version": "2.6.6"}, checkpoint)
    images = islice(cycle([jpeg(number) for number in range(3)]), TINY_TEST_RECORDS)
    path = tmp_path / "data/synth36_tiny/test.h5"
    annotations = people(TINY_TEST_RECORDS, 0, "test")
    write_split(path, annotations, images, dataset="synth36", split="test", provenance={})
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    # in made-up pictures there is nobody to find
    monkeypatch.setattr(predictor, "find_people", lambda *_, **__: [(Box(50.0, 40.0, 120.0), 0.9)])
    plt.switch_backend("Agg")
    return checkpoint


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, trained):
    pictures = [
        output for cell in code_cells(path) for output in cell["outputs"] if "image/png" in output.get("data", {})
    ]
    assert len(run_cells(path)) == len(pictures) > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_without_what_it_needs_one_line_says_what_to_do(path, trained):
    trained.unlink()
    (trained.parents[4] / "data/synth36_tiny/test.h5").unlink()
    (trained.parents[4] / "experiments").unlink()
    with pytest.raises(SystemExit, match=f"^{NEEDS[path.stem]}$"):
        run_cells(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_outputs_are_whole_and_of_no_one_machine(path):
    assert path.stat().st_size < LARGEST_BYTES
    notebook = json.loads(path.read_text())
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert set(notebook["metadata"]["language_info"]) == {"name"}
    assert not any(cell["metadata"] for cell in notebook["cells"])
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))  # one run, in order
    for cell in cells:
        assert cell["outputs"], f"{cell['id']}: no output; make notebook executes it"
        for output in cell["outputs"]:
            check_output(output, cell["id"])


def check_output(output: dict, cell: str) -> None:
    assert output["output_type"] != "error" and output.get("name") != "stderr", f"{cell}: {output}"
    data = output.get("data", {})
    if "image/png" in data:
        picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
        picture.load()
        assert picture.width > 300 and "Creation Time" not in picture.info
    text = "".join(output.get("text", [])) + "".join(data.get("text/plain", []))
    for what, pattern in OF_ONE_MACHINE.items():
        assert not (found := re.search(pattern, text)), f"{cell}: {what}: {found}"


@pytest.mark.parametrize(
    "text", ["/work/x/data", "in /usr/lib/x", "C:\\data", "2026-11-22_16-01", "<F at 0x7f00aabbccdd>"]
)
def test_what_belongs_to_one_machine_is_found(text):
    with pytest.raises(AssertionError):
        check_output({"output_type": "stream", "name": "stdout", "text": [text]}, "cell")
