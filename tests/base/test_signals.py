"""Stopped commands end in one line with the exit code that shells expect, and no worker survives its parent."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from c2fpose.base import signals
from c2fpose.base.signals import Stopped, stop_here, stops_between_steps, stops_in_one_line


def run(body: str, *sent: int, grace: str = "4") -> subprocess.CompletedProcess:
    """Run ``body`` within ``stops_in_one_line`` and send it signals, each after it has printed a line."""
    indented = "\n".join("    " + line for line in body.strip().splitlines())
    code = f"""
import os, sys, time
from c2fpose.base.signals import stops_in_one_line
with stops_in_one_line("the same command goes on", grace_s={grace}):
{indented}
"""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    said = ""
    for number in sent:
        said += process.stdout.readline()
        process.send_signal(number)
    rest, errors = ended(process)
    return subprocess.CompletedProcess([], process.returncode, said + rest, errors)


def ended(process: subprocess.Popen) -> tuple[str, str]:
    """What a process says until it ends; one that does not is killed, and all that it has started."""
    try:
        return process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)])
def test_one_line_the_shells_exit_code_and_finally_is_obeyed(number, name, code):
    done = run("try:\n    print('ready'); time.sleep(60)\nfinally:\n    print('in order')", number)
    assert (done.returncode, done.stderr) == (code, f"stopped by {name}; the same command goes on\n")
    assert done.stdout == "ready\nin order\n"


def test_a_library_that_makes_its_own_exit_of_it():
    body = "try:\n    print('ready'); time.sleep(60)\nexcept BaseException:\n    sys.exit(0)"
    assert run(body, signal.SIGTERM).returncode == 143
    body = "try:\n    print('ready'); time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"
    assert run(body, signal.SIGINT).returncode == 130


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)])
@pytest.mark.parametrize("kind", ["ValueError('Invalid bounding box')", "UserError('x.h5: damaged')", "MemoryError()"])
def test_foreign_code_that_makes_an_error_of_it(number, name, code, kind):
    """So do extensions in C++ that are calling Python back at that moment, such as matplotlib's renderer."""
    body = f"""
from c2fpose.base.errors import UserError, exits_cleanly
@exits_cleanly
def command():
    try:
        print('ready'); time.sleep(60)
    except BaseException:
        raise {kind} from None
command()"""
    done = run(body, number)
    assert (done.returncode, done.stderr) == (code, f"stopped by {name}; the same command goes on\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_met_in_a_finaliser_it_is_no_traceback_and_no_going_on(number, code):
    body = f"""
class Slow:
    def __del__(self):
        os.kill(os.getpid(), {int(number)}); time.sleep(0.1)
slow = Slow()
del slow
time.sleep(1)
print('never')"""
    done = run(body)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr


def test_a_second_signal_and_the_end_of_grace_end_at_once():
    body = "try:\n    print('ready'); time.sleep(60)\nfinally:\n    print('tidying'); time.sleep(60); print('never')"
    done = run(body, signal.SIGINT, signal.SIGINT)
    assert (done.returncode, done.stderr.count("\n"), "never" in done.stdout) == (130, 1, False)
    done = run(body, signal.SIGTERM, grace="0.1")
    assert (done.returncode, done.stderr.count("\n"), "never" in done.stdout) == (143, 1, False)


def test_a_step_is_finished_and_what_takes_long_is_said(monkeypatch, capsys):
    """The ordinary grace ends nothing before the step does; a short step says nothing."""
    first = "the step is finished first, 25 s at most; again: at once\n"
    for seconds, after_s, notice in ((0.5, 0.1, first), (0.0, 60, "")):
        monkeypatch.setattr(signals, "NOTICE_S", after_s)
        done = []
        with pytest.raises(SystemExit) as ending, stops_in_one_line("kept", grace_s=0.2), stops_between_steps():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(seconds)
            done.append("step")
            stop_here()
            done.append("next")
        assert (ending.value.code, done) == (143, ["step"])
        assert capsys.readouterr().err == f"{notice}stopped by SIGTERM; kept\n"


def test_a_step_that_does_not_end_is_left():
    code = """
import os, signal, time
from c2fpose.base import signals
signals.STEP_GRACE_S = 0.2
with signals.stops_in_one_line("kept"), signals.stops_between_steps():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "stopped by Ctrl-C; kept\n")


def test_other_ends_are_left_alone_and_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(SystemExit) as ending, stops_in_one_line():
        raise SystemExit(2)
    assert ending.value.code == 2
    with pytest.raises(ValueError), stops_in_one_line():
        raise ValueError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_is_said_may_depend_on_the_moment(capsys):
    done = []
    with pytest.raises(SystemExit), stops_in_one_line(lambda: f"{len(done)} done"):
        done.append("one")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert capsys.readouterr().err == "stopped by SIGTERM; 1 done\n"


def test_blocks_within_blocks_say_what_now_and_the_outermost_ends(capsys):
    with pytest.raises(SystemExit) as ending, stops_in_one_line("outer"):
        with stops_in_one_line("left before"):
            pass
        with stops_in_one_line("inner"):
            os.kill(os.getpid(), signal.SIGTERM)
    assert ending.value.code == 143 and not isinstance(ending.value, Stopped)
    assert capsys.readouterr().err == "stopped by SIGTERM; inner\n"
    with pytest.raises(SystemExit), stops_in_one_line("outer"):
        with stops_in_one_line("left before"):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
    assert capsys.readouterr().err == "stopped by SIGTERM; outer\n"


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_command_that_is_still_importing_ends_in_one_line(tmp_path, number, name):
    """A module that a command imports sends the signal: what a user's Ctrl-C meets in the first second."""
    (tmp_path / "sitecustomize.py").write_text(f"""
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "omegaconf":
            import os; os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Finder())
""")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "c2fpose.data.synth36", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths})
    assert (done.returncode, done.stderr) == (128 + number, f"stopped by {name}\n")


