"""PDB files and images read in another process, whose crash, hang or hunger is an error of the one file it read.

The process starts at the first question and serves all that follow. Where it dies or is silent for too long, that file
is given up in words, and the next question gets a new process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile
from tracer.symbols.child import MEMORY
from tracer.symbols.pdbs import Identity
from tracer.symbols.symbol import Symbol, symbol_from

T = TypeVar("T")

SECONDS: Final = 60.0
"""How long one answer may take: a PDB of 26 MB was read in 0.9 s."""
_CLOSE_SECONDS: Final = 0.1
"""How long a process that is to end may go on with its answer."""
_BATCH: Final = 512
"""Addresses of one question, so that an answer has a longest length."""
_MOST_ANSWER: Final = 64 << 20
_ROOT: Final = Path(__file__).parents[2]
_START: Final = "import sys; sys.path.insert(0, sys.argv[1]); from tracer.symbols.child import main; main(sys.argv[2])"
_NO_SYMBOL_PATH: Final = ("_NT_SYMBOL_PATH", "_NT_ALT_SYMBOL_PATH", "_NT_ALTERNATE_SYMBOL_PATH")
"""Which dbghelp would follow by itself, to servers too."""


class NotReadError(Exception):
    """A file could not be read; the message says why."""


def missing_reader() -> str:
    """Why no PDB file can be read on this machine, and what to do; empty where they can."""
    if sys.platform == "win32" or find_spec("symbolic") is not None:
        return ""
    return (
        "PDB files are not read here: the package symbolic, of which there are wheels for Linux and macOS, is missing"
    )


def _identity(told: dict[str, Any]) -> Identity:
    guid, age = told["guid"], told["age"]
    if type(age) is not int:
        raise ValueError(f"an age of {age!r}")
    return Identity(uuid.UUID(guid), age)


def _symbols(count: int, told: dict[str, Any]) -> list[Symbol | None]:
    """As many as were asked for. Raises ValueError, TypeError or KeyError where they are not."""
    found = [symbol_from(fields) if fields else None for fields in told["symbols"]]
    if len(found) != count:
        raise ValueError(f"{len(found)} symbols for {count} addresses")
    return found


class Reader:
    """Asks one process after another. ``cache``: the folder for what is kept of PDB files."""

    def __init__(self, cache: Path, *, seconds: float = SECONDS) -> None:
        self._cache = cache
        self._seconds = seconds
        self._lock = threading.Lock()
        self._is_closed = False
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, also in the middle of an answer: whoever waits for that gets none, nor any from then on."""
        self._is_closed = True
        while not self._lock.acquire(timeout=_CLOSE_SECONDS):
            if (process := self._process) is not None:
                process.kill()
        try:
            self._end()
        finally:
            self._lock.release()

    def identity(self, path: Path) -> Identity:
        """The file's own GUID and age. Raises NotReadError."""
        return self._ask({"do": "identity", "path": str(path)}, _identity)

    def symbols(self, path: Path, debug: DebugFile, size: int, addresses: list[int]) -> list[Symbol | None]:
        """What a PDB has at each address from the begin of an image of this ``size``.

        Raises NotReadError, also where the PDB is not ``debug``.
        """
        question = {"do": "symbols", "path": str(path), "guid": debug.guid.hex, "age": debug.age, "size": size}
        return self._all(question, addresses)

    def exports(self, path: Path, image: ImageFile, addresses: list[int]) -> list[Symbol | None]:
        """The nearest export before each address. Raises NotReadError, also where the file is another image."""
        stamp, size = image.time_date_stamp, image.size
        return self._all({"do": "exports", "path": str(path), "stamp": stamp, "size": size}, addresses)

    def _all(self, question: dict[str, Any], addresses: list[int]) -> list[Symbol | None]:
        found: list[Symbol | None] = []
        for begin in range(0, max(len(addresses), 1), _BATCH):
            asked = addresses[begin : begin + _BATCH]
            found += self._ask(question | {"addresses": asked}, partial(_symbols, len(asked)))
        return found

    def _ask(self, question: dict[str, Any], read: Callable[[dict[str, Any]], T]) -> T:
        """What ``read`` makes of the answer. A file may have taken the process over, so it is believed in nothing."""
        told = self._told(question)
        try:
            if "error" in told:
                raise NotReadError(str(told["error"]) or f"{question['path']} is not read, and nothing says why")
            return read(told)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            with self._lock:
                self._end()
            why = "the process that read it does not answer as a reader of PDB files does"
            raise NotReadError(f"{question['path']} was given up: {why}") from error

    def _told(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if self._is_closed:
                raise NotReadError(f"{question['path']} is not read: nobody waits for it any more")
            told: dict[str, Any] | None = None
            late = threading.Event()
            try:
                told = self._answer(json.dumps(question).encode("ascii") + b"\n", late)
            finally:
                if told is None:  # it ended, or was left in the middle of an answer
                    code = self._end()
        if told is None:
            raise NotReadError(f"{question['path']} was given up: {self._how_it_ended(late, code)}")
        return told

    def _answer(self, line: bytes, late: threading.Event) -> dict[str, Any] | None:
        if self._process is not None and self._process.poll() is not None:
            self._end()  # it ended after its last answer: that is no fault of this file
        process = self._process = self._process or self._started()
        if process.stdin is None or process.stdout is None:
            return None

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            told = process.stdout.readline(_MOST_ANSWER)
            answer: dict[str, Any] = json.loads(told)
        except (OSError, ValueError, RecursionError):
            return None
        finally:
            timer.cancel()
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name.upper() not in _NO_SYMBOL_PATH}
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(_ROOT), str(self._cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _end(self) -> int:
        """How the process ended, which it does now at the latest."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # what was not written yet
        try:
            return process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _how_it_ended(self, late: threading.Event, code: int) -> str:
        if late.is_set():
            return f"reading it took longer than {self._seconds:g} s"
        return (
            f"the process that read it ended with code {code}, as by damage, or for want of more than {MEMORY >> 20} MB"
        )
