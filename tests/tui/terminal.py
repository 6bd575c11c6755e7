"""A real terminal's other end: starts ``poolscope`` on a pty, types keys, and keeps every byte that would be shown."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
QUIET_SECONDS = 0.15
"""How long nothing may come and nothing run until a key counts as answered; an Escape waits 0.1 s for what follows."""
LOOKS = 10
"""So often in that time it is asked whether anything runs."""
PATIENCE_SECONDS = 120.0
"""A program that is silent for so long hangs."""


class Terminal:
    """``poolscope`` with some words on a pty of that size; ``shown`` is all it has written."""

    def __init__(self, words: Sequence[str | Path], *, cwd: Path, size: tuple[int, int] = (80, 24)) -> None:
        self.shown = b""
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (size[1], size[0]))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "poolscope", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def go(self) -> int:
        """Be gone, and tell nobody; gives the exit code of the program, which has no signal to end by."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDONLY)
        return self._process.wait(PATIENCE_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def id(self) -> int:
        """Of the process."""
        return self._process.pid

    def press(self, keys: bytes = b"", until: str = "") -> None:
        """Type, wait until that text is shown again, and then until the screen is drawn."""
        began = len(self.shown)
        if keys:
            os.write(self._master, keys)
        while until.encode() not in self.shown[began:]:
            assert self._read(PATIENCE_SECONDS), f"{until!r} never came; last: {self.shown[-2000:]!r}"
        quiet = 0
        while quiet < LOOKS:  # the next key must not overtake what this one opens, however busy the machine is
            quiet = 0 if self._read(QUIET_SECONDS / LOOKS) or self._runs() else quiet + 1

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        while self._read(PATIENCE_SECONDS):
            pass
        return self._process.wait()

    def _runs(self) -> bool:
        """Whether a thread of the process runs, or would if it had a CPU; never where there is no /proc to tell it."""
        for path in Path(f"/proc/{self._process.pid}/task").glob("*/stat"):
            with suppress(OSError):  # that thread has ended meanwhile
                if path.read_text("utf-8").rpartition(")")[2].split()[0] in {"R", "D"}:
                    return True
        return False

    def _read(self, seconds: float) -> bool:
        """Whether anything came in that time."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.shown += data
        return bool(data)
