"""An installed wheel finds its configuration and its network without a checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = """
import c2fpose
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
from hydra import compose, initialize_config_dir
with initialize_config_dir(conf_dir(), version_base="1.3"):
    checked = train_settings(compose("train", overrides=["scale=paper", "model=coordinates"]))
from c2fpose.model.checkpoints.load import load_module
bins = load_module("builtin").config.network.depth_bins
print(c2fpose.__file__, conf_dir(), checked.model.network.head, checked.model.network.width, bins, sep="|")
"""


@pytest.mark.slow
def test_a_wheel_carries_configuration_and_network(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", COMPOSE], cwd=tmp_path, env={"PYTHONPATH": str(target)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    package, conf, head, width, bins = done.stdout.strip().split("|")
    assert package.startswith(str(target)) and conf == str(target / "c2fpose" / "conf")
    assert (head, width, bins) == ("coordinates", "256", "64")
