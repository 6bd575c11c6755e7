"""The first run compiles the kernels: it says so, and lets a second process compile those of the analysis.

Reading is compiled here, as its first batch is read; the analysis meanwhile there, over nothing at all
(:mod:`analyzers.jit_warmup`). Both keep what they made in the cache, and that is all they share: without a second
process everything is compiled here.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tracer.jit import cache_directory
from tui.reading.compiled import Part, is_compiled, note_compiled
from tui.streams import say

_PATIENCE_SECONDS: Final = 120
"""When the second process is given up: many times what it takes on a slow machine."""


class Helper:
    """A second process that compiles, or none."""

    def __init__(self, process: subprocess.Popen[bytes] | None = None) -> None:
        self._process = process

    def wait(self) -> None:
        """Return when it is done, has failed, or takes far too long: then what it did not make is made here."""
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.stop()

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def announce_compilation(*, quiet: bool, part: Part = Part.ANALYSIS) -> bool:
    """Say on stderr that kernels will be compiled, when no earlier run did it; whether that is so."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" or is_compiled(part):
        return False
    say("compiling kernels for this machine (once, up to 20 s on two cores)...", quiet=quiet)
    return True


@contextmanager
def compilation(part: Part, *, quiet: bool) -> Iterator[Helper]:
    """Around whatever runs the kernels of a part for the first time, on its success they count as compiled."""
    if not announce_compilation(quiet=quiet, part=part):
        yield Helper()
        return
    helper = _started() if part is Part.ANALYSIS and _processors() > 1 else Helper()
    collecting = gc.isenabled()
    gc.disable()  # numba makes millions of small objects: looking through them takes a sixth of the time
    try:
        yield helper
        note_compiled(part)
    finally:
        helper.stop()
        if collecting:
            gc.enable()


def _processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _started() -> Helper:
    """A process with the modules and the cache of this one, which ends when this one does."""
    if getattr(sys, "frozen", False) or not sys.executable:  # then there is no interpreter to start
        return Helper()
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache_directory()),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "analyzers.jit_warmup"],  # -P: no modules from where the user happens to be
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return Helper()
    return Helper(process)
