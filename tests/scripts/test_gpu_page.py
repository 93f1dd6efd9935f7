"""The page of a day with a GPU, put together from what a processor has measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from script_modules import loaded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    return loaded("gpu_page")


def test_the_page_has_every_part_and_says_what_failed(script):
    run = json.loads((ROOT / "docs" / "benchmark" / "laptop-cpu.json").read_text())[0]
    curve = [{"step": "2000", "training_seconds": "30.0", "val_mpjpe_mm": "161.25"}]
    text = script.page("== 9 passed in 3.2s ==", {"laptop": run, "paper": "error: no memory"}, curve, curve)
    assert "`pytest -m gpu`: 9 passed in 3.2s" in text
    assert "## scale=laptop" in text and "floor of the matrix products / network step" in text
    assert "## scale=paper\n\nfailed: error: no memory" in text
    assert "| GPU | 2000 | 0.5 | 161.2 |" in text and "| processor | 2000 | 0.5 | 161.2 |" in text
    assert "## 5 minutes of training at scale=laptop" in text
    killed = script.page("", {}, "killed", [], minutes=2.5)
    assert "failed: killed" in killed and "## 2.5 minutes" in killed


@pytest.mark.parametrize(("minutes", "step_ms", "steps"), [(5, 15.0, 18_000), (5, 1.0, 20_000), (5, 1e6, 10)])
def test_steps_that_minutes_allow(script, minutes, step_ms, steps):
    assert script.steps_for(minutes, step_ms) == steps


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_it_is_refused_in_one_line():
    run = subprocess.run([sys.executable, ROOT / "scripts" / "gpu_page.py"], capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == "error: PyTorch finds no GPU here: make gpu is for a machine that has one\n"
