"""What users see when something is wrong: one line, wherever the package runs."""

import os
import subprocess
import sys

import pytest

from c2fpose.base.errors import ConfigError, DataError, _refuse_dashes, exits_cleanly


@pytest.mark.parametrize("kind", [ConfigError, DataError])
def test_commands_say_one_line_and_exit_with_2(kind, capsys):
    @exits_cleanly
    def command() -> None:
        raise kind("data.h5: cut off; copy it again")

    with pytest.raises(SystemExit) as exit_:
        command()
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "error: data.h5: cut off; copy it again\n"


def test_what_a_message_quotes_leaves_it_one_short_line():
    said = str(DataError("a.h5: field \n\x1b[31m\udcff" + "x" * 20_000 + " is missing; copy it again"))
    assert said.startswith("a.h5: field \\n\\x1b[31m\\udcffxxx") and said.endswith("xxx is missing; copy it again")
    assert len(said) < 2100 and " [...] " in said and said.isprintable()
    assert str(ConfigError("größe=ä: µm, not m²")) == "größe=ä: µm, not m²"


def test_a_name_that_the_terminal_cannot_show_ends_nothing():
    code = "from c2fpose.base.errors import exits_cleanly\n@exits_cleanly\ndef f(): print('a.jpg: \\u65e5')\nf()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"}
    )
    assert (done.returncode, done.stdout.split()) == (0, [b"a.jpg:", rb"\u65e5"]), done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--seed", "3"], "--seed: expected key=value, without dashes"),
     (["name=a", "-m", "seed=0,1"], "seed=0,1: -m and the like stand in front of all words, or behind them")],
)  # fmt: skip
def test_what_hydra_would_print_a_page_for(words, said, capsys):
    with pytest.raises(SystemExit) as ending:
        _refuse_dashes(words)
    assert ending.value.code == 2 and capsys.readouterr().err.startswith(f"error: {said}")


def test_bugs_keep_their_traceback():
    code = "from c2fpose.base.errors import exits_cleanly\n@exits_cleanly\ndef f(): raise ValueError('bug')\nf()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" in done.stderr and done.stderr.endswith("ValueError: bug\n")


def test_notebooks_say_one_line(capsys):
    assert DataError("data.h5: cut off")._render_traceback_() == ["error: data.h5: cut off"]
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.run_cell("from c2fpose.base.errors import DataError\nraise DataError('data.h5: cut off')")
    said = "".join(capsys.readouterr())
    assert "error: data.h5: cut off" in said and "Traceback" not in said


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 12 bytes"),
     RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")],
)  # fmt: skip
def test_too_little_memory_says_what_to_lower(error, capsys):
    @exits_cleanly
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as exit_:
        command()
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: out of memory; lower batch_size") and said.count("\n") == 1


def test_a_limit_on_the_process_is_one_line():
    resource = pytest.importorskip("resource")
    code = (
        "import resource, numpy\nfrom c2fpose.base.errors import exits_cleanly\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({6 * 2**30}, {resource.RLIM_INFINITY}))\n"
        "@exits_cleanly\ndef f(): numpy.ones(2**40)\nf()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: out of memory") and done.stderr.count("\n") == 1


def test_other_runtime_errors_stay_bugs():
    @exits_cleanly
    def command() -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        command()
