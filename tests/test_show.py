"""``python -m c2fpose.show``: one page beside the run, or one line."""

import pytest
from toy_runs import write_run

from c2fpose import show


def test_the_page_lies_in_the_run_or_where_it_is_wanted(tmp_path, capsys):
    run = write_run(tmp_path / "a run", evaluated=False)
    show.main([str(run)])
    assert capsys.readouterr().out == f"page: {run / 'show.html'}\n"
    show.main([f"run={run}", f"out={tmp_path / 'page.html'}"])
    assert (tmp_path / "page.html").read_text() == (run / "show.html").read_text()


@pytest.mark.parametrize("words", [[], ["nowhere"], ["run=nowhere", "colour=red"]])
def test_wrong_input_is_one_line_and_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as exit:
        show.main(words)
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
