"""The window is closed while something runs: it comes to an end of its own."""

from __future__ import annotations

import sys

import pytest

from tests.tui.processes import run
from tui.exit_codes import ExitCode

WINDOW_CLOSES = """
import threading, time
from tui import interrupts
from tui.start import main
from tui.commands.info import InfoCommand
def work(self, args):
    threading.Thread(target=interrupts._wait_as_the_window_closes(), args=[2], daemon=True).start()
    for _ in range(2_000):
        time.sleep(0.01)
    return 0
InfoCommand.run = work
raise SystemExit(main(["info", "x.etl"]))
"""


@pytest.mark.skipif(sys.platform != "win32", reason="consoles tell of their end on Windows")
def test_a_window_that_is_closed_leaves_the_time_to_come_to_an_end() -> None:
    done = run(WINDOW_CLOSES)
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, "poolscope: interrupted\n")
