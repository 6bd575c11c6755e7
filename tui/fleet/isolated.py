"""One trace in a process that it may kill, fill or hang: what happens to it is its own row, and nobody else's.

Each thread of a worker has such a process (:mod:`tui.fleet.child`), which takes one trace after the other until one
ends it. So neither Dask nor its worker ever die of a trace, and what does is known.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import psutil

from analyzers.formatting import duration, size
from tracer.errors import InputError
from tracer.kernels.store import cache_directory
from tracer.programs import python, with_modules
from tui.json_documents.error import error_document

_ATTEMPTS: Final = 3
"""How often a trace is given to a process before its end is taken for the trace's doing: others may kill it as well."""
_LOOK_SECONDS: Final = 0.2
"""How often the memory is looked at."""
_FOLDER: Final = "poolscope-fleet-"
_PROGRAM = "tui.fleet.child"
_HERE = threading.local()
_RUNNING: set[Child] = set()
_STOPPED = threading.Event()


def analyse(job: dict[str, Any]) -> dict[str, Any]:
    """The answer of :mod:`tui.fleet.child` to a job, or the ``error`` that its process met.

    ``memory``: bytes that the process may take, ``seconds``: how long it may.
    """
    child, died = _child(), ""
    for _ in range(_ATTEMPTS):
        if _STOPPED.is_set():
            break
        child = _child()
        was_fresh = child.is_fresh
        answer = child.ask(job)
        if answer is not None:
            if child.memory() > job["memory"] // 2:
                child.end()
            return answer
        child.end()
        if child.why == "died":
            died = child.said
        elif was_fresh or child.why == "timeout":
            return _failed(job, child, child.said)
    return _failed(job, child, died)


def start_again() -> None:
    """Take jobs in this process (again)."""
    _STOPPED.clear()


def stop() -> None:
    """End all that runs in this process, now: their answers are not wanted any more."""
    _STOPPED.set()
    for child in list(_RUNNING):
        child.end()


def _child() -> Child:
    child: Child | None = getattr(_HERE, "child", None)
    if child is None or child.has_ended:
        child = _HERE.child = Child()
    return child


def _failed(job: dict[str, Any], child: Child, said: str) -> dict[str, Any]:
    code, what, how = {
        "died": ("worker-died", "the process that read the trace died", "report it: no trace may do that"),
        "timeout": ("timeout", "reading the trace took too long", "--timeout with more, and --retry"),
        "memory": ("out-of-memory", "the trace takes too much memory", "--memory with more, and --retry"),
    }[child.why or "died"]  # fmt: skip
    error = InputError(code, what, where=job["place"], why=said, next=how)
    return {"hash": "", "bytes": job["bytes"]} | child.begun | error_document(error)


class Child:
    """The process. ``why``: it ended: died, timeout or memory; ``said``: that in words; ``begun``: hash and size."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.is_fresh, self.has_ended, self.why, self.said = True, False, "", ""
        _sweep()
        self._folder = tempfile.mkdtemp(prefix=f"{_FOLDER}{socket.gethostname()}-{os.getpid()}-")
        environment = with_modules(
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._folder),
            **dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
            NUMBA_CACHE_DIR=str(cache_directory()),
        )
        self._process = subprocess.Popen(
            python("-m", _PROGRAM),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for who started it
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()
        _RUNNING.add(self)
        atexit.register(self.end)

    def ask(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; ``None`` where there is none, and ``why`` tells."""
        self.is_fresh, self.begun = False, {}
        until = time.monotonic() + job["seconds"]
        assert self._process.stdin is not None
        with suppress(OSError):  # where it has died the end of its output tells
            self._process.stdin.write(json.dumps(job).encode("ascii") + b"\n")
            self._process.stdin.flush()
        while not self.why:
            try:
                line = self._answers.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._check(job, until)
                continue
            if not line.endswith(b"\n"):
                self.why, self.said = "died", self._death()
                break
            answer: dict[str, Any] = json.loads(line)
            if "begun" not in answer:
                return answer
            self.begun = answer["begun"]
        return None

    def _check(self, job: dict[str, Any], until: float) -> None:
        """Whether it has taken too much of anything."""
        if time.monotonic() > until:
            self.why, self.said = "timeout", f"it was stopped after {duration(int(job['seconds'] * 1e9))}"
        elif self.memory() > job["memory"]:
            self.why, self.said = "memory", f"it was stopped at {size(job['memory'])}"

    def memory(self) -> int:
        """Bytes that it takes, without what it shares with others or with files; 0 when it has ended."""
        try:
            found = psutil.Process(self._process.pid).memory_info()
        except psutil.Error:
            return 0
        return int(found.rss - getattr(found, "shared", 0))

    def end(self) -> None:
        """At once; what it left in its folder goes with it."""
        _RUNNING.discard(self)
        self.has_ended = True
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with suppress(OSError):  # what it did not take any more
                self._process.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.end)

    def _death(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        if code >= 0:
            return f"it ended with {code}"
        try:
            return f"it was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"it was ended by signal {-code}"


def _listen(stream: IO[bytes] | None, answers: queue.SimpleQueue[bytes]) -> None:
    """Every line, and nothing at the end."""
    assert stream is not None
    with stream:
        for line in stream:
            answers.put(line)
    answers.put(b"")


def _sweep() -> None:
    """Remove what processes left whose worker was killed."""
    begin = f"{_FOLDER}{socket.gethostname()}-"
    for folder in Path(tempfile.gettempdir()).glob(f"{begin}*"):
        number = folder.name.removeprefix(begin).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
