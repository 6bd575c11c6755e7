"""However a process ends, it says what happened in its exit code, and nothing else."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tui.processes import ROOT, run
from tui.exit_codes import ExitCode
from tui.outcome import worst_exit_code

FULL = Path("/dev/full")
DEMO = "fixtures/demo.etl"

needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux's")


def poolscope(*words: str, shell: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; ``shell``: redirections."""
    line = f"{sys.executable} -m poolscope {' '.join(words)} {shell}"
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, cwd=ROOT, check=False)


@needs_full_device
@pytest.mark.parametrize(
    "words",
    [
        ("analyze", DEMO, "--json"), ("analyze", DEMO), ("info", DEMO), ("--help",), ("analyze", "--help"),
        ("--version",), ("profile",), ("doctor",), ("analyze", "nowhere.etl", "--json"),
        ("export", DEMO, "--to", "-", "--format", "csv"), ("report", DEMO, "--to", "-", "--format", "pdf"),
        ("sql", DEMO, "'from outstanding'", "--format", "parquet"), ("diff", DEMO, DEMO, "--markdown"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_output_that_cannot_be_written_ends_with_7(words: tuple[str, ...]) -> None:
    done = poolscope(*words, shell="> /dev/full")
    assert done.returncode == ExitCode.OUTPUT
    assert "the output cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is a POSIX one")
def test_a_closed_output_cannot_be_written_either() -> None:
    done = poolscope("info", DEMO, shell=">&-")
    assert (done.returncode, "it is closed" in done.stderr) == (ExitCode.OUTPUT, True)


@needs_full_device
@pytest.mark.parametrize("shell", ["2> /dev/full", "2>&-"])
def test_talk_that_cannot_be_written_is_left_out(shell: str) -> None:
    assert poolscope("info", DEMO, shell=shell).returncode == ExitCode.DONE
    assert poolscope("info", "nowhere.etl", shell=shell).returncode == ExitCode.INPUT


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is a POSIX one")
def test_a_reader_that_leaves_early_hears_no_complaint() -> None:
    done = poolscope("analyze", DEMO, "--json", shell="| head -c 10; exit $?")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to oneself is another thing there")
@pytest.mark.parametrize(
    "module", ["typing", "argparse", "tui.cli", "tui.commands.analyze", "numpy", "analyzers.analysis", "rich.console"]
)
def test_ctrl_c_in_the_middle_of_an_import_is_quiet(module: str) -> None:
    done = run(
        f"""
import importlib.abc, signal, sys
class Pressing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Pressing())
for name in [name for name in sys.modules if name == {module!r}]:
    del sys.modules[name]
sys.argv[1:] = ["analyze", {DEMO!r}]
from tui.start import main
sys.exit(main())
"""
    )
    assert done.returncode == ExitCode.INTERRUPTED
    assert done.stdout == ""
    assert done.stderr in ("", "poolscope: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to oneself is another thing there")
@pytest.mark.parametrize(
    "body",
    [
        "raise ImportError('C code has made this of it')",
        "return 0",
        "exec('raise KeyboardInterrupt')",  # as inside of the import of a dataclass
    ],
)
def test_an_interrupt_that_somebody_swallowed_is_still_one(body: str) -> None:
    done = run(
        f"""
import signal, sys
from tui.start import main
from tui.commands.info import InfoCommand
class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
def work(self, args):
    if {body!r} == "return 0":
        dying = Dying()
        del dying
        return 0
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        pass
    {body}
InfoCommand.run = work
sys.exit(main(["info", "x.etl"]))
"""
    )
    assert (done.returncode, done.stderr) in ((130, ""), (130, "poolscope: interrupted\n"))


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to oneself is another thing there")
def test_ctrl_c_after_the_last_word_is_quiet() -> None:
    done = run(
        "import atexit, signal; from tui.start import main;"
        "atexit.register(signal.raise_signal, signal.SIGINT); main(['--version'])"
    )
    assert (done.returncode, done.stderr) == (130, "")


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from tui.commands import export
from tui.start import main
def pieces(*_):
    yield b"half a table"
    os.kill(os.getpid(), signal.{name})
    yield b"and more"
export._pieces = pieces
sys.exit(main(["export", {demo!r}, "--to", {out!r}, "--quiet"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no process is sent a signal there")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_who_is_told_to_end_while_it_writes_leaves_nothing(name: str, tmp_path: Path) -> None:
    done = run(KILLED_WHILE_WRITING.format(name=name, demo=DEMO, out=str(tmp_path / "x.csv")))
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, "poolscope: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no process is sent a signal there")
@pytest.mark.slow
def test_who_is_told_to_end_leaves_the_terminal_as_it_was() -> None:
    from tests.tui.terminal import Terminal

    for words, there in ((["tui"], "[1 Findings]"), (["sql"], "sql>")):
        with Terminal([*words, DEMO, "--quiet"], cwd=ROOT) as terminal:
            terminal.press(until=there)
            began = len(terminal.shown)
            os.kill(terminal.id, signal.SIGTERM)
            assert terminal.end() == ExitCode.INTERRUPTED
            assert b"\x1b[?25h" in terminal.shown[began:]  # the cursor
            assert terminal.shown.endswith(b"poolscope: interrupted\r\n")


@pytest.mark.skipif(sys.platform == "win32", reason="nohup is a POSIX habit")
def test_who_ignores_ctrl_c_is_not_ended_by_it() -> None:
    done = run(
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from tui.start import main;"
        "signal.raise_signal(signal.SIGINT); raise SystemExit(main(['--version']))"
    )
    assert done.returncode == ExitCode.DONE


def test_of_several_outcomes_the_first_of_a_fixed_order_counts() -> None:
    order = [130, 70, 7, 2, 3, 6, 5, 1, 0]
    for place, code in enumerate(order):
        assert worst_exit_code(map(ExitCode, reversed(order[place:]))) == code


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="there is no Ctrl-Z on Windows")
def test_ctrl_z_stops_a_plain_command_and_it_goes_on() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "poolscope", "analyze", DEMO, "--json"], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip
    child.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    child.send_signal(signal.SIGCONT)
    out, _ = child.communicate()
    assert (child.returncode, out[:1]) == (0, b"{")


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="there is no Ctrl-Z on Windows")
def test_ctrl_z_leaves_the_interface_in_the_background_with_the_terminal_as_it_was(tmp_path: Path) -> None:
    from tests.tui.terminal import Terminal

    with Terminal(["tui", ROOT / DEMO, "--quiet"], cwd=tmp_path) as terminal:
        terminal.press(until="[1 Findings]")
        terminal.press(b"\x1a", until="\x1b[?1049l")  # the screen that was there before
        _, status = os.waitpid(terminal.id, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.kill(terminal.id, signal.SIGCONT)
        terminal.press(until="[1 Findings]")
        terminal.press(b"q")
        assert terminal.end() == 0


@pytest.mark.skipif(not hasattr(signal, "SIGTSTP"), reason="there is no Ctrl-Z on Windows")
def test_ctrl_z_gives_the_cursor_back_that_the_progress_bar_has_hidden() -> None:
    code = (
        "import os, signal; from tui.reading.progress import meter\n"
        "with meter('x.etl', 1 << 30, quiet=False) as shown:\n"
        "    shown.advance(10, 1)\n"
        "    os.kill(os.getpid(), signal.SIGTSTP)\n"
    )
    master, slave = os.openpty()
    child = subprocess.Popen([sys.executable, "-c", code], stderr=slave, cwd=ROOT, process_group=0)
    os.close(slave)
    try:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        shown = _read_until(master, b"\x1b[?25h")
        assert shown.rindex(b"\x1b[?25h") > shown.index(b"\x1b[?25l")
        child.send_signal(signal.SIGCONT)
        assert child.wait() == 0
    finally:
        child.kill()
        child.wait()
        os.close(master)


def _read_until(terminal: int, wanted: bytes, seconds: float = 10) -> bytes:
    """What a terminal was given: one read may end anywhere in it."""
    shown, end = b"", time.monotonic() + seconds
    while wanted not in shown and select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
        shown += os.read(terminal, 1 << 16)
    return shown


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX's")
@pytest.mark.slow
def test_the_interface_leaves_when_its_terminal_is_gone_and_no_signal_says_so() -> None:
    from tests.tui.terminal import Terminal

    with Terminal(("tui", DEMO), cwd=ROOT) as terminal:
        terminal.press(until="[1 Findings]")
        assert terminal.go() == ExitCode.DONE
