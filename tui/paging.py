"""Text that is longer than the terminal, shown by a pager; on anything but a terminal it is just written."""

from __future__ import annotations

import io
import os
import pydoc
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.text import Text

from tracer.programs import program
from tui.console import PlainConsole, console, write_lines
from tui.streams import is_terminal

_LESS = "FRX"
"""Options of less where the user has set none, as git sets them: R shows colours, F and X leave a short text there."""
_ONLY_BY_PATH = "NoDefaultCurrentDirectoryInExePath"
"""Set, Windows' command line, by which pydoc starts ``more``, does not look for it in the current folder first."""


def show_lines(lines: Sequence[Text]) -> None:
    """On stdout; by way of ``PAGER`` (else less, or what the system has) where it is a terminal that is too low."""
    out = console()
    if _is_watched() and len(lines) >= out.height and _is_there(_asked_for()):
        with _ctrl_c_is_the_pagers(), _environment_of_the_pager():
            pydoc.pager(_text(lines, out))
    else:
        write_lines(lines, out)


def _is_watched() -> bool:
    return sys.stdin is not None and is_terminal(sys.stdin) and is_terminal(sys.stdout)


def _asked_for() -> str:
    """The pager that the user has named, as pydoc looks for it; empty for none."""
    return os.environ.get("MANPAGER") or os.environ.get("PAGER") or ""


def _is_there(pager: str) -> bool:
    """Whether text that it is given will be seen; a word such as ``LESS=X`` before the program is the shell's."""
    first = next(iter(pager.split()), "")
    return not pager or "=" in first or shutil.which(first) is not None


def _text(lines: Sequence[Text], out: PlainConsole) -> str:
    """With colours where less shows the text, which is known to take them."""
    made = io.StringIO()
    to = PlainConsole(
        file=made,
        force_terminal=_takes_colours() and out.color_system is not None,
        no_color=out.no_color,
        width=out.width,
        highlight=False,
    )
    write_lines(lines, to)
    return made.getvalue()


def _takes_colours() -> bool:
    """Whether pydoc will call less, and less has been told to let colours through."""
    named = _asked_for()
    is_less = program("less") is not None if not named else "less" in named.split()[0]
    return is_less and sys.platform != "win32" and "r" in os.environ.get("LESS", _LESS).lower()


@contextmanager
def _environment_of_the_pager() -> Iterator[None]:
    added = {name: value for name, value in (("LESS", _LESS), (_ONLY_BY_PATH, "1")) if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def _ctrl_c_is_the_pagers() -> Iterator[None]:
    """Ctrl-C goes to the pager and to us: we wait for it to end. A child does not inherit a handler, so it decides."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