def test_programs_of_others_that_import_the_package_keep_their_signals(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").write_text("import c2fpose\n")
    (tmp_path / "theirs" / "tool.py").write_text(
        "import signal\nprint(*(getattr(signal.getsignal(each), '__module__', '') for each in (2, 15)))\n"
    )
    done = subprocess.run([sys.executable, "-m", "theirs.tool"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "c2fpose" not in done.stdout


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)])
def test_a_command_ends_as_it_says_whatever_an_import_left_behind(tmp_path, number, name, code):
    """The signal meets an extension being imported, whose half-made state crashes when Python takes itself down.

    And it comes in code given as text, as dataclasses and named tuples are made of: Python itself would end by SIGINT.
    """
    (tmp_path / "sitecustomize.py").write_text(f"""
import os, sys
class HalfMade:
    def __del__(self, abort=os.abort):
        abort()
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "c2fpose.data.custom.readers":
            sys.half_made = HalfMade()
            exec("import os; os.kill(os.getpid(), {int(number)}); [each for each in range(9)]")
sys.meta_path.insert(0, Finder())
""")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "c2fpose.data.prepare", "source=videopose3d"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths})
    assert (done.returncode, done.stderr) == (code, f"stopped by {name}\n")


def test_a_forked_child_says_nothing_of_its_own_and_loses_no_signal():
    """Nine are sent one before they have been told whose children they are."""
    body = """
def child():
    number = os.fork()
    if not number:
        time.sleep(20)
        os._exit(1)
    return number
def ended(number):
    os.kill(number, 15)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
early, late = [ended(child()) for _ in range(9)], child()
try:
    print('ready'); time.sleep(60)
finally:
    print(*early, ended(late))
"""
    done = run(body, signal.SIGINT)
    assert (done.returncode, done.stdout.split()) == (130, ["ready", *10 * ["-15"]])
    assert done.stderr == "stopped by Ctrl-C; the same command goes on\n"


def test_a_signal_that_comes_while_a_command_forks_is_obeyed():
    body = """
def fork():
    number = os.fork()
    if not number:
        os._exit(0)
    os.waitpid(number, 0)
print('ready')
for _ in range(100000):
    fork()
"""
    done = run(body, signal.SIGTERM)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (143, "ready\n", 1), done.stderr


@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "watching"])
def test_workers_end_with_their_parent(kernel):
    parent = f"""
import os, subprocess, sys, time
worker = '''
import os, sys, time
from c2fpose.base import signals
if not {kernel}: signals._kernel_ends_us_with_parent = lambda: False
signals.follow_parent(int(sys.argv[1]))
print(os.getpid(), flush=True)
time.sleep(60)
'''
subprocess.run([sys.executable, "-c", worker, str(os.getpid())])
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    worker = int(process.stdout.readline())
    os.kill(worker, signal.SIGINT)  # Ctrl-C goes to the whole group; the parent sees to its workers
    time.sleep(0.05)
    assert _runs(worker)
    process.kill()
    process.wait()
    for _ in range(200):
        if not _runs(worker):
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its parent")


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_whose_parent_is_already_gone_ends_at_once():
    code = "from c2fpose.base.signals import follow_parent; follow_parent(999999999); print('went on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""


def test_nothing_changes_outside_the_main_thread():
    from threading import Thread

    outcome = []

    def work() -> None:
        with stops_in_one_line():
            outcome.append(signals._Stop.current)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert outcome == [None]


HEAD = "import time\nfrom c2fpose.base.signals import stops_in_one_line\nwith stops_in_one_line():"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_step_is_finished_first(number, code):
    body = """
from c2fpose.base.signals import is_stopping, stop_here, stops_between_steps
with stops_between_steps():
    for step in range(3):
        print('step', step, flush=True)
        while step == 1 and not is_stopping():
            time.sleep(0.01)
        print('done', step)
        stop_here()
"""
    command = "\n    ".join([HEAD, *body.strip().splitlines()])
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    for _ in range(3):  # step 0, done 0, step 1
        process.stdout.readline()
    process.send_signal(number)
    rest, errors = ended(process)
    assert (process.returncode, rest, errors.count("\n")) == (code, "done 1\n", 1)
