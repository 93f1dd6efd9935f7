"""Experiments of one's own, written without what makes them one: a line each, before anything is trained."""

import pytest

BODY = "name: mine\nsweep:\n  title: mine\n  rows:\n    a: {label: a, set: {seed: 1}}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BODY, "experiment: the file of +experiment= lacks its first line, `# @package _global_`"),
        (f"# @package _global_\n{BODY}", "sweep: its rows would not run: the experiment's file lacks `defaults: ["),
    ],
)
def test_a_file_that_lacks_a_line_says_which(text, message, tmp_path, ready):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    done = ready.run(["-m", "c2fpose.train", f"hydra.searchpath=[file://{tmp_path}]", "+experiment=mine"], tmp_path)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert not (tmp_path / "runs").exists()
