"""A file on which a library ends the process, or hangs, is refused in a line; a whole one is looked at once."""

import os
import time

import pytest

from c2fpose.base.errors import DataError
from c2fpose.data import child
from c2fpose.data.child import check_in_a_child

AGAIN = "open(sys.argv[1]).read()"


def check(path, read=lambda: None):
    check_in_a_child(path, "the library", read, AGAIN)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "_looked_at", set())
    (tmp_path / "a.h5").write_text("content")
    return tmp_path / "a.h5"


def test_a_whole_file_is_looked_at_once_until_it_changes(file, monkeypatch):
    forks = []
    monkeypatch.setattr(child, "_end_of_a_fork", lambda *_: forks.append(file) or "")
    check(file), check(str(file))
    assert len(forks) == 1
    os.utime(file, (1, 1))
    check(file)
    assert len(forks) == 2


@pytest.mark.parametrize(("kind", "words"), [(11, r"breaks off \(SIGSEGV\)"), (6, r"breaks off \(SIGABRT\)")])
def test_the_end_of_the_child_is_one_line(file, kind, words):
    with pytest.raises(DataError, match=rf"a\.h5: damaged: the library {words} on it; make or copy it again$"):
        check(file, lambda: os.kill(os.getpid(), kind))


def test_a_lock_held_at_the_fork_is_no_damage_and_no_end_is(file, monkeypatch):
    """A new process has no locks of this one's threads: its word counts."""
    monkeypatch.setattr(child, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(child, "_WORK_S", 0)
    check(file, lambda: time.sleep(60))
    monkeypatch.setattr(child, "_looked_at", set())
    monkeypatch.setattr(child, "_end_of_a_new_process", lambda *_: child._NO_END)
    with pytest.raises(DataError, match="never comes to an end on it"):
        check(file, lambda: time.sleep(60))


def test_a_new_process_reads_as_it_is_told(file, monkeypatch):
    assert child._end_of_a_new_process(file, 0, AGAIN) == ""
    assert child._end_of_a_new_process(file, 0, "import os\nos.abort()") == "SIGABRT"


def test_what_works_for_ever_is_ended_by_its_processor_time(file, monkeypatch):
    def work():
        while True:
            pass

    monkeypatch.setattr(child, "_WORK_S", 1)
    monkeypatch.setattr(child, "_end_of_a_new_process", lambda *_: pytest.fail("it was seen to work"))
    with pytest.raises(DataError, match="never comes to an end on it"):
        check(file, work)


@pytest.mark.parametrize("kind", [9, 15])
def test_a_child_that_others_ended_says_nothing_of_the_file(file, kind):
    check(file, lambda: os.kill(os.getpid(), kind))


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_nothing_is_done(file, monkeypatch, system):
    monkeypatch.setattr(child.sys, "platform", system)
    monkeypatch.setattr(child, "_end_of_a_fork", lambda *_: 1 / 0)
    check(file)
