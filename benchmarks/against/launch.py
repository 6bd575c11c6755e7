"""Starts one command and tells what it took, as JSON.

A script of its own, in an interpreter that loads next to nothing: a process is charged with the memory that its parent
had before it became another program.

``python -I -S launch.py TASK``, where ``TASK`` is JSON: ``command``; ``cores``, how many it may use, or null for all;
``until``, null or words: the command then gets a terminal, and is ended when that was sent these words in this order.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import struct
import sys
import termios
import time
from typing import Final

_COLUMNS, _LINES = 120, 40
_PATIENCE_SECONDS: Final = 300.0
"""A terminal that is sent nothing for so long waits for a program that hangs."""
_ESCAPE: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
"""Control sequences of ECMA-48: CSI; OSC, DCS and their like up to their end; and escapes of one letter."""


def ended(command: list[str]) -> dict[str, float]:
    """``wall``: seconds from the start to the last byte on stdout; ``user``, ``system``: of CPUs; ``peak``: bytes."""
    end, began = os.pipe(), time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, end[1], 1)])
    os.close(end[1])
    while os.read(end[0], 1 << 20):
        pass
    return _taken(pid, time.perf_counter() - began)


def painted(command: list[str], words: list[str]) -> dict[str, float]:
    """The same, with ``wall`` up to when the terminal was sent these words, whatever stands between them."""
    sent = b""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", _LINES, _COLUMNS, 0, 0))
    place = os.ttyname(slave)
    terminal = [(os.POSIX_SPAWN_OPEN, stream, place, os.O_RDWR, 0) for stream in (0, 1, 2)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=terminal, setsid=True)
    os.close(slave)
    try:
        while not _are_in(words, _ESCAPE.sub(b"", sent)):
            data = _next(master)
            if not data:
                raise SystemExit(f"{' '.join(words)!r} never came; last: {_ESCAPE.sub(b' ', sent)[-300:]!r}")
            sent += data
        wall = time.perf_counter() - began
    finally:
        os.killpg(pid, signal.SIGKILL)
    return _taken(pid, wall, killed=True)


def _are_in(words: list[str], text: bytes) -> bool:
    """Whether all are there, in this order."""
    at = 0
    for word in words:
        found = text.find(word.encode(), at)
        if found < 0:
            return False
        at = found + len(word.encode())
    return True


def _next(master: int) -> bytes:
    """What the terminal is sent; nothing at the end, or after too long."""
    if not select.select([master], [], [], _PATIENCE_SECONDS)[0]:
        return b""
    try:
        return os.read(master, 1 << 16)
    except OSError:  # Linux says so when the other end is closed
        return b""


def _taken(pid: int, wall: float, *, killed: bool = False) -> dict[str, float]:
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code and not killed:
        raise SystemExit(f"exit code {code}")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, KiB elsewhere
    return {"wall": wall, "user": used.ru_utime, "system": used.ru_stime, "peak": used.ru_maxrss * unit}


def main() -> None:
    """Answers on stdout."""
    task = json.loads(sys.argv[1])
    if sys.platform == "linux" and task["cores"] is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task["cores"]])
    command = task["command"]
    print(json.dumps(ended(command) if task["until"] is None else painted(command, task["until"])))


if __name__ == "__main__":
    main()
