"""One door to every command."""

import subprocess
import sys
from pathlib import Path

import pytest

import c2fpose
from c2fpose.__main__ import commands


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "c2fpose", *words], capture_output=True, text=True)


def test_every_file_at_the_top_is_a_command():
    top = {path.stem for path in Path(c2fpose.__file__).parent.glob("[a-z]*.py")}
    assert top <= set(commands())
    assert {"bench", "data.synth36", "data.prepare", "data.verify"} <= set(commands())


def test_alone_it_lists_the_commands_with_a_line_each():
    done = run()
    assert done.returncode == 0 and done.stderr == ""
    for name, purpose in commands().items():
        assert f"  {name} " in done.stdout and purpose in done.stdout


def test_the_list_needs_nothing_heavy():
    code = "import sys; from c2fpose.__main__ import main; main(); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not {"torch", "numpy", "hydra", "omegaconf", "matplotlib"} & set(done.stderr.split())


@pytest.mark.slow
@pytest.mark.parametrize("name", commands())
def test_a_command_through_the_door_is_the_module(name, ready, tmp_path):
    through = ready.run(["-m", "c2fpose", name, "--help"], tmp_path)
    direct = ready.run(["-m", f"c2fpose.{name}", "--help"], tmp_path)
    assert through.returncode == direct.returncode == 0
    assert through.stdout.split("\n")[1:] == direct.stdout.split("\n")[1:]


def test_an_unknown_command_is_refused_in_one_line():
    done = run("trian")
    assert done.returncode == 2
    assert done.stderr.startswith("error: trian: no such command; one of ") and done.stderr.count("\n") == 1
